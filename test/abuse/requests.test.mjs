// Requests that are well formed and wrong: batches that lie, names that are no names, offsets out of range. Each gets Kafka's own error.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { batchHeader, buildBatch, ErrorCode } from '../rig/build.mjs'
import { startCluster, underTest, until } from '../rig/cluster.mjs'
import { connect } from '../rig/wire.mjs'

const topic = 'abused'
const kafkaBreaks = underTest === 'kafka' && 'Apache Kafka does not answer'
/** @type {Awaited<ReturnType<typeof startCluster>>} */
let cluster
/** @type {import('../rig/wire.mjs').Wire} */
let wire

const nameOf = (code) => Object.entries(ErrorCode).find(([, value]) => value === code)?.[0] ?? String(code)
const create = async (name, more = {}) => {
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...more }]
  const { topics: made } = await wire.call('createTopics', 7, { topics, timeoutMs: 10_000, validateOnly: false })
  return nameOf(made[0].errorCode)
}
const produce = async (records, { name = topic, index = 0, acks = -1, transactionalId = null } = {}) => {
  const topicData = [{ name, partitionData: [{ index, records }] }]
  const answer = await wire.call('produce', 9, { transactionalId, acks, timeoutMs: 5000, topicData })
  const { errorCode, baseOffset } = answer.responses[0].partitionResponses[0]
  return { error: nameOf(errorCode), baseOffset }
}
const fetchAt = async (fetchOffset, more = {}, { partition = 0, name = topic, maxBytes = 1_000_000 } = {}) => {
  const topics = [{ topic: name, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000, ...more }] }]
  const answer = await wire.call('fetch', 11, { maxWaitMs: 0, minBytes: 0, maxBytes, topics })
  const it = answer.responses[0]?.partitions[0]
  return { error: nameOf(it?.errorCode ?? answer.errorCode), records: it?.records }
}
const record = (value = 'v') => ({ key: Buffer.from('k'), value: Buffer.from(value) })
const batch = (options = {}, records = [record()]) => buildBatch({ timestamp: Date.now(), ...options }, records)
/** A batch with something changed in its header, and its checksum right again. */
const forged = (change, bytes = batch()) => {
  change(bytes)
  batchHeader.stampCrc(bytes, 0, bytes.length)
  return bytes
}

before(async () => {
  cluster = await startCluster({ nodes: 1 })
  wire = await connect(cluster.nodes[0]?.port ?? 0)
  assert.equal(await create(topic), 'NONE')
  wire.close()
})
after(() => cluster?.stop())
beforeEach(async () => {
  wire = await connect(cluster.nodes[0]?.port ?? 0)
})
afterEach(async () => {
  wire.close()
  wire = await connect(cluster.nodes[0]?.port ?? 0)
  assert.equal((await produce(batch())).error, 'NONE', 'the partition takes what is right')
  wire.close()
})

