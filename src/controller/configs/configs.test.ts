import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorName } from '../../protocol/errors.ts'
import { TestController } from '../fixture.test.ts'

const TOPIC = 2
const BROKER = 4
const GROUP = 32
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

type Change = readonly [name: string, operation: number, value: string | null]

function alter(controller: TestController, type: number, name: string, changes: readonly Change[], validateOnly = false): string {
  const configs = changes.map(([key, configOperation, value]) => ({ name: key, configOperation, value }))
  const { responses } = controller.call('incrementalAlterConfigs', {
    resources: [{ resourceType: type, resourceName: name, configs }],
    validateOnly,
  })
  const [response] = responses
  assert.ok(response !== undefined)
  return response.errorCode === 0 ? 'NONE' : `${errorName(response.errorCode)}: ${response.errorMessage}`
}

test('values are set, changed, extended, cut and taken away', () => {
  const controller = new TestController().up(1)
  controller.createTopic('t', [[1]])
  const values = () => Object.fromEntries(controller.image.configs.ofTopic('t'))
  assert.equal(
    alter(controller, TOPIC, 't', [
      ['retention.ms', SET, '1000'],
      ['cleanup.policy', APPEND, 'compact'],
    ]),
    'NONE',
  )
  assert.deepEqual(values(), { 'retention.ms': '1000', 'cleanup.policy': 'delete,compact' })
  assert.equal(
    alter(controller, TOPIC, 't', [
      ['cleanup.policy', SUBTRACT, 'delete'],
      ['retention.ms', DELETE, null],
    ]),
    'NONE',
  )
  assert.deepEqual(values(), { 'cleanup.policy': 'compact' })
  const before = controller.log.length
  assert.equal(alter(controller, TOPIC, 't', [['cleanup.policy', SET, 'compact']]), 'NONE')
  assert.equal(controller.log.length, before, 'what is so already needs no record')
  assert.equal(alter(controller, TOPIC, 't', [['retention.ms', SET, '5']], true), 'NONE')
  assert.equal(controller.log.length, before)
})

