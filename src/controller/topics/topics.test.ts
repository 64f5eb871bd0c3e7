import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import { directory, TestController } from '../fixture.test.ts'

interface Asked {
  readonly partitions?: number
  readonly factor?: number
  readonly assignments?: readonly (readonly number[])[]
  readonly configs?: readonly (readonly [string, string | null])[]
}

function topic(name: string, { partitions = 1, factor = 1, assignments, configs = [] }: Asked = {}) {
  return {
    name,
    numPartitions: assignments === undefined ? partitions : -1,
    replicationFactor: assignments === undefined ? factor : -1,
    assignments: (assignments ?? []).map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
    configs: configs.map(([key, value]) => ({ name: key, value })),
  }
}

function create(controller: TestController, name: string, asked: Asked = {}) {
  const result = controller.call('createTopics', { topics: [topic(name, asked)] }).topics[0]
  assert.ok(result !== undefined)
  return result
}

test('a topic is spread over the brokers, each of which leads its share', () => {
  const controller = new TestController().up(1, 2, 3)
  const result = create(controller, 't', { partitions: 6, factor: 3 })
  assert.deepEqual([result.errorCode, result.numPartitions, result.replicationFactor], [0, 6, 3])
  assert.equal(result.topicId, controller.image.topics.byName('t')?.id)
  const led = new Map<number, number>()
  for (let at = 0; at < 6; at += 1) {
    const partition = controller.partition('t', at)
    led.set(partition.leader, (led.get(partition.leader) ?? 0) + 1)
    assert.deepEqual(
      [...partition.replicas].sort((a, b) => a - b),
      [1, 2, 3],
    )
    assert.deepEqual(partition.isr, partition.replicas)
    assert.equal(partition.leader, partition.replicas[0])
    assert.deepEqual(
      partition.directories,
      partition.replicas.map((broker) => directory(broker)),
    )
    assert.deepEqual([partition.leaderEpoch, partition.partitionEpoch], [0, 0])
  }
  assert.deepEqual([...led.values()], [2, 2, 2])
})

test('-1 stands for the configured number of partitions and replicas', () => {
  const controller = new TestController({ settings: { defaultPartitions: 4, defaultReplicationFactor: 2 } }).up(1, 2)
  const result = create(controller, 't', { partitions: -1, factor: -1 })
  assert.deepEqual([result.numPartitions, result.replicationFactor], [4, 2])
})

test('names that cannot stand are refused, in the words of Kafka', () => {
  const controller = new TestController().up(1)
  create(controller, 'there')
  create(controller, 'a.b')
  const cases: readonly (readonly [string, keyof typeof ErrorCode, string])[] = [
    ['', 'INVALID_TOPIC_EXCEPTION', 'Topic name is invalid: the empty string is not allowed'],
    ['.', 'INVALID_TOPIC_EXCEPTION', "Topic name is invalid: '.' is not allowed"],
    ['..', 'INVALID_TOPIC_EXCEPTION', "Topic name is invalid: '..' is not allowed"],
    [
      '../x',
      'INVALID_TOPIC_EXCEPTION',
      "Topic name is invalid: '../x' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    [
      'naïve',
      'INVALID_TOPIC_EXCEPTION',
      "Topic name is invalid: 'naïve' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    ['there', 'TOPIC_ALREADY_EXISTS', "Topic 'there' already exists."],
    ['a_b', 'INVALID_TOPIC_EXCEPTION', "Topic 'a_b' collides with existing topic: a.b"],
    ['__cluster_metadata', 'INVALID_REQUEST', 'Creation of internal topic __cluster_metadata is prohibited.'],
  ]
  for (const [name, error, message] of cases) {
    const result = create(controller, name)
    assert.deepEqual([errorName(result.errorCode), result.errorMessage], [error, message])
  }
  assert.equal(create(controller, 'x'.repeat(250)).errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION)
  assert.equal(create(controller, 'x'.repeat(249)).errorCode, 0)
})

test('names that mean something to JavaScript are names like any other', () => {
  const controller = new TestController().up(1)
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.equal(create(controller, name).errorCode, 0, name)
    assert.equal(controller.partition(name).leader, 1)
  }
})