describe('batches', () => {
  test('what is right is taken and read back', async () => {
    const { error, baseOffset } = await produce(batch({}, [record('a'), record('b')]))
    assert.equal(error, 'NONE')
    assert.ok((await fetchAt(baseOffset)).records.length > 0)
  })

  /** @type {[string, () => Buffer | null, string[]][]} what, the bytes, the errors that Kafka gives */
  const wrong = [
    ['a wrong checksum', () => flip(batch(), 65), ['CORRUPT_MESSAGE']],
    ['a checksum of nothing', () => flip(batch(), batchHeader.crcAtByte), ['CORRUPT_MESSAGE']],
    ['magic 1', () => forged((it) => it.writeInt8(1, batchHeader.magicAtByte)), ['INVALID_RECORD']],
    ['magic 3', () => forged((it) => it.writeInt8(3, batchHeader.magicAtByte)), ['CORRUPT_MESSAGE']],
    [
      'a count of two records where there is one',
      () => forged((it) => it.writeInt32BE(2, batchHeader.recordCountAtByte)),
      ['INVALID_RECORD'],
    ],
    [
      'a count of 2^31-1',
      () =>
        forged((it) => {
          it.writeInt32BE(0x7fffffff, batchHeader.recordCountAtByte)
          it.writeInt32BE(0x7ffffffe, batchHeader.lastOffsetDeltaAtByte)
        }),
      ['INVALID_RECORD'],
    ],
    ['a negative count', () => forged((it) => it.writeInt32BE(-1, batchHeader.recordCountAtByte)), ['INVALID_RECORD']],
    [
      'a last offset delta that does not fit the count',
      () => forged((it) => it.writeInt32BE(9, batchHeader.lastOffsetDeltaAtByte)),
      ['INVALID_RECORD'],
    ],
    ['a record shorter than it says', () => forged((it) => it.writeInt8(0x40, batchHeader.batchHeaderBytes)), ['INVALID_RECORD']],
    ['the control bit', () => batch({ isControl: true }), ['INVALID_RECORD']],
    ['two batches', () => Buffer.concat([batch(), batch()]), ['INVALID_RECORD']],
    [
      'gzip bits over bytes that are not gzip',
      () => forged((it) => it.writeInt16BE(1, batchHeader.attributesAtByte)),
      ['CORRUPT_MESSAGE', 'INVALID_RECORD', 'UNKNOWN_SERVER_ERROR'],
    ],
    [
      'zstd bits over bytes that are not zstd',
      () => forged((it) => it.writeInt16BE(4, batchHeader.attributesAtByte)),
      ['CORRUPT_MESSAGE', 'INVALID_RECORD', 'UNKNOWN_SERVER_ERROR'],
    ],
    [
      'a codec that does not exist',
      () => forged((it) => it.writeInt16BE(7, batchHeader.attributesAtByte)),
      ['CORRUPT_MESSAGE', 'INVALID_RECORD', 'UNSUPPORTED_COMPRESSION_TYPE', 'INVALID_REQUEST', 'UNKNOWN_SERVER_ERROR'],
    ],
    ['a negative sequence with a producer id', () => batch({ producerId: 5, producerEpoch: 0, baseSequence: -1 }), ['INVALID_RECORD']],
    ['a batch length beyond the bytes', () => lengthOf(batch(), 10_000), ['INVALID_RECORD']],
    ['a batch length below its header', () => lengthOf(batch(), 3), ['CORRUPT_MESSAGE']],
    ['a negative batch length', () => lengthOf(batch(), -1), ['CORRUPT_MESSAGE']],
    ['half a batch', () => batch().subarray(0, 40), ['INVALID_RECORD']],
    ['bytes of noise', () => Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 73 + 11) % 256)), ['CORRUPT_MESSAGE']],
    ['no bytes', () => Buffer.alloc(0), ['INVALID_RECORD']],
    ['no records', () => null, ['INVALID_RECORD']],
  ]
  for (const [what, bytes, errors] of wrong) {
    test(`${what}: ${errors.join(' or ')}; nothing is appended`, { skip: bytes() === null && kafkaBreaks }, async (t) => {
      const before = (await produce(batch())).baseOffset
      const { error } = await produce(bytes())
      t.diagnostic(error)
      assert.ok(errors.includes(error), error)
      assert.equal((await produce(batch())).baseOffset, before + 1)
    })
  }

  test('a batch that would unpack to 256 MiB is answered without unpacking it into memory', async () => {
    const before = cluster.rssMiB()
    const inner = gzipSync(Buffer.alloc(256 * 1024 * 1024))
    const head = batch().subarray(0, batchHeader.batchHeaderBytes)
    const bomb = forged(
      (it) => {
        it.writeInt16BE(1, batchHeader.attributesAtByte)
        it.writeInt32BE(it.length - 12, batchHeader.lengthAtByte)
      },
      Buffer.concat([head, inner]),
    )
    assert.notEqual((await produce(bomb)).error, 'NONE')
    if (underTest === 'odradek') assert.ok(cluster.rssMiB() - before < 200, `${before} MiB became ${cluster.rssMiB()} MiB`)
  })
})

