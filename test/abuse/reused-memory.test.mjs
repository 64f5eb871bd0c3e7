// Memory that fetch answers were sent from is used for the next ones. Readers that stand still in the middle of an answer, that ask for much ahead, and
// that go away while they are answered must not make any other reader, or themselves, see bytes of another answer.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { batchHeader, buildBatch, recordsOf } from '../rig/build.mjs'
import { startCluster, until } from '../rig/cluster.mjs'
import { connect } from '../rig/wire.mjs'

const name = 'reused'
const partitions = [0, 1, 2]
/** More than the 8 MiB that a broker keeps in memory of what was appended last. */
const batches = 200
const batchBytes = 100_000
/** Only what is in files by then. */
const oldest = 100
const readers = 9
const rounds = 25

/** @type {Awaited<ReturnType<typeof startCluster>>} */
let cluster
const port = () => cluster.nodes[0]?.port ?? 0
const valueOf = (partition, offset) => Buffer.alloc(batchBytes, `${partition}:${offset};`)

before(async () => {
  cluster = await startCluster({ nodes: 1 })
  const wire = await connect(port())
  const topics = [{ name, numPartitions: partitions.length, replicationFactor: 1, assignments: [], configs: [] }]
  await wire.call('createTopics', 7, { topics, timeoutMs: 10_000, validateOnly: false })
  await until('the topic is served', async () => {
    const asked = partitions.map((partitionIndex) => ({ partitionIndex, timestamp: -1 }))
    const answer = await wire.call('listOffsets', 2, { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions: asked }] })
    return answer.topics[0].partitions.every((it) => it.errorCode === 0)
  })
  for (let offset = 0; offset < batches; offset += 1) {
    const partitionData = partitions.map((index) => ({
      index,
      records: buildBatch({ timestamp: Date.now() }, [{ key: null, value: valueOf(index, offset) }]),
    }))
    const answer = await wire.call('produce', 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData: [{ name, partitionData }] })
    for (const it of answer.responses[0].partitionResponses) assert.deepEqual([it.errorCode, it.baseOffset], [0, offset])
  }
  wire.close()
})
after(() => cluster?.stop())

const offsetAt = (reader, round, partition) => (reader * 31 + round * 17 + partition * 7) % oldest
const request = (reader, round) => ({
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 3_000_000,
  topics: [
    {
      topic: name,
      partitions: partitions.map((partition) => ({
        partition,
        fetchOffset: offsetAt(reader, round, partition),
        partitionMaxBytes: 150_000 + ((reader * 7 + round * 13) % 9) * 100_000,
      })),
    },
  ],
})

/** @returns the records that were there and right */
function check(answer, reader, round) {
  let right = 0
  for (const { partitionIndex, errorCode, records } of answer.responses[0].partitions) {
    assert.equal(errorCode, 0)
    for (const { at, header } of batchHeader.batchHeaders(records)) assert.ok(batchHeader.batchCrcIsValid(records, at, header.sizeBytes))
    for (const [at, record] of recordsOf(records).entries()) {
      const offset = offsetAt(reader, round, partitionIndex) + at
      assert.equal(record.offset, offset)
      assert.ok(record.value.equals(valueOf(partitionIndex, offset)), `partition ${partitionIndex}, offset ${offset}`)
      right += 1
    }
  }
  return right
}

/** Asks three times ahead; stands still now and then with answers on their way, or goes away in the middle of them. */
async function read(reader) {
  let wire = await connect(port())
  let right = 0
  for (let round = 0; round < rounds; round += 3) {
    const asked = [round, round + 1, round + 2]
    const answers = asked.map((at) => wire.call('fetch', 11, request(reader, at), 60_000))
    if (reader % 3 === 1) {
      wire.socket.pause()
      await sleep(60)
      wire.socket.resume()
    } else if (reader % 3 === 2 && round % 2 === 1) {
      await sleep(4)
      wire.close()
      await Promise.allSettled(answers)
      wire = await connect(port())
      continue
    }
    for (const [at, answer] of answers.entries()) right += check(await answer, reader, round + at)
  }
  wire.close()
  return right
}

test('readers that stall or go away while they are answered spoil nobody’s records', async () => {
  const right = await Promise.all(Array.from({ length: readers }, (_unused, reader) => read(reader)))
  assert.ok(Math.min(...right) > 3 * rounds, `records read and right by each: ${right.join(', ')}`)
})
