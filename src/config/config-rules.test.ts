import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ResourceType } from './alter.ts'
import { configRules } from './config-rules.ts'

const layer = (pairs: Readonly<Record<string, string>>) => new Map(Object.entries(pairs))
const rules = configRules(layer({ 'min.insync.replicas': '2' }))

describe('rules for the controller', () => {
  test("a topic's value: its own, all brokers', the controller's file, the default", () => {
    assert.equal(rules.topicValue('min.insync.replicas', layer({ 'min.insync.replicas': '4' }), layer({ 'min.insync.replicas': '3' })), '4')
    assert.equal(rules.topicValue('min.insync.replicas', layer({}), layer({ 'min.insync.replicas': '3' })), '3')
    assert.equal(rules.topicValue('min.insync.replicas', layer({}), layer({})), '2')
    assert.equal(rules.topicValue('unclean.leader.election.enable', layer({}), layer({})), 'false')
    const entry = rules.topicConfigs(layer({}), layer({})).find((it) => it.name === 'min.insync.replicas')
    assert.deepEqual([entry?.value, entry?.configSource], ['2', 4])
  })

  test('what is wrong is said with the error that Kafka gives it', () => {
    const problem = (type: number, name: string, values: Readonly<Record<string, string>>) =>
      rules.problem({ type, name }, layer(values))?.error ?? null
    assert.equal(problem(ResourceType.TOPIC, 't', { 'retention.ms': 'x' }), 'INVALID_CONFIG')
    assert.equal(problem(ResourceType.TOPIC, '', {}), 'INVALID_REQUEST')
    assert.equal(problem(ResourceType.BROKER, '', { 'log.retention.ms': '5' }), null)
    assert.equal(problem(ResourceType.BROKER, '1', { 'node.id': '5' }), 'INVALID_REQUEST')
    assert.equal(problem(ResourceType.BROKER, 'one', {}), 'INVALID_REQUEST')
    assert.equal(problem(ResourceType.BROKER, '-1', {}), 'INVALID_REQUEST')
    assert.equal(problem(ResourceType.GROUP, 'g', { nope: '1' }), 'INVALID_CONFIG')
    assert.equal(problem(ResourceType.CLIENT_METRICS, '', {}), 'INVALID_REQUEST')
    assert.equal(problem(3, 'x', {}), 'INVALID_REQUEST')
    assert.ok('problem' in rules.altered(ResourceType.TOPIC, 'cleanup.policy', undefined, 9, 'x'))
  })
})
