import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  altered,
  AlterOp,
  configValueBytesMax,
  ResourceType,
  validateBrokerConfigs,
  validateClientMetricsConfigs,
  validateTopicConfig,
  validateTopicConfigs,
} from './alter.ts'

const layer = (pairs: Readonly<Record<string, string>>) => new Map(Object.entries(pairs))
const policy = (current: string | undefined, op: AlterOp, operand: string) =>
  altered(ResourceType.TOPIC, 'cleanup.policy', current, op, operand)

describe('alterations', () => {
  test('appending starts from the default and adds nothing twice; subtracting leaves what is not there', () => {
    assert.deepEqual(policy(undefined, AlterOp.APPEND, 'compact'), { value: 'delete,compact' })
    assert.deepEqual(policy('compact', AlterOp.APPEND, 'compact'), { value: 'compact' })
    assert.deepEqual(policy('compact,delete', AlterOp.SUBTRACT, 'compact, foo'), { value: 'delete' })
    assert.deepEqual(policy(undefined, AlterOp.SUBTRACT, 'delete'), { value: '' })
    assert.deepEqual(altered(ResourceType.TOPIC, 'retention.ms', '5', AlterOp.DELETE, null), { value: null })
  })

  test('only lists grow and shrink', () => {
    assert.deepEqual(altered(ResourceType.TOPIC, 'retention.ms', '5', AlterOp.APPEND, '6'), {
      problem: "Can't APPEND to key retention.ms because its type is not LIST.",
    })
    assert.ok('problem' in altered(ResourceType.TOPIC, '__proto__', undefined, AlterOp.SUBTRACT, '6'))
  })

  test('a value longer than a record can carry is refused', () => {
    assert.ok('value' in altered(ResourceType.TOPIC, 'x', undefined, AlterOp.SET, 'a'.repeat(configValueBytesMax)))
    assert.ok('problem' in altered(ResourceType.TOPIC, 'x', undefined, AlterOp.SET, 'é'.repeat(configValueBytesMax)))
  })

  test('a topic is told what is wrong in the words of Kafka', () => {
    assert.equal(validateTopicConfig('nope', '1'), 'Unknown topic config name: nope')
    assert.equal(validateTopicConfig('constructor', '1'), 'Unknown topic config name: constructor')
    assert.equal(validateTopicConfigs(layer({ 'retention.ms': '-1', 'cleanup.policy': '' })), null)
    assert.match(
      validateTopicConfigs(layer({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' })) ?? '',
      /^conflict topic config setting/,
    )
    assert.match(validateTopicConfigs(layer({ 'remote.storage.enable': 'true' })) ?? '', /^Tiered Storage functionality is disabled/)
  })

  test('a broker is changed only in what may change, and where it may', () => {
    assert.equal(validateBrokerConfigs(layer({ 'log.retention.ms': '5', 'leader.replication.throttled.rate': '7' }), false), null)
    assert.equal(validateBrokerConfigs(layer({ 'num.partitions': '5' }), true), 'Cannot update these configs dynamically: [num.partitions]')
    assert.match(
      validateBrokerConfigs(layer({ 'ssl.client.auth': 'none' }), false) ?? '',
      /^Cannot update these configs at default cluster level/,
    )
    assert.match(validateBrokerConfigs(layer({ 'ssl.keystore.location': 'x' }), true) ?? '', /only per-listener/)
    assert.match(validateBrokerConfigs(layer({ 'message.max.bytes': '-1' }), true) ?? '', /Value must be at least 0/)
    assert.match(validateBrokerConfigs(layer({ 'made.up': '1' }), true) ?? '', /^Cannot update these configs dynamically/)
  })

  test('client metrics have their own names and bounds', () => {
    assert.equal(validateClientMetricsConfigs(layer({ 'interval.ms': '100' })), null)
    assert.match(validateClientMetricsConfigs(layer({ 'interval.ms': '99' })) ?? '', /between 100 and 3600000/)
  })
})
