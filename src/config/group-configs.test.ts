import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseServerConfig, reconfigured } from './parse-server-config.ts'
import { noLayer } from './layers.ts'

const layer = (pairs: Readonly<Record<string, string>>) => new Map(Object.entries(pairs))

function parsed(changes: Readonly<Record<string, string>> = {}) {
  const properties = {
    'process.roles': 'broker',
    'node.id': '1',
    'controller.quorum.voters': '9@127.0.0.1:19092',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': 'data',
    ...changes,
  }
  return parseServerConfig(Object.entries(properties).map(([name, value], i) => ({ name, value, line: i + 1 })))
}

function config(changes: Readonly<Record<string, string>> = {}) {
  const result = parsed(changes)
  assert.ok('config' in result)
  return result.config
}

function problems(changes: Readonly<Record<string, string>>): readonly string[] {
  const result = parsed(changes)
  return 'problems' in result ? result.problems.map((it) => `${it.name} ${it.message}`) : []
}

describe('the configuration of the coordinator of groups', () => {
  test('defaults are those of Kafka', () => {
    const defaults = config()
    assert.deepEqual(defaults.groupCoordinatorRebalanceProtocols, ['classic', 'consumer', 'streams'])
    assert.deepEqual(defaults.groupConsumerAssignors, ['uniform', 'range'])
    assert.equal(defaults.groupConsumerMigrationPolicy, 'bidirectional')
    assert.equal(defaults.offsetsRetentionMs, 7 * 24 * 3_600_000)
    assert.equal(defaults.offsetsTopicNumPartitions, 50)
    assert.equal(defaults.offsetsTopicReplicationFactor, 3)
    assert.equal(defaults.groupMaxSize, 2147483647)
  })

  test('what acts is not warned about', () => {
    const { warnings } = parsed({
      'group.initial.rebalance.delay.ms': '0',
      'offsets.retention.minutes': '1',
      'group.coordinator.threads': '2',
    })
    assert.deepEqual(
      warnings.map((it) => it.name),
      ['group.coordinator.threads'],
    )
  })

  test('assignors go by their names or by the classes that Kafka has for them; others cannot be loaded', () => {
    const range = config({ 'group.consumer.assignors': 'org.apache.kafka.coordinator.group.assignor.RangeAssignor' })
    assert.deepEqual(range.groupConsumerAssignors, ['range'])
    assert.match(
      problems({ 'group.consumer.assignors': 'uniform,com.acme.Mine' })[0] ?? '',
      /^group.consumer.assignors names com.acme.Mine/,
    )
  })

  test('the policy of migration may be written in any case', () => {
    assert.equal(config({ 'group.consumer.migration.policy': 'Upgrade' }).groupConsumerMigrationPolicy, 'upgrade')
    assert.equal(config({ 'group.consumer.migration.policy': 'DISABLED' }).groupConsumerMigrationPolicy, 'disabled')
  })

  test('values that contradict each other are refused, by name', () => {
    const first = (changes: Readonly<Record<string, string>>) => problems(changes).join('\n')
    assert.match(
      first({ 'group.consumer.session.timeout.ms': '1000' }),
      /^group.consumer.session.timeout.ms must be at least group.consumer.min/m,
    )
    assert.match(
      first({ 'group.consumer.session.timeout.ms': '99999' }),
      /^group.consumer.session.timeout.ms must not be above group.consumer.max/m,
    )
    assert.match(
      first({ 'group.consumer.max.heartbeat.interval.ms': '1000' }),
      /^group.consumer.max.heartbeat.interval.ms must be at least/m,
    )
    assert.match(first({ 'group.consumer.assignment.interval.ms': '20000' }), /^group.consumer.assignment.interval.ms must not be above/m)
    assert.match(first({ 'group.min.session.timeout.ms': '1800001' }), /^group.min.session.timeout.ms is above/m)
    assert.match(first({ 'group.coordinator.rebalance.protocols': 'consumer' }), /must contain classic/)
    assert.match(first({ 'offsets.topic.compression.codec': '5' }), /give 0 \(none\)/)
    const together = {
      'group.consumer.heartbeat.interval.ms': '9000',
      'group.consumer.session.timeout.ms': '9000',
      'group.consumer.min.session.timeout.ms': '9000',
    }
    assert.match(first(together), /^group.consumer.heartbeat.interval.ms must be less than/m)
  })

  test('the interval between assignments can be changed for all brokers while they run', () => {
    const changed = reconfigured(config(), layer({ 'group.consumer.assignment.interval.ms': '7000' }), noLayer)
    assert.equal(changed.groupConsumerAssignmentIntervalMs, 7000)
    const ignored = reconfigured(config(), layer({ 'group.consumer.session.timeout.ms': '50000' }), noLayer)
    assert.equal(ignored.groupConsumerSessionTimeoutMs, 45000)
  })
})
