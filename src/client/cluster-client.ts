import type { Ports } from '../base/ports.ts'
import type { Millis, NodeId, Offset, TopicPartition } from '../base/units.ts'
import { partitionName } from '../base/units.ts'
import type { Api } from '../protocol/apis.ts'
import { apis } from '../protocol/apis.ts'
import { ErrorCode, errorName, type ErrorName, isRetriable } from '../protocol/errors.ts'
import type { MetadataResponse } from '../protocol/messages/metadata.ts'
import { addToSequence, batchHeaders } from '../protocol/records/batch-header.ts'
import { buildBatch, type NewRecord } from '../protocol/records/batch-builder.ts'
import { type DecodedRecord, decodeRecords } from '../protocol/records/records.ts'
import type { Draft, Message, Schema } from '../protocol/schema.ts'
import { negotiate, type PeerVersions } from './negotiation.ts'
import { Peer, PeerError, type RequestOptions } from './peer.ts'

/** A broker's answer is an error that asking again does not mend, or has not mended within the time. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly error: ErrorName
  constructor(code: number, action: string, detail: string | null = null) {
    super(`${action}: ${errorName(code)}${detail === null ? '' : ` (${detail})`}`)
    this.error = errorName(code)
  }
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface ClusterClientOptions {
  /** Some brokers of the cluster; the others are learned from them. */
  readonly bootstrap: readonly Endpoint[]
  readonly clientId: string
  /** Between two attempts; 50 when left out. */
  readonly retryBackoffMs?: Millis
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs?: ReadonlyMap<string, string>
}

export interface Fetched {
  readonly highWatermark: Offset
  readonly logStartOffset: Offset
  readonly records: readonly DecodedRecord[]
}

/** The versions from 13 on name topics by their ids only. */
const produceByNameMax = 12
const fetchByNameMax = 12
const retryBackoffMs: Millis = 50
/** A broker that says nothing for this long is asked again, or another one is. */
const attemptMsMax: Millis = 5_000
const fetchBytesMax = 10 * 1024 * 1024

interface Producer {
  readonly id: number
  readonly epoch: number
  /** The next sequence, by partition. */
  readonly sequences: Map<string, number>
}

interface Connected {
  readonly peer: Peer
  versions: Promise<PeerVersions> | null
}

/**
 * A small client of a whole cluster, for the command line and for tests: it finds leaders, follows them when they move, and asks again until
 * its caller's time is over. What is produced is idempotent: each partition has at most one batch under way, and a batch that is sent again is
 * the same batch. Methods reject with ApiError or PeerError.
 */
export class ClusterClient {
  private readonly ports: Pick<Ports, 'clock' | 'entropy' | 'network'>
  private readonly options: ClusterClientOptions
  private readonly connected = new Map<string, Connected>()
  private brokers: ReadonlyMap<NodeId, Endpoint> = new Map()
  private readonly leaders = new Map<string, NodeId>()
  private nextBootstrap = 0
  private producer: Promise<Producer> | null = null
  private readonly underWay = new Map<string, Promise<unknown>>()

  constructor(ports: Pick<Ports, 'clock' | 'entropy' | 'network'>, options: ClusterClientOptions) {
    this.ports = ports
    this.options = options
  }

  /** Null: all topics. */
  async metadata(topics: readonly string[] | null, options: RequestOptions): Promise<MetadataResponse> {
    const body = { topics: topics?.map((name) => ({ name })) ?? null, allowAutoTopicCreation: false }
    const answer = await this.retrying(options, (left) => this.askAny(apis.metadata, body, left))
    this.learn(answer)
    return answer
  }

  /** Resolves when the controller has created all of them; a topic that is there already rejects with TOPIC_ALREADY_EXISTS. */
  async createTopics(topics: readonly NewTopic[], options: RequestOptions): Promise<void> {
    const wanted = topics.map((topic) => ({
      name: topic.name,
      numPartitions: topic.partitions,
      replicationFactor: topic.replicationFactor,
      assignments: [],
      configs: [...(topic.configs ?? [])].map(([name, value]) => ({ name, value })),
    }))
    let askedBefore = false
    await this.retrying(options, async (left) => {
      const again = askedBefore
      askedBefore = true
      const answer = await this.askAny(apis.createTopics, { topics: wanted, timeoutMs: Math.ceil(left.timeoutMs) }, left)
      for (const topic of answer.topics) {
        // An attempt whose answer was lost may have created it.
        if (again && topic.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) continue
        check(topic.errorCode, `create topic ${topic.name}`, topic.errorMessage)
      }
    })
  }

