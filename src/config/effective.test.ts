import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigSource, describeBroker, describeClientMetrics, describeDefaultBroker, describeGroup, describeTopic } from './effective.ts'
import { type BrokerLayers, merged, noLayer } from './layers.ts'
import { logSettings, topicConfigOf } from './topic-config.ts'

type Pairs = Readonly<Record<string, string>>
const layer = (pairs: Pairs) => new Map(Object.entries(pairs))

function layers(parts: { readonly given?: Pairs; readonly dynamicDefault?: Pairs; readonly dynamicBroker?: Pairs }): BrokerLayers {
  return {
    given: layer(parts.given ?? {}),
    dynamicDefault: layer(parts.dynamicDefault ?? {}),
    dynamicBroker: layer(parts.dynamicBroker ?? {}),
  }
}

const nothing = layers({})

describe('what is in force', () => {
  test('a topic is described with each layer that has the configuration, the strongest first', () => {
    const broker = layers({
      given: { 'log.retention.hours': '1' },
      dynamicDefault: { 'log.retention.ms': '2' },
      dynamicBroker: { 'log.retention.ms': '3' },
    })
    const entry = describeTopic(layer({ 'retention.ms': ' 4' }), broker).find((it) => it.name === 'retention.ms')
    assert.equal(entry?.value, '4')
    assert.equal(entry?.configSource, ConfigSource.TOPIC_CONFIG)
    assert.deepEqual(entry?.synonyms, [
      { name: 'retention.ms', value: '4', source: ConfigSource.TOPIC_CONFIG },
      { name: 'log.retention.ms', value: '3', source: ConfigSource.DYNAMIC_BROKER_CONFIG },
      { name: 'log.retention.ms', value: '2', source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG },
      { name: 'log.retention.hours', value: '1', source: ConfigSource.STATIC_BROKER_CONFIG },
      { name: 'log.retention.hours', value: '168', source: ConfigSource.DEFAULT_CONFIG },
    ])
  })

  test('a default that only an older synonym has shows no synonym', () => {
    const entry = describeTopic(noLayer, nothing).find((it) => it.name === 'retention.ms')
    assert.deepEqual([entry?.value, entry?.configSource, entry?.synonyms], ['604800000', ConfigSource.DEFAULT_CONFIG, []])
  })

  test('internal configurations of a topic are told only when set', () => {
    const has = (topic: Pairs) => describeTopic(layer(topic), nothing).some((it) => it.name === 'internal.segment.bytes')
    assert.deepEqual([has({}), has({ 'internal.segment.bytes': '100' })], [false, true])
  })

  test('a broker tells what it was given, what was changed, and what may be changed', () => {
    const all = describeBroker(
      layers({ given: { 'node.id': '1', 'log.segment.bytes': '2000000' }, dynamicBroker: { 'log.segment.bytes': '3000000' } }),
    )
    const segment = all.find((it) => it.name === 'log.segment.bytes')
    assert.deepEqual([segment?.value, segment?.configSource, segment?.readOnly], ['3000000', ConfigSource.DYNAMIC_BROKER_CONFIG, false])
    const id = all.find((it) => it.name === 'node.id')
    assert.deepEqual([id?.value, id?.configSource, id?.readOnly], ['1', ConfigSource.STATIC_BROKER_CONFIG, true])
    assert.ok(all.length > 300)
  })

  test('passwords, and what nobody here can judge, are never told', () => {
    const secrets = { 'ssl.key.password': 'a', 'listener.name.x.ssl.key.password': 'b', 'some.plugin.secret': 'c' }
    const told = JSON.stringify(describeBroker(layers({ given: secrets, dynamicDefault: secrets, dynamicBroker: secrets })))
    assert.doesNotMatch(told, /"value":"[abc]"/)
    assert.doesNotMatch(JSON.stringify(describeDefaultBroker(layer(secrets))), /"value":"[abc]"/)
  })

  test('all brokers together have only what was set for them', () => {
    const all = describeDefaultBroker(layer({ 'log.segment.bytes': '2000000' }))
    assert.deepEqual(
      all.map((it) => [it.name, it.value, it.configSource]),
      [['log.segment.bytes', '2000000', ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG]],
    )
  })

  test('a group takes its defaults from the broker', () => {
    const entry = describeGroup(noLayer, layers({ given: { 'group.consumer.session.timeout.ms': '50000' } })).find(
      (it) => it.name === 'consumer.session.timeout.ms',
    )
    assert.deepEqual([entry?.value, entry?.configSource], ['50000', ConfigSource.STATIC_BROKER_CONFIG])
    const own = describeGroup(layer({ 'share.isolation.level': 'read_committed' }), nothing).find(
      (it) => it.name === 'share.isolation.level',
    )
    assert.equal(own?.configSource, ConfigSource.GROUP_CONFIG)
    assert.equal(
      describeClientMetrics(layer({ 'interval.ms': '100' })).find((it) => it.name === 'interval.ms')?.configSource,
      ConfigSource.CLIENT_METRICS_CONFIG,
    )
  })

  test('a dynamic value drops its synonyms below it', () => {
    assert.deepEqual(
      [...merged(layers({ given: { 'log.retention.minutes': '5' }, dynamicDefault: { 'log.retention.ms': '6' } }))],
      [['log.retention.ms', '6']],
    )
  })

  test('the configuration of a topic as numbers: topic, dynamic broker, dynamic default, static, default', () => {
    const broker = layers({
      given: {
        'min.insync.replicas': '2',
        'log.cleanup.policy': 'compact',
        'log.segment.bytes': '2000000',
        'log.index.interval.bytes': '1',
      },
      dynamicDefault: { 'log.segment.bytes': '3000000', 'message.max.bytes': '5' },
      dynamicBroker: { 'message.max.bytes': '6' },
    })
    const config = topicConfigOf(layer({ 'index.interval.bytes': '2', 'flush.ms': 'unreadable' }), merged(broker))
    assert.deepEqual(config.cleanupPolicy, ['compact'])
    assert.deepEqual(
      [config.minInsyncReplicas, config.segmentBytes, config.maxMessageBytes, config.indexIntervalBytes, config.flushMs],
      [2, 3_000_000, 6, 2, Number.MAX_SAFE_INTEGER],
    )
    const settings = logSettings(config)
    assert.deepEqual([settings.cleanupDelete, settings.cleanupCompact], [false, true])
  })
})
