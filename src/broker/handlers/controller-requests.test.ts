import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NO_UUID } from '../../base/units.ts'
import { type Api, apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { MalformedError } from '../../protocol/reader.ts'
import { apiVersionsFor } from '../../server/api-versions.ts'
import { type HandlerTable, handlerTable } from '../../server/handlers.ts'
import { ManualClock } from '../../sim/manual-clock.ts'
import { addressBytes } from './address-bytes.ts'
import { brokerHandlers } from './broker-handlers.ts'
import { contextOf, FakeBroker, sent } from '../../sim/broker/fake-broker.ts'
import { initProducerIdHandler } from './init-producer-id.ts'
import { ProducerIds } from './producer-ids.ts'

function setUp() {
  const clock = new ManualClock()
  const broker = new FakeBroker(clock)
  const table: HandlerTable = handlerTable(brokerHandlers(broker, () => table))
  return { clock, broker, table, handlers: brokerHandlers(broker, () => table) }
}

const topic = { name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
const createTopics = { topics: [topic], timeoutMs: 1000, validateOnly: false }

describe('requests for the controller', () => {
  test('the client’s request goes on in its own version, and the answer comes back', async () => {
    const { broker, handlers } = setUp()
    broker.stub = () => ({ topics: [{ name: 'new', errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: 'there' }] })
    for (const version of [2, 4, 5, 7]) {
      const answer = sent(apis.createTopics, version, await handlers.createTopics?.(createTopics, contextOf(version)))
      assert.deepEqual(
        answer.topics.map((it) => [it.name, it.errorCode, it.errorMessage]),
        [['new', ErrorCode.TOPIC_ALREADY_EXISTS, 'there']],
      )
    }
    assert.deepEqual(
      broker.seen.map((it) => [it.api, it.version]),
      [
        ['CreateTopics', 2],
        ['CreateTopics', 4],
        ['CreateTopics', 5],
        ['CreateTopics', 7],
      ],
    )
  })

  test('without a controller every API has an answer in all its versions', async () => {
    const { handlers } = setUp()
    const requests = {
      createTopics,
      deleteTopics: { topics: [{ name: 't', topicId: NO_UUID }], topicNames: [], timeoutMs: 1 },
      createPartitions: { topics: [{ name: 't', count: 2, assignments: null }], timeoutMs: 1, validateOnly: false },
      electLeaders: { electionType: 0, topicPartitions: [{ topic: 't', partitions: [0] }], timeoutMs: 1 },
      alterPartitionReassignments: {
        timeoutMs: 1,
        allowReplicationFactorChange: true,
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [1] }] }],
      },
      listPartitionReassignments: { timeoutMs: 1, topics: null },
      describeQuorum: { topics: [] },
      updateFeatures: { timeoutMs: 1, featureUpdates: [], validateOnly: false },
      unregisterBroker: { brokerId: 1 },
    }
    for (const [name, request] of Object.entries(requests)) {
      const api: Api = apis[name as keyof typeof requests]
      const handler = handlers[name as keyof typeof requests] as unknown as (request: unknown, context: unknown) => Promise<unknown>
      for (let version = api.versionMin; version <= api.versionMax; version += 1) {
        const body = name === 'deleteTopics' && version < 6 ? { ...request, topics: [], topicNames: ['t'] } : request
        const plain = name === 'electLeaders' && version === 0 ? { ...body, electionType: 0 } : body
        const answer = JSON.stringify(sent(api, version, await handler(plain, contextOf(version))))
        assert.match(answer, new RegExp(`:${ErrorCode.REQUEST_TIMED_OUT}[,}]`), `${name} ${version}: ${answer}`)
      }
    }
  })

  test('a controller that refuses the envelope, and one that does not know the version', async () => {
    const { broker, handlers } = setUp()
    broker.stub = () => ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    const answer = sent(apis.createTopics, 7, await handlers.createTopics?.(createTopics, contextOf(7)))
    assert.equal(answer.topics[0]?.errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
    broker.stub = () => ErrorCode.UNSUPPORTED_VERSION
    await assert.rejects(async () => handlers.createTopics?.(createTopics, contextOf(7)), MalformedError)
  })

  test('addresses as Java has them', () => {
    const hex = (address: string) => addressBytes(address).toString('hex')
    assert.deepEqual(['10.1.2.3', '::ffff:10.1.2.3', '::1', 'fe80::1:2%eth0', '1:2:3:4:5:6:7:8', '::', 'nonsense', '1.2.3.256'].map(hex), [
      '0a010203',
      '0a010203',
      '00000000000000000000000000000001',
      'fe800000000000000000000000010002',
      '00010002000300040005000600070008',
      '00000000000000000000000000000000',
      '00000000',
      '00000000',
    ])
  })
})