test('what cannot stand is refused, and nothing of its resource is changed', () => {
  const controller = new TestController().up(1)
  controller.createTopic('t', [[1]])
  const before = controller.log.length
  const cases: readonly (readonly [number, string, readonly Change[], RegExp])[] = [
    [
      TOPIC,
      't',
      [
        ['segment.bytes', SET, '9999999'],
        ['retention.ms', SET, 'soon'],
      ],
      /^INVALID_CONFIG/,
    ],
    [TOPIC, 't', [['nonsense', SET, '1']], /^INVALID_CONFIG: Unknown topic config name: nonsense/],
    [TOPIC, 't', [['retention.ms', APPEND, '1']], /^INVALID_CONFIG: Can't APPEND to key retention.ms because its type is not LIST/],
    [TOPIC, 't', [['retention.ms', SET, null]], /^INVALID_REQUEST: Null value not supported for : retention.ms/],
    [
      TOPIC,
      't',
      [
        ['retention.ms', SET, '1'],
        ['retention.ms', SET, '2'],
      ],
      /^INVALID_REQUEST: Error due to duplicate config keys/,
    ],
    [TOPIC, 't', [['retention.ms', 9, '1']], /^INVALID_REQUEST: Unknown operation type 9/],
    [TOPIC, 'x', [['retention.ms', SET, '1']], /^UNKNOWN_TOPIC_OR_PARTITION/],
    [BROKER, '9', [], /^BROKER_ID_NOT_REGISTERED: No broker with id 9 found/],
    [BROKER, 'one', [], /^INVALID_REQUEST/],
    [8, '1', [], /^INVALID_REQUEST: Unexpected resource type BROKER_LOGGER/],
    [77, '1', [], /^INVALID_REQUEST: Unexpected resource type 77/],
    [16, '', [], /^INVALID_REQUEST/],
    [32, '', [], /^INVALID_REQUEST/],
  ]
  for (const [type, name, changes, expected] of cases) assert.match(alter(controller, type, name, changes), expected)
  assert.equal(controller.log.length, before)
})

test('brokers are configured each by itself, or all at once', () => {
  const controller = new TestController().up(1)
  assert.equal(alter(controller, BROKER, '', [['log.retention.ms', SET, '7000']]), 'NONE')
  assert.equal(controller.image.configs.ofAllBrokers().get('log.retention.ms'), '7000')
  assert.match(alter(controller, BROKER, '1', [['node.id', SET, '7']]), /^INVALID_REQUEST: Cannot update these configs dynamically/)
})

test('a resource that is named twice is refused both times, others are not touched by that', () => {
  const controller = new TestController().up(1)
  controller.createTopic('t', [[1]])
  controller.createTopic('u', [[1]])
  const resource = (resourceName: string) => ({
    resourceType: TOPIC,
    resourceName,
    configs: [{ name: 'retention.ms', configOperation: SET, value: '1' }],
  })
  const { responses } = controller.call('incrementalAlterConfigs', {
    resources: [resource('t'), resource('u'), resource('t')],
    validateOnly: false,
  })
  assert.deepEqual(
    responses.map((one) => errorName(one.errorCode)),
    ['INVALID_REQUEST', 'NONE', 'INVALID_REQUEST'],
  )
})

test('AlterConfigs takes away what it does not name', () => {
  const controller = new TestController().up(1)
  controller.createTopic('t', [[1]], { 'retention.ms': '1', 'segment.ms': '2' })
  const { responses } = controller.call('alterConfigs', {
    resources: [{ resourceType: TOPIC, resourceName: 't', configs: [{ name: 'segment.ms', value: '3' }] }],
    validateOnly: false,
  })
  assert.equal(responses[0]?.errorCode, 0)
  assert.deepEqual(Object.fromEntries(controller.image.configs.ofTopic('t')), { 'segment.ms': '3' })
})

test('the smallest ISR that a reassignment is content with follows the configuration in force', () => {
  const controller = new TestController({ given: new Map([['min.insync.replicas', '2']]) }).up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]])
  controller.alterIsr('t', [1, 2])
  controller.call('alterPartitionReassignments', { topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [2, 3] }] }] })
  assert.deepEqual(controller.partition('t').removingReplicas, [1])
  assert.equal(alter(controller, TOPIC, 't', [['min.insync.replicas', SET, '1']]), 'NONE')
  controller.call('alterPartitionReassignments', { topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [2, 3] }] }] })
  assert.deepEqual(controller.partition('t').replicas, [2, 3])
})

test('a group is configured within the bounds of the brokers, whether or not it is there yet', () => {
  const controller = new TestController().up(1)
  const own = () => Object.fromEntries(controller.image.configs.of(GROUP, 'g'))
  assert.equal(alter(controller, GROUP, 'g', [['consumer.session.timeout.ms', SET, '50000']]), 'NONE')
  assert.equal(alter(controller, GROUP, 'g', [['consumer.heartbeat.interval.ms', SET, '10000']]), 'NONE')
  assert.deepEqual(own(), { 'consumer.session.timeout.ms': '50000', 'consumer.heartbeat.interval.ms': '10000' })
  const before = controller.log.length
  const cases: readonly (readonly [Change, string])[] = [
    [['consumer.session.timeout.ms', SET, '44999'], 'must be greater than or equal to group.consumer.min.session.timeout.ms'],
    [['consumer.heartbeat.interval.ms', SET, '15001'], 'must be less than or equal to group.consumer.max.heartbeat.interval.ms'],
  ]
  for (const [change, why] of cases) assert.equal(alter(controller, GROUP, 'g', [change]), `INVALID_CONFIG: ${change[0]} ${why}`)
  assert.match(alter(controller, GROUP, 'g', [['retention.ms', SET, '1']]), /^INVALID_CONFIG: Unknown group config name: retention.ms/)
  assert.equal(controller.log.length, before)
  assert.equal(
    alter(controller, GROUP, 'g', [
      ['consumer.session.timeout.ms', DELETE, null],
      ['consumer.heartbeat.interval.ms', DELETE, null],
    ]),
    'NONE',
  )
  assert.deepEqual([...controller.image.configs.all()], [])
  assert.deepEqual([...controller.follower.configs.all()], [])
})
