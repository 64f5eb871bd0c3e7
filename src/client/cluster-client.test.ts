import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { readBatchHeader } from '../protocol/records/batch-header.ts'
import { apiVersionsHandler } from '../server/api-versions.ts'
import { type Handlers, handlerTable, type HandlerTable } from '../server/handlers.ts'
import { serve } from '../server/serve.ts'
import { ManualClock } from '../sim/manual-clock.ts'
import { MemoryNetwork } from '../sim/memory-network.ts'
import { ClusterClient } from './cluster-client.ts'

/** Two brokers that agree on who leads the one partition there is, and note the sequences of what is produced to the leader. */
class Cluster {
  readonly clock = new ManualClock()
  readonly network = new MemoryNetwork(this.clock)
  readonly ports = { clock: this.clock, network: this.network, log: { write: () => {} }, entropy: new Prng(1) }
  leader = 1
  nextProducerId = 7
  readonly sequences: string[] = []
  /** What the leader answers to the next batches, before it begins to take them. */
  readonly errors: number[] = []
  created = 0

  async start(): Promise<ClusterClient> {
    for (const id of [1, 2]) {
      const table: HandlerTable = handlerTable({
        ...this.handlers(id),
        apiVersions: apiVersionsHandler(
          'broker',
          () => table,
          () => ({}),
        ),
      })
      await serve(this.ports, { host: 'b', port: id, listenerName: 'P', listenerKind: 'broker' }, table)
    }
    return new ClusterClient(this.ports, { bootstrap: [1, 2].map((port) => ({ host: 'b', port })), clientId: 'c' })
  }

  private handlers(id: number): Handlers {
    const partitions = () => [{ errorCode: 0, partitionIndex: 0, leaderId: this.leader, replicaNodes: [1, 2], isrNodes: [1, 2] }]
    return {
      metadata: () => ({
        brokers: [1, 2].map((nodeId) => ({ nodeId, host: 'b', port: nodeId })),
        topics: [{ errorCode: 0, name: 't', partitions: partitions() }],
      }),
      initProducerId: () => ({ throttleTimeMs: 0, errorCode: 0, producerId: (this.nextProducerId += 1), producerEpoch: 0 }),
      createTopics: (request) => {
        this.created += 1
        return { topics: request.topics.map(({ name }) => ({ name, errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: null })) }
      },
      produce: (request) => {
        const bytes = request.topicData[0]?.partitionData[0]?.records
        assert.ok(Buffer.isBuffer(bytes))
        const { producerId, baseSequence } = readBatchHeader(bytes, 0)
        const errorCode = id === this.leader ? (this.errors.shift() ?? 0) : ErrorCode.NOT_LEADER_OR_FOLLOWER
        if (errorCode === 0) this.sequences.push(`${id}:${producerId}/${baseSequence}`)
        return { responses: [{ name: 't', partitionResponses: [{ index: 0, errorCode, baseOffset: 40 }] }] }
      },
    }
  }
}

const at = { topic: 't', partition: 0 }
const record = { key: null, value: Buffer.from('v') }
const options = { timeoutMs: 2_000 }

test('a produce follows the leader, one batch after the other, with the sequences of one producer', async () => {
  const cluster = new Cluster()
  const client = await cluster.start()
  const first = client.produce(at, [record, record], options)
  await cluster.clock.settle()
  assert.equal(await first, 40)
  cluster.leader = 2
  const more = [client.produce(at, [record], options), client.produce(at, [record], options)]
  await cluster.clock.advance(500)
  await Promise.all(more)
  assert.deepEqual(cluster.sequences, ['1:8/0', '2:8/2', '2:8/3'])
})

test('a leader that dies is replaced by the one that the others name', async () => {
  const cluster = new Cluster()
  const client = await cluster.start()
  const first = client.produce(at, [record], options)
  await cluster.clock.settle()
  await first
  cluster.network.kill('b', 1)
  cluster.leader = 2
  const next = client.produce(at, [record], options)
  await cluster.clock.advance(1_000)
  await next
  assert.deepEqual(cluster.sequences, ['1:8/0', '2:8/1'])
})

test('an error that does not pass is told, and the producer begins anew', async () => {
  const cluster = new Cluster()
  const client = await cluster.start()
  cluster.errors.push(ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.MESSAGE_TOO_LARGE)
  const refused = assert.rejects(client.produce(at, [record], options), { name: 'ApiError', error: 'MESSAGE_TOO_LARGE' })
  await cluster.clock.advance(500)
  await refused
  const next = client.produce(at, [record], options)
  await cluster.clock.advance(500)
  await next
  assert.deepEqual(cluster.sequences, ['1:9/0'])
})

test('errors that pass are retried no longer than the time given', async () => {
  const cluster = new Cluster()
  const client = await cluster.start()
  cluster.errors.push(...Array.from({ length: 100 }, () => ErrorCode.NOT_ENOUGH_REPLICAS))
  const refused = assert.rejects(client.produce(at, [record], options), { error: 'NOT_ENOUGH_REPLICAS' })
  await cluster.clock.advance(2_000)
  await refused
})

test('a topic that is there already is an error the first time', async () => {
  const cluster = new Cluster()
  const client = await cluster.start()
  const refused = assert.rejects(client.createTopics([{ name: 't', partitions: 1, replicationFactor: 1 }], options), {
    error: 'TOPIC_ALREADY_EXISTS',
  })
  await cluster.clock.settle()
  await refused
  assert.equal(cluster.created, 1)
})