test('topics of one request are looked at together', () => {
  const controller = new TestController().up(1)
  const { topics } = controller.call('createTopics', {
    topics: [topic('twice'), topic('twice'), topic('a.b'), topic('a_b'), topic('good')],
  })
  assert.deepEqual(
    topics.map(({ name, errorCode, errorMessage }) => [name, errorName(errorCode), errorMessage]),
    [
      ['twice', 'INVALID_REQUEST', 'Duplicate topic name.'],
      ['a.b', 'NONE', null],
      ['a_b', 'INVALID_TOPIC_EXCEPTION', "Topic 'a_b' collides with existing topic: a.b"],
      ['good', 'NONE', null],
    ],
  )
})

test('numbers and assignments that cannot be met are refused', () => {
  const controller = new TestController().up(1, 2)
  const odd = { ...topic('t', { assignments: [[1]] }), replicationFactor: 1 }
  const gap = { ...topic('t'), numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 1, brokerIds: [1] }] }
  const cases: readonly (readonly [ReturnType<typeof topic>, keyof typeof ErrorCode, string])[] = [
    [topic('t', { partitions: 0 }), 'INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.'],
    [topic('t', { factor: 0 }), 'INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0, or -1 to use the default value.'],
    [
      topic('t', { factor: 3 }),
      'INVALID_REPLICATION_FACTOR',
      'Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 2 broker(s) are registered ' +
        'or some brokers have all their log directories cordoned.',
    ],
    [odd, 'INVALID_REQUEST', 'A manual partition assignment was specified, but replication factor was not set to -1.'],
    [gap, 'INVALID_REPLICA_ASSIGNMENT', 'partitions should be a consecutive 0-based integer sequence'],
    [topic('t', { assignments: [[]] }), 'INVALID_REPLICA_ASSIGNMENT', 'The manual partition assignment includes an empty replica list.'],
    [
      topic('t', { assignments: [[1, 7]] }),
      'INVALID_REPLICA_ASSIGNMENT',
      'The manual partition assignment includes broker 7, but no such broker is registered.',
    ],
    [
      topic('t', { assignments: [[1, 1]] }),
      'INVALID_REPLICA_ASSIGNMENT',
      'The manual partition assignment includes the broker 1 more than once.',
    ],
    [
      topic('t', { assignments: [[1, 2], [1]] }),
      'INVALID_REPLICA_ASSIGNMENT',
      'The manual partition assignment includes a partition with 1 replica(s), but this is not consistent with previous partitions, which have 2 replica(s).',
    ],
    [topic('t', { configs: [['nonsense', '1']] }), 'INVALID_CONFIG', 'Unknown topic config name: nonsense'],
    [topic('t', { configs: [['retention.ms', null]] }), 'INVALID_CONFIG', 'Null value not supported for topic configs: retention.ms'],
  ]
  for (const [asked, error, message] of cases) {
    const result = controller.call('createTopics', { topics: [asked] }).topics[0]
    assert.deepEqual([errorName(result?.errorCode ?? 0), result?.errorMessage], [error, message])
  }
  assert.equal(controller.image.topics.size, 0)
  const huge = controller.call('createTopics', { topics: [topic('t', { partitions: 10_001 })] }).topics[0]
  assert.equal(huge?.errorCode, ErrorCode.POLICY_VIOLATION)
})

test('no topic is created while no broker could lead it, and fenced replicas start outside the ISR', () => {
  const controller = new TestController().up(1)
  controller.register(2)
  create(controller, 't', { assignments: [[2, 1]] })
  assert.deepEqual(controller.partition('t').isr, [1])
  assert.equal(controller.partition('t').leader, 1)
  const offline = create(controller, 'u', { assignments: [[2]] })
  assert.equal(
    offline.errorMessage,
    'All brokers specified in the manual partition assignment for partition 0 are fenced or in controlled shutdown.',
  )
  controller.heartbeat(1, { wantFence: true })
  assert.equal(create(controller, 'v').errorCode, ErrorCode.INVALID_REPLICATION_FACTOR)
})

test('to validate only is to say the same and write nothing', () => {
  const controller = new TestController().up(1)
  const before = controller.log.length
  const { topics } = controller.call('createTopics', { topics: [topic('t'), topic('t2', { factor: 9 })], validateOnly: true })
  assert.deepEqual(
    topics.map((one) => errorName(one.errorCode)),
    ['NONE', 'INVALID_REPLICATION_FACTOR'],
  )
  assert.equal(topics[0]?.numPartitions, 1)
  assert.equal(controller.log.length, before)
})

