import { assert } from '../base/assert.ts'
import type { Millis, NodeId, Offset, TopicPartition, Uuid } from '../base/units.ts'
import type { Peer } from '../client/peer.ts'
import { type Api, apis } from '../protocol/apis.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { type DecodedRecord, decodeRecords } from '../protocol/records/records.ts'
import { batchHeaders } from '../protocol/records/batch-header.ts'
import type { Draft, Message, Schema } from '../protocol/schema.ts'
import type { ClusterWorld } from './cluster-world.ts'

export const requestMs: Millis = 10_000

/** One request over a connection of its own, as it is: nothing is asked twice. Rejects with PeerError. */
export async function ask<Req extends Schema, Res extends Schema>(
  world: ClusterWorld,
  node: NodeId,
  api: Api<Req, Res>,
  body: Draft<Req>,
  version = api.versionMax,
): Promise<Message<Res>> {
  const peer = world.peer(node)
  try {
    return await world.run(peer.request(api, version, body, { timeoutMs: requestMs }), requestMs + 1_000)
  } finally {
    peer.close()
  }
}

/** Resolves when every node that runs knows of all partitions and their leaders serve. */
export async function createTopic(
  world: ClusterWorld,
  name: string,
  replicationFactor: number,
  configs: Readonly<Record<string, string>> = {},
  partitions = 1,
): Promise<Uuid> {
  const client = world.client('creator')
  const topic = { name, partitions, replicationFactor, configs: new Map(Object.entries(configs)) }
  await world.run(client.createTopics([topic], { timeoutMs: requestMs }))
  const id = world.image().topics.byName(name)?.id
  assert(id !== undefined, 'a topic that was created is known')
  await world.until(() => running(world).every((life) => life.controller.image.topics.byId(id) !== undefined), requestMs)
  await world.clock.advance(50)
  client.close()
  return id
}

function running(world: ClusterWorld) {
  return [...world.nodes.values()].flatMap(({ life }) => (life === null || life.process.isStopped ? [] : [life]))
}

export function batchOf(...values: readonly string[]): Buffer {
  return buildBatch(
    { timestamp: 1_700_000_000_000 },
    values.map((value) => ({ value: Buffer.from(value) })),
  )
}

export interface RawProduce {
  readonly acks?: -1 | 0 | 1
  readonly timeoutMs?: Millis
  /** Up to 12, which names topics by name; from 10 on answers carry KIP-951's hints. 12 when left out. */
  readonly version?: number
}

/** A produce without producer id, to a node that may lead the partition or not. */
export function produceOver(peer: Peer, { topic, partition }: TopicPartition, records: Buffer, options: RawProduce = {}) {
  const { acks = -1, timeoutMs = 1_000, version = 12 } = options
  const body = { acks, timeoutMs, topicData: [{ name: topic, partitionData: [{ index: partition, records }] }] }
  return peer.request(apis.produce, version, body, { timeoutMs: requestMs }).then((answer) => {
    const found = answer.responses[0]?.partitionResponses[0]
    assert(found !== undefined, 'the answer names the partition')
    return { ...found, nodeEndpoints: answer.nodeEndpoints }
  })
}

export async function produceRaw(world: ClusterWorld, node: NodeId, at: TopicPartition, records: Buffer, options: RawProduce = {}) {
  const peer = world.peer(node)
  try {
    return await world.run(produceOver(peer, at, records, options))
  } finally {
    peer.close()
  }
}

export interface RawFetch {
  readonly maxWaitMs?: Millis
  readonly minBytes?: number
  readonly currentLeaderEpoch?: number
}

/** A consumer's fetch outside of sessions. */
export function fetchOver(peer: Peer, topicId: Uuid, partition: number, offset: Offset, options: RawFetch = {}) {
  const { maxWaitMs = 0, minBytes = 1, currentLeaderEpoch = -1 } = options
  const partitions = [{ partition, currentLeaderEpoch, fetchOffset: offset, partitionMaxBytes: 1 << 20 }]
  const body = { maxWaitMs, minBytes, maxBytes: 1 << 20, topics: [{ topicId, partitions }] }
  return peer.request(apis.fetch, apis.fetch.versionMax, body, { timeoutMs: requestMs }).then((answer) => {
    const found = answer.responses[0]?.partitions[0]
    return {
      errorCode: found?.errorCode ?? answer.errorCode,
      partition: found ?? null,
      records: recordsIn(found?.records ?? null),
      nodeEndpoints: answer.nodeEndpoints,
    }
  })
}

export async function fetchRaw(
  world: ClusterWorld,
  node: NodeId,
  topicId: Uuid,
  partition: number,
  offset: Offset,
  options: RawFetch = {},
) {
  const peer = world.peer(node)
  try {
    return await world.run(fetchOver(peer, topicId, partition, offset, options))
  } finally {
    peer.close()
  }
}

function recordsIn(bytes: Buffer | null): readonly DecodedRecord[] {
  return bytes === null ? [] : [...batchHeaders(bytes)].flatMap(({ at }) => decodeRecords(bytes, at))
}

export function textsOf(records: readonly DecodedRecord[]): readonly string[] {
  return records.map((it) => it.value?.toString() ?? 'null')
}