describe('idempotent producers', () => {
  test('a sequence with a hole, a repeated one and an old epoch', async () => {
    const { producerId, producerEpoch } = await until('a producer id is given', async () => {
      const given = await wire.call('initProducerId', 4, { transactionalId: null, transactionTimeoutMs: 1000 })
      return given.errorCode === 0 && given
    })
    const at = (baseSequence, epoch = producerEpoch) => batch({ producerId, producerEpoch: epoch, baseSequence })
    const first = await produce(at(0))
    assert.equal(first.error, 'NONE')
    assert.deepEqual(await produce(at(0)), first, 'a repetition is answered as the first time')
    assert.equal((await produce(at(5))).error, 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    assert.equal((await produce(at(1))).error, 'NONE')
    assert.equal((await produce(at(0, producerEpoch + 1))).error, 'NONE')
    assert.equal((await produce(at(2))).error, 'INVALID_PRODUCER_EPOCH')
  })
})

describe('produce requests', () => {
  test('acks that are none of 0, 1, -1', async () => {
    assert.equal((await produce(batch(), { acks: 2 })).error, 'INVALID_REQUIRED_ACKS')
    assert.equal((await produce(batch(), { acks: -2 })).error, 'INVALID_REQUIRED_ACKS')
  })

  test('partitions and topics that are not there', async () => {
    for (const index of [1, -1, 0x7fffffff]) assert.equal((await produce(batch(), { index })).error, 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal((await produce(batch(), { name: 'nowhere' })).error, 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  test('a transactional id that nobody has begun a transaction with is refused', async () => {
    const bytes = batch({ producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true })
    assert.notEqual((await produce(bytes, { transactionalId: 'tx' })).error, 'NONE')
  })
})

describe('names', () => {
  for (const name of ['../x', '..', '.', '', 'a/b', 'a\\b', 'a b', 'a\u0000b', 'ü', 'x'.repeat(250), '/etc/passwd', 'a:b', '*']) {
    test(`the topic name ${JSON.stringify(name).slice(0, 20)} is refused everywhere`, async () => {
      assert.equal(await create(name), 'INVALID_TOPIC_EXCEPTION')
      assert.ok(['INVALID_TOPIC_EXCEPTION', 'UNKNOWN_TOPIC_OR_PARTITION'].includes((await produce(batch(), { name })).error))
      const { topics } = await wire.call('metadata', 12, { topics: [{ name }], allowAutoTopicCreation: true })
      assert.ok(['INVALID_TOPIC_EXCEPTION', 'UNKNOWN_TOPIC_OR_PARTITION'].includes(nameOf(topics[0].errorCode)))
      assert.equal(existsSync(join(cluster.folder, 'x-0')), false)
    })
  }

  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '...', '-', 'x'.repeat(249)]) {
    test(`the topic name ${name.slice(0, 20)} is one like any other`, async () => {
      const { topics } = await wire.call('metadata', 12, { topics: [{ name }], allowAutoTopicCreation: false })
      assert.equal(nameOf(topics[0].errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
      assert.equal(await create(name), 'NONE')
      await cluster.waitInSync(name)
      const { error, baseOffset } = await produce(batch(), { name })
      assert.deepEqual([error, baseOffset], ['NONE', 0])
      assert.ok((await fetchAt(0, {}, { name })).records.length > 0)
      const configs = await wire.call('describeConfigs', 4, {
        resources: [{ resourceType: 2, resourceName: name, configurationKeys: null }],
      })
      assert.equal(nameOf(configs.results[0].errorCode), 'NONE')
    })
  }

  test('configuration names and client software names of the same kind do no harm', async () => {
    const configs = [{ name: '__proto__', value: 'x' }]
    assert.equal(await create('odd-config', { configs }), 'INVALID_CONFIG')
    const answer = await wire.call('apiVersions', 3, { clientSoftwareName: '__proto__', clientSoftwareVersion: '../x' })
    assert.ok(['NONE', 'INVALID_REQUEST'].includes(nameOf(answer.errorCode)))
  })
})

describe('topics', () => {
  test('absurd numbers of partitions and replicas', async () => {
    assert.equal(await create('n', { numPartitions: 0 }), 'INVALID_PARTITIONS')
    assert.equal(await create('n', { numPartitions: -2 }), 'INVALID_PARTITIONS')
    assert.equal(await create('n', { replicationFactor: 0 }), 'INVALID_REPLICATION_FACTOR')
    assert.equal(await create('n', { replicationFactor: 2 }), 'INVALID_REPLICATION_FACTOR')
    assert.ok(['INVALID_PARTITIONS', 'POLICY_VIOLATION', 'INVALID_REQUEST'].includes(await create('n', { numPartitions: 0x7fffffff })))
    const assigned = (brokerIds) =>
      create('n', { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds }] })
    assert.equal(await assigned([1, 1]), 'INVALID_REPLICA_ASSIGNMENT')
    assert.equal(await assigned([9]), 'INVALID_REPLICA_ASSIGNMENT')
    assert.equal(await assigned([]), 'INVALID_REPLICA_ASSIGNMENT')
  })

  test('the same topic twice in one request', async () => {
    const one = { name: 'twice', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await wire.call('createTopics', 7, { topics: [one, one], timeoutMs: 5000, validateOnly: false })
    assert.ok(topics.every(({ errorCode }) => nameOf(errorCode) === 'INVALID_REQUEST'))
  })
})

describe('fetch requests', () => {
  test('offsets out of range', async () => {
    assert.equal((await fetchAt(1_000_000)).error, 'OFFSET_OUT_OF_RANGE')
    assert.equal((await fetchAt(-1)).error, 'OFFSET_OUT_OF_RANGE')
  })

  test('unknown partitions, leader epochs and sessions', async () => {
    assert.equal((await fetchAt(0, {}, { partition: 7 })).error, 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal((await fetchAt(0, { currentLeaderEpoch: 99 })).error, 'UNKNOWN_LEADER_EPOCH')
    const answer = await wire.call('fetch', 11, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1000,
      sessionId: 12_345,
      sessionEpoch: 3,
      topics: [],
    })
    assert.equal(nameOf(answer.errorCode), 'FETCH_SESSION_ID_NOT_FOUND')
  })

  test('limits of zero still bring an answer, and so do negative ones', async () => {
    assert.ok((await fetchAt(0, { partitionMaxBytes: -1 })).error !== undefined)
    for (const partitionMaxBytes of [0, 1]) assert.equal((await fetchAt(0, { partitionMaxBytes })).error, 'NONE')
    for (const maxBytes of [0, 1]) assert.equal((await fetchAt(0, {}, { maxBytes })).error, 'NONE')
  })
})

function flip(bytes, at) {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at)
  return bytes
}

function lengthOf(bytes, length) {
  bytes.writeInt32BE(length, batchHeader.lengthAtByte)
  return bytes
}