test('a topic comes with its configuration, and tells it', () => {
  const controller = new TestController().up(1)
  const result = create(controller, 't', { configs: [['retention.ms', '1000']] })
  const told = new Map(result.configs?.map((config) => [config.name, config]))
  assert.deepEqual([told.get('retention.ms')?.value, told.get('retention.ms')?.configSource], ['1000', 1])
  assert.equal(told.get('cleanup.policy')?.value, 'delete')
  assert.equal(controller.image.configs.ofTopic('t').get('retention.ms'), '1000')
  controller.call('deleteTopics', { topics: [{ name: 't' }], timeoutMs: 1 })
  assert.equal(controller.image.configs.ofTopic('t').size, 0)
})

test('topics are deleted by name or by id, each for itself', () => {
  const controller = new TestController().up(1)
  for (const name of ['a', 'b', 'c']) create(controller, name)
  const idOf = (name: string) => controller.image.topics.byName(name)?.id ?? ''
  const [a, b] = [idOf('a'), idOf('b')]
  const { responses } = controller.call('deleteTopics', {
    topics: [
      { name: 'a' },
      { topicId: b },
      { name: 'c' },
      { topicId: idOf('c') },
      { name: 'x' },
      { topicId: controller.prng.uuid() },
      {},
      { name: 'y', topicId: b },
    ],
    timeoutMs: 1,
  })
  assert.deepEqual(
    responses.map((one) => errorName(one.errorCode)),
    [
      'NONE',
      'NONE',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_ID',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ],
  )
  assert.deepEqual([responses[0]?.topicId, responses[1]?.name], [a, 'b'])
  assert.deepEqual([...controller.image.topics.names()], ['c'])
  const older = controller.call('deleteTopics', { topicNames: ['c', 'x'], timeoutMs: 1 }, 4)
  assert.deepEqual(
    older.responses.map((one) => errorName(one.errorCode)),
    ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'],
  )
})

test('topics are not deleted where that is switched off', () => {
  const controller = new TestController({ settings: { deleteTopicEnable: false } }).up(1)
  create(controller, 'a')
  assert.equal(
    controller.call('deleteTopics', { topicNames: ['a'], timeoutMs: 1 }, 3).responses[0]?.errorCode,
    ErrorCode.TOPIC_DELETION_DISABLED,
  )
})

test('a topic grows, and does not shrink', () => {
  const controller = new TestController().up(1, 2)
  create(controller, 't', { partitions: 2, factor: 2 })
  const grow = (name: string, count: number, assignments: readonly (readonly number[])[] | null = null, validateOnly = false) =>
    controller.call('createPartitions', {
      topics: [{ name, count, assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null }],
      timeoutMs: 1,
      validateOnly,
    }).results[0]
  assert.equal(grow('t', 4, null, true)?.errorCode, 0)
  assert.equal(controller.image.topics.byName('t')?.partitions.length, 2)
  assert.equal(grow('t', 4)?.errorCode, 0)
  assert.equal(controller.partition('t', 3).replicas.length, 2)
  assert.equal(grow('t', 4)?.errorMessage, 'Topic already has 4 partition(s).')
  assert.equal(grow('t', 3)?.errorMessage, 'The topic t currently has 4 partition(s); 3 would not be an increase.')
  assert.equal(grow('t', 6, [[1, 2]])?.errorMessage, 'Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.')
  assert.equal(grow('t', 5, [[2]])?.errorCode, ErrorCode.INVALID_REPLICA_ASSIGNMENT)
  assert.equal(grow('t', 5, [[2, 1]])?.errorCode, 0)
  assert.deepEqual(controller.partition('t', 4).replicas, [2, 1])
  assert.equal(grow('x', 5)?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(grow('t', 100_000)?.errorCode, ErrorCode.POLICY_VIOLATION)
})

test('thousands of partitions are made at once, and lose a broker at once', () => {
  const controller = new TestController().up(1, 2, 3)
  create(controller, 't', { partitions: 2000, factor: 3 })
  const before = controller.log.length
  controller.internal({ api: 'fence', brokerId: 1, brokerEpoch: controller.epochs.get(1) ?? -1, why: 'gone' })
  assert.equal(controller.log.length - before, 2001)
  for (const partition of controller.image.topics.byName('t')?.partitions ?? []) {
    assert.deepEqual([partition?.isr.length, partition?.leader === 1], [2, false])
  }
})
