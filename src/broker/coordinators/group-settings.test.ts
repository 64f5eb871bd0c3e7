import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeConfig } from '../../sim/broker/fake-broker.ts'
import { consumerGroupConfigOf, groupSettingsOf } from './group-settings.ts'

const layer = (pairs: Readonly<Record<string, string>>) => new Map(Object.entries(pairs))

describe('the settings of coordinators', () => {
  test('the consumer protocol needs the feature and the configuration', () => {
    const classicOnly = fakeConfig({ 'group.coordinator.rebalance.protocols': 'classic' })
    assert.equal(groupSettingsOf(fakeConfig(), 1, 1000).consumerProtocolEnabled, true)
    assert.equal(groupSettingsOf(fakeConfig(), 0, 1000).consumerProtocolEnabled, false)
    assert.equal(groupSettingsOf(classicOnly, 1, 1000).consumerProtocolEnabled, false)
  })

  test('they say what the configuration says', () => {
    const settings = groupSettingsOf(fakeConfig({ 'group.max.size': '7', 'offsets.retention.minutes': '2' }), 1, 1000)
    assert.equal(settings.groupMaxSize, 7)
    assert.equal(settings.offsetsRetentionMs, 120_000)
    assert.equal(settings.recordBatchBytesMax, 1000)
  })

  test('a group has its own times, else those of the broker', () => {
    const config = fakeConfig()
    assert.deepEqual(consumerGroupConfigOf(undefined, config), {
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 5_000,
      assignmentIntervalMs: 1_000,
    })
    const own = layer({ 'consumer.session.timeout.ms': '50000', 'consumer.assignment.interval.ms': '10' })
    assert.deepEqual(consumerGroupConfigOf(own, config), {
      sessionTimeoutMs: 50_000,
      heartbeatIntervalMs: 5_000,
      assignmentIntervalMs: 10,
    })
  })

  test('what is beyond the bounds of this broker is brought within them, what cannot be read is passed over', () => {
    const own = layer({
      'consumer.session.timeout.ms': '1',
      'consumer.heartbeat.interval.ms': '99999',
      'consumer.assignment.interval.ms': 'soon',
    })
    assert.deepEqual(consumerGroupConfigOf(own, fakeConfig()), {
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 15_000,
      assignmentIntervalMs: 1_000,
    })
  })
})