  /** One batch with acks=all. Resolves with its first offset. */
  produce(at: TopicPartition, records: readonly NewRecord[], options: RequestOptions): Promise<Offset> {
    const key = partitionName(at.topic, at.partition)
    const before = this.underWay.get(key) ?? Promise.resolve()
    const own = before.catch(() => {}).then(() => this.produceNow(at, key, records, options))
    this.underWay.set(key, own)
    return own
  }

  async fetch(at: TopicPartition, offset: Offset, options: RequestOptions & { readonly maxWaitMs: Millis }): Promise<Fetched> {
    const { topic, partition } = at
    const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: fetchBytesMax }]
    const body = { maxWaitMs: options.maxWaitMs, minBytes: 1, maxBytes: fetchBytesMax, topics: [{ topic, partitions }] }
    return this.retrying(options, async (left) => {
      const answer = await this.askLeader(at, apis.fetch, body, left, fetchByNameMax)
      const found = answer.responses[0]?.partitions[0]
      check(answer.errorCode, 'fetch')
      check(found?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, `fetch from ${partitionName(topic, partition)}`)
      const bytes = found?.records ?? null
      const decoded = bytes === null ? [] : dataRecords(bytes).filter((record) => record.offset >= offset)
      return { highWatermark: found?.highWatermark ?? -1, logStartOffset: found?.logStartOffset ?? -1, records: decoded }
    })
  }

  /** The offset at a time; -1 stands for the end, -2 for the beginning. */
  async listOffset(at: TopicPartition, timestamp: number, options: RequestOptions): Promise<Offset> {
    const { topic, partition } = at
    const body = { replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }] }
    return this.retrying(options, async (left) => {
      const found = (await this.askLeader(at, apis.listOffsets, body, left)).topics[0]?.partitions[0]
      check(found?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, `list offsets of ${partitionName(topic, partition)}`)
      return found?.offset ?? -1
    })
  }

  close(): void {
    for (const { peer } of this.connected.values()) peer.close()
  }

  private async produceNow(at: TopicPartition, key: string, records: readonly NewRecord[], options: RequestOptions): Promise<Offset> {
    const { id, epoch, sequences } = await this.producerIdentity(options)
    const baseSequence = sequences.get(key) ?? 0
    const timestamp = this.ports.clock.wall()
    const batch = buildBatch({ producerId: id, producerEpoch: epoch, baseSequence, timestamp }, records)
    const offset = await this.retrying(options, async (left) => {
      const topicData = [{ name: at.topic, partitionData: [{ index: at.partition, records: batch }] }]
      const answer = await this.askLeader(
        at,
        apis.produce,
        { acks: -1, timeoutMs: Math.ceil(left.timeoutMs), topicData },
        left,
        produceByNameMax,
      )
      const found = answer.responses[0]?.partitionResponses[0]
      check(found?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, `produce to ${key}`, found?.errorMessage ?? null)
      return found?.baseOffset ?? -1
    }).catch((error: unknown) => {
      // Whether the batch is in the log is not known: the sequence cannot be used on. A new producer id begins anew.
      this.producer = null
      throw error
    })
    sequences.set(key, addToSequence(baseSequence, records.length))
    return offset
  }

  private producerIdentity(options: RequestOptions): Promise<Producer> {
    this.producer ??= this.retrying(options, async (left) => {
      const answer = await this.askAny(apis.initProducerId, { transactionalId: null, transactionTimeoutMs: 0 }, left)
      check(answer.errorCode, 'get a producer id')
      return { id: answer.producerId, epoch: answer.producerEpoch, sequences: new Map<string, number>() }
    }).catch((error: unknown) => {
      this.producer = null
      throw error
    })
    return this.producer
  }

  private learn(answer: MetadataResponse): void {
    this.brokers = new Map(answer.brokers.map((it) => [it.nodeId, { host: it.host, port: it.port }]))
    for (const topic of answer.topics) {
      for (const partition of topic.partitions)
        this.leaders.set(partitionName(topic.name ?? '', partition.partitionIndex), partition.leaderId)
    }
  }

  private async askLeader<Req extends Schema, Res extends Schema>(
    at: TopicPartition,
    api: Api<Req, Res>,
    body: Draft<Req>,
    options: RequestOptions,
    versionMax = api.versionMax,
  ): Promise<Message<Res>> {
    const key = partitionName(at.topic, at.partition)
    const known = this.leaderEndpoint(key)
    if (known === undefined)
      this.learn(await this.askAny(apis.metadata, { topics: [{ name: at.topic }], allowAutoTopicCreation: false }, options))
    const leader = known ?? this.leaderEndpoint(key)
    if (leader === undefined) throw new ApiError(ErrorCode.LEADER_NOT_AVAILABLE, `ask the leader of ${key}`)
    return this.ask(leader, api, body, options, versionMax)
  }

  private leaderEndpoint(key: string): Endpoint | undefined {
    return this.brokers.get(this.leaders.get(key) ?? -1)
  }

  /** Any broker that answers, beginning with the one that answered last. */
  private async askAny<Req extends Schema, Res extends Schema>(
    api: Api<Req, Res>,
    body: Draft<Req>,
    options: RequestOptions,
  ): Promise<Message<Res>> {
    const all = [...this.options.bootstrap, ...this.brokers.values()]
    const endpoint = all[this.nextBootstrap % all.length]
    if (endpoint === undefined) throw new PeerError('EUNREACHABLE', 'no broker is known')
    try {
      return await this.ask(endpoint, api, body, options, api.versionMax)
    } catch (error) {
      this.nextBootstrap += 1
      throw error
    }
  }

  private async ask<Req extends Schema, Res extends Schema>(
    endpoint: Endpoint,
    api: Api<Req, Res>,
    body: Draft<Req>,
    options: RequestOptions,
    versionMax: number,
  ): Promise<Message<Res>> {
    const connected = this.connectionTo(endpoint)
    connected.versions ??= negotiate(connected.peer, options)
    try {
      const version = (await connected.versions).require(api, versionMax)
      return await connected.peer.request(api, version, body, options)
    } catch (error) {
      // Whoever answers there next may be of another release.
      connected.versions = null
      throw error
    }
  }

  private connectionTo({ host, port }: Endpoint): Connected {
    const key = `${host}:${port}`
    const known = this.connected.get(key)
    if (known !== undefined) return known
    const fresh: Connected = { peer: new Peer(this.ports, { host, port, clientId: this.options.clientId }), versions: null }
    this.connected.set(key, fresh)
    return fresh
  }

  /** Asks again after errors that may pass, with what is known of leaders forgotten, until the time is over. */
  private async retrying<T>(options: RequestOptions, attempt: (left: RequestOptions) => Promise<T>): Promise<T> {
    const deadline = this.ports.clock.mono() + options.timeoutMs
    for (;;) {
      try {
        return await attempt({ timeoutMs: Math.min(attemptMsMax, deadline - this.ports.clock.mono()) })
      } catch (error) {
        const backoff = this.options.retryBackoffMs ?? retryBackoffMs
        if (!mayPass(error) || this.ports.clock.mono() + backoff >= deadline) throw error
        this.leaders.clear()
        await new Promise<void>((resolve) => void this.ports.clock.after(backoff, resolve))
      }
    }
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return isRetriable(ErrorCode[error.error])
  return error instanceof PeerError && error.code !== 'ESHUTDOWN' && error.code !== 'EUNSUPPORTED'
}

function check(code: number, action: string, detail: string | null = null): void {
  if (code !== ErrorCode.NONE) throw new ApiError(code, action, detail)
}

/** The records of whole batches; the last batch of an answer may be cut off, control batches are none of a reader's business. */
function dataRecords(bytes: Buffer): readonly DecodedRecord[] {
  const records: DecodedRecord[] = []
  for (const { at, header } of batchHeaders(bytes)) if (!header.isControl) records.push(...decodeRecords(bytes, at))
  return records
}