describe('ApiVersions', () => {
  test('what has a handler is advertised, with the features of the cluster', async () => {
    const { handlers, table } = setUp()
    const request = { clientSoftwareName: 'a', clientSoftwareVersion: '1' }
    const answer = sent(apis.apiVersions, 4, await handlers.apiVersions?.(request, contextOf(4)))
    assert.deepEqual(
      answer.apiKeys.map((it) => it.apiKey),
      apiVersionsFor('broker', table).map((it) => it.apiKey),
    )
    assert.deepEqual(
      answer.supportedFeatures.map((it) => it.name),
      ['metadata.version', 'group.version', 'eligible.leader.replicas.version'],
    )
    assert.equal(answer.finalizedFeaturesEpoch, 41)
  })
})

describe('InitProducerId', () => {
  function blocks(size: number) {
    const { clock, broker } = setUp()
    let start = 0
    broker.stub = () => {
      start += size
      return { errorCode: 0, producerIdStart: start - size, producerIdLen: size }
    }
    return { clock, broker, ids: new ProducerIds(broker) }
  }
  const request = {
    transactionalId: null,
    transactionTimeoutMs: 0,
    producerId: -1,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  }

  test('each id is given once, across blocks, and the next block is there before it is needed', async () => {
    const { clock, broker, ids } = blocks(10)
    const given = await Promise.all(Array.from({ length: 25 }, async () => await ids.next(1000)))
    assert.deepEqual(
      given,
      Array.from({ length: 25 }, (_, i) => i),
    )
    await clock.settle()
    assert.equal(broker.seen.length, 3)
    for (let i = 0; i < 4; i += 1) void ids.next(1000)
    await clock.settle()
    assert.equal(broker.seen.length, 4)
    assert.equal(ids.next(1000), 29)
    assert.equal(ids.next(1000), 30)
  })

  test('without a controller it is tried again, and the client is told to ask again', async () => {
    const { clock, broker, ids } = blocks(10)
    const good = broker.stub
    broker.stub = () => null
    const late = Promise.resolve(initProducerIdHandler(broker, ids)(request, contextOf(5)))
    await clock.advance(30_000)
    const answer = sent(apis.initProducerId, 5, await late)
    assert.deepEqual([answer.errorCode, answer.producerId], [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, -1])
    broker.stub = good
    const next = Promise.resolve(initProducerIdHandler(broker, ids)(request, contextOf(5)))
    await clock.advance(100)
    assert.equal(sent(apis.initProducerId, 5, await next).producerId, 0)
  })

  test('a transactional id is refused with an error that ends the producer', async () => {
    const { broker, ids } = blocks(10)
    const handler = initProducerIdHandler(broker, ids)
    const code = async (changes: Partial<typeof request> | { transactionalId: string }) =>
      sent(apis.initProducerId, 5, await handler({ ...request, ...changes }, contextOf(5))).errorCode
    assert.equal(await code({ transactionalId: 'x' }), ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    assert.equal(await code({ transactionalId: '' }), ErrorCode.INVALID_REQUEST)
    assert.equal(await code({ producerId: 5 }), ErrorCode.INVALID_REQUEST)
  })
})
