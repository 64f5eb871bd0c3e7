import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METADATA_TOPIC_ID, NO_UUID } from '../base/units.ts'
import { apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Draft, Message, Schema } from '../protocol/schema.ts'
import { Peer } from '../client/peer.ts'
import type { Api } from '../protocol/apis.ts'
import { MemoryDisk } from '../sim/memory-disk.ts'
import { QuorumWorld } from '../sim/quorum-world.ts'
import { readBootstrap, writeBootstrap } from './bootstrap.ts'
import { formatQuorumState, QuorumStateError, readQuorumState } from './quorum-state.ts'

/** A quorum of one that has committed two records, and somebody who talks to its listener. */
class Talk {
  readonly world = new QuorumWorld(1, 1)
  readonly peer = new Peer(this.world.ports(new MemoryDisk()), { host: '127.0.0.1', port: 9191, clientId: 'test' })

  async start(): Promise<void> {
    const member = await this.world.start(1)
    await this.world.until(() => member.witness.leading >= 0, 100)
    member.node.append(member.witness.leading, [Buffer.from('a'), Buffer.from('b')])
    await this.world.until(() => member.witness.values.length === 2, 100)
  }

  async ask<Q extends Schema, A extends Schema>(api: Api<Q, A>, version: number, body: Draft<Q>): Promise<Message<A>> {
    const answers: Message<A>[] = []
    const asking = this.peer.request(api, version, body, { timeoutMs: 5_000 }).then((answer) => void answers.push(answer))
    await this.world.until(() => answers.length === 1, 5_000)
    await asking
    const [answer] = answers
    assert.ok(answer !== undefined)
    return answer
  }
}

const fetchPartition = { partition: 0, currentLeaderEpoch: 1, fetchOffset: 0, lastFetchedEpoch: 0, partitionMaxBytes: 1_000_000 }

test('a request of another cluster, or for another partition, is refused as a whole', async () => {
  const talk = new Talk()
  await talk.start()
  const topics = (topicName: string) => [
    { topicName, partitions: [{ partitionIndex: 0, leaderId: 1, leaderEpoch: 1, voterDirectoryId: NO_UUID }] },
  ]
  const begin = (clusterId: string, topicName: string) =>
    talk.ask(apis.beginQuorumEpoch, 1, { clusterId, voterId: 1, topics: topics(topicName), leaderEndpoints: [] })
  assert.equal((await begin('another', '__cluster_metadata')).errorCode, ErrorCode.INCONSISTENT_CLUSTER_ID)
  assert.equal((await begin('the-cluster', 'orders')).errorCode, ErrorCode.INVALID_REQUEST)
  const sane = await begin('the-cluster', '__cluster_metadata')
  assert.equal(sane.errorCode, ErrorCode.NONE)
  assert.equal(sane.topics[0]?.partitions[0]?.errorCode, ErrorCode.INVALID_REQUEST)
  assert.equal(sane.topics[0]?.partitions[0]?.leaderId, 1)
})

test('the metadata log is fetched by topic id from version 13 on, by name before, with the leader and its endpoint', async () => {
  const talk = new Talk()
  await talk.start()
  const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000 }
  const byId = { ...limits, clusterId: 'the-cluster', topics: [{ topicId: METADATA_TOPIC_ID, partitions: [fetchPartition] }] }
  const found = await talk.ask(apis.fetch, 18, byId)
  const partition = found.responses[0]?.partitions[0]
  assert.equal(partition?.errorCode, ErrorCode.NONE)
  assert.equal(partition?.highWatermark, 3)
  assert.deepEqual(partition?.currentLeader, { leaderId: 1, leaderEpoch: 1 })
  assert.ok((partition?.records?.length ?? 0) > 61)
  assert.deepEqual(
    found.nodeEndpoints.map((it) => [it.nodeId, it.host, it.port]),
    [[1, '127.0.0.1', 9191]],
  )
  const named = { ...limits, replicaId: -1, topics: [{ topic: '__cluster_metadata', partitions: [fetchPartition] }] }
  assert.equal((await talk.ask(apis.fetch, 12, named)).responses[0]?.partitions[0]?.highWatermark, 3)
  const stale = { ...byId, topics: [{ topicId: METADATA_TOPIC_ID, partitions: [{ ...fetchPartition, currentLeaderEpoch: 0 }] }] }
  assert.equal((await talk.ask(apis.fetch, 17, stale)).responses[0]?.partitions[0]?.errorCode, ErrorCode.FENCED_LEADER_EPOCH)
})

test('a snapshot that is not there, and a position beyond one that is, are said of the partition', async () => {
  const talk = new Talk()
  await talk.start()
  const member = talk.world.member(1)
  let written = false
  void member.node.writeSnapshot(3, [[Buffer.from('ab')]]).then(() => (written = true))
  await talk.world.until(() => written, 100)
  const ask = async (endOffset: number, position: number) => {
    const partition = { partition: 0, currentLeaderEpoch: 1, snapshotId: { endOffset, epoch: 1 }, position }
    const topics = [{ name: '__cluster_metadata', partitions: [partition] }]
    const answer = await talk.ask(apis.fetchSnapshot, 1, { clusterId: 'the-cluster', maxBytes: 50, topics })
    return answer.topics[0]?.partitions[0]
  }
  assert.equal((await ask(2, 0))?.errorCode, ErrorCode.SNAPSHOT_NOT_FOUND)
  assert.equal((await ask(3, 100_000))?.errorCode, ErrorCode.POSITION_OUT_OF_RANGE)
  const piece = await ask(3, 10)
  assert.equal(piece?.errorCode, ErrorCode.NONE)
  assert.equal(piece?.unalignedRecords.length, 50)
  assert.ok((piece?.size ?? 0) > 200)
})

test('DescribeQuorum tells of voters and their endpoints', async () => {
  const talk = new Talk()
  await talk.start()
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
  const answer = await talk.ask(apis.describeQuorum, 2, { topics })
  const partition = answer.topics[0]?.partitions[0]
  assert.equal(partition?.leaderId, 1)
  assert.equal(partition?.highWatermark, 3)
  assert.deepEqual(
    partition?.currentVoters.map((it) => [it.replicaId, it.logEndOffset]),
    [[1, 3]],
  )
  assert.equal(answer.nodes[0]?.listeners[0]?.name, 'CONTROLLER')
})

test('a bootstrap file gives back what was written to it', () => {
  const disk = new MemoryDisk()
  disk.makeDirectory('/data')
  assert.equal(readBootstrap(disk, '/data'), null)
  writeBootstrap(disk, '/data', [Buffer.from('one'), Buffer.from('two')], 5)
  assert.deepEqual(
    readBootstrap(disk, '/data')?.map((value) => value.toString()),
    ['one', 'two'],
  )
})

test('a quorum-state that says nothing sensible is refused, not overlooked', () => {
  const disk = new MemoryDisk()
  disk.makeDirectory('/data')
  const state = { epoch: 4, leaderId: 2, voted: { id: 3, directoryId: NO_UUID } }
  disk.replaceSmallSync('/data/quorum-state', formatQuorumState(state, [1, 2, 3]))
  assert.deepEqual(readQuorumState(disk, '/data'), state)
  for (const broken of ['', '{}', '[1]', '{"leaderId":1,"leaderEpoch":"x","votedId":-1,"data_version":0}']) {
    disk.replaceSmallSync('/data/quorum-state', broken)
    assert.throws(() => readQuorumState(disk, '/data'), QuorumStateError)
  }
})
