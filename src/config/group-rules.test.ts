import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ownNumber, validateGroupConfigs } from './group-rules.ts'
import { noLayer } from './layers.ts'

const layer = (pairs: Readonly<Record<string, string>>) => new Map(Object.entries(pairs))
const problem = (own: Readonly<Record<string, string>>, broker: Readonly<Record<string, string>> = {}) =>
  validateGroupConfigs(layer(own), layer(broker))

describe('the configuration of a group', () => {
  test('values within the bounds of the broker may stand', () => {
    assert.equal(problem({}), null)
    assert.equal(problem({ 'consumer.session.timeout.ms': '50000', 'consumer.heartbeat.interval.ms': '6000' }), null)
    assert.equal(problem({ 'consumer.assignment.interval.ms': '0' }), null)
    assert.equal(problem({ 'share.auto.offset.reset': 'earliest', 'streams.num.standby.replicas': '2' }), null)
  })

  test('unknown names come before bad values', () => {
    assert.equal(problem({ 'consumer.session.timeout.ms': 'x', foo: '1' }), 'Unknown group config name: foo')
    assert.match(problem({ 'consumer.session.timeout.ms': 'x' }) ?? '', /^Invalid value x for configuration consumer.session.timeout.ms/)
  })

  test('a value beyond the bounds is refused in the words of Kafka', () => {
    const cases: readonly (readonly [string, string, string])[] = [
      ['consumer.heartbeat.interval.ms', '4999', 'must be greater than or equal to group.consumer.min.heartbeat.interval.ms'],
      ['consumer.heartbeat.interval.ms', '15001', 'must be less than or equal to group.consumer.max.heartbeat.interval.ms'],
      ['consumer.session.timeout.ms', '44999', 'must be greater than or equal to group.consumer.min.session.timeout.ms'],
      ['consumer.session.timeout.ms', '60001', 'must be less than or equal to group.consumer.max.session.timeout.ms'],
      ['consumer.assignment.interval.ms', '15001', 'must be less than or equal to group.consumer.max.assignment.interval.ms'],
      ['share.record.lock.duration.ms', '14999', 'must be greater than or equal to group.share.min.record.lock.duration.ms'],
      ['share.partition.max.record.locks', '10001', 'must be less than or equal to group.share.max.partition.max.record.locks'],
      ['share.delivery.count.limit', '11', 'must be less than or equal to group.share.max.delivery.count.limit'],
      ['streams.num.standby.replicas', '3', 'must be less than or equal to group.streams.max.standby.replicas'],
    ]
    for (const [name, value, expected] of cases) assert.equal(problem({ [name]: value }), `${name} ${expected}`)
  })

  test('the bounds are those of the broker', () => {
    const own = { 'consumer.session.timeout.ms': '10000' }
    assert.equal(problem(own, { 'group.consumer.min.session.timeout.ms': '6000' }), null)
    assert.equal(
      problem(own, { 'group.consumer.min.session.timeout.ms': '6000', 'group.consumer.heartbeat.interval.ms': '10000' }),
      'consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms',
    )
  })

  test('what cannot be read counts as not set', () => {
    assert.equal(ownNumber(layer({ 'consumer.session.timeout.ms': 'x' }), 'consumer.session.timeout.ms'), undefined)
    assert.equal(ownNumber(layer({ 'consumer.session.timeout.ms': '7' }), 'consumer.session.timeout.ms'), 7)
    assert.equal(ownNumber(noLayer, 'consumer.session.timeout.ms'), undefined)
  })
})
