import { brokerConfigs, brokerSynonyms, dynamicOnlyBrokerConfigs } from './broker-configs.ts'
import { type ConfigKey, type ConfigType, isSensitive } from './config-key.ts'
import { brokerKey, type BrokerLayers, brokerText, merged, noLayer, topicValue } from './layers.ts'
import type { ConfigLayer } from './server-config.ts'
import { clientMetricsConfigs, groupConfigs, isPublic, serverSynonym, topicConfigs } from './topic-configs.ts'
import { canonical, parseValue } from './values.ts'

/** DescribeConfigsResponse.ConfigSource, by its ids. */
export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  CLIENT_METRICS_CONFIG: 7,
  GROUP_CONFIG: 8,
} as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

const typeIds: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}
const unknownTypeId = 0

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: ConfigSource
}

/** One line of a DescribeConfigs answer, with the field names of that message. */
export interface DescribedConfig {
  readonly name: string
  /** Null when not set, and always for a sensitive one. */
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: ConfigSource
  readonly isSensitive: boolean
  readonly synonyms: readonly ConfigSynonym[]
  readonly configType: number
  readonly documentation: string
}

/** The doc of a configuration, for DescribeConfigs and the reference. */
export function documentationOf(key: ConfigKey | undefined): string {
  if (key === undefined) return ''
  return key.acted ? key.doc : 'Known from Kafka; has no effect here today.'
}

/** The rules are those of ConfigHelper.createTopicConfigEntry. */
export function describeTopic(topic: ConfigLayer, layers: BrokerLayers): readonly DescribedConfig[] {
  const broker = merged(layers)
  const names = [...topicConfigs.values()].filter((key) => isPublic(key) || topic.has(key.name))
  return names.map((key) => {
    const value = topicValue(topic, broker, key.name)
    const text = value === null ? null : canonical(value, key.type)
    const server = serverSynonym(key.name)
    const inherited = server === undefined ? [] : brokerLayerSynonyms(server, layers)
    return described(key.name, key, text, false, withOwn(topic, key, text, ConfigSource.TOPIC_CONFIG, inherited))
  })
}

/** The whole configuration of this broker (ConfigHelper.createBrokerConfigEntry). */
export function describeBroker(layers: BrokerLayers): readonly DescribedConfig[] {
  const all = merged(layers)
  const names = new Set([...brokerConfigs.values()].filter(isPublic).map((key) => key.name))
  for (const name of all.keys()) names.add(name)
  return [...names].map((name) => {
    const key = brokerKey(name)
    return described(name, key, currentText(key, brokerText(all, name)), isReadOnly(name), brokerLayerSynonyms(name, layers))
  })
}

/** What is set dynamically for all brokers, and nothing else. */
export function describeDefaultBroker(dynamicDefault: ConfigLayer): readonly DescribedConfig[] {
  const layers = { dynamicBroker: noLayer, dynamicDefault, given: noLayer }
  return [...dynamicDefault].map(([name, value]) => {
    const synonyms = brokerLayerSynonyms(name, layers).filter((it) => it.source === ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG)
    return described(name, brokerKey(name), value, isReadOnly(name), synonyms)
  })
}

const groupPrefix = 'group.'

export function describeGroup(group: ConfigLayer, layers: BrokerLayers): readonly DescribedConfig[] {
  const broker = merged(layers)
  return [...groupConfigs.values()].map((key) => {
    const server = brokerConfigs.has(groupPrefix + key.name) ? groupPrefix + key.name : undefined
    const fallback = server === undefined ? (key.default ?? null) : brokerText(broker, server)
    const text = currentText(key, group.get(key.name) ?? fallback)
    const inherited = server === undefined ? defaultSynonym(key.name, key) : brokerLayerSynonyms(server, layers)
    return described(key.name, key, text, false, withOwn(group, key, text, ConfigSource.GROUP_CONFIG, inherited))
  })
}

export function describeClientMetrics(subscription: ConfigLayer): readonly DescribedConfig[] {
  return [...clientMetricsConfigs.values()].map((key) => {
    const text = currentText(key, subscription.get(key.name) ?? key.default ?? null)
    return described(key.name, key, text, false, withOwn(subscription, key, text, ConfigSource.CLIENT_METRICS_CONFIG, []))
  })
}

function described(
  name: string,
  key: ConfigKey | undefined,
  text: string | null,
  readOnly: boolean,
  synonyms: readonly ConfigSynonym[],
): DescribedConfig {
  const sensitive = isHidden(key)
  return {
    name,
    value: sensitive ? null : text,
    readOnly,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    isSensitive: sensitive,
    synonyms,
    configType: key === undefined ? unknownTypeId : typeIds[key.type],
    documentation: documentationOf(key),
  }
}

/** What we do not know may be a secret of a plug-in. */
function isHidden(key: ConfigKey | undefined): boolean {
  return key === undefined || isSensitive(key)
}

function withOwn(
  layer: ConfigLayer,
  key: ConfigKey,
  text: string | null,
  source: ConfigSource,
  inherited: readonly ConfigSynonym[],
): readonly ConfigSynonym[] {
  if (!layer.has(key.name)) return inherited
  return [{ name: key.name, value: isHidden(key) ? null : text, source }, ...inherited]
}

/** A value as Kafka would print it; as it is when it cannot be read. */
function currentText(key: ConfigKey | undefined, text: string | null): string | null {
  if (key === undefined || text === null || key.type === 'string') return text
  const parsed = parseValue(key, text)
  return 'value' in parsed ? canonical(parsed.value, key.type) : text
}

function isReadOnly(name: string): boolean {
  return (
    (brokerConfigs.get(name) ?? dynamicOnlyBrokerConfigs.get(name))?.mode === 'read-only' ||
    (!brokerConfigs.has(name) && !dynamicOnlyBrokerConfigs.has(name))
  )
}

/**
 * Every layer that has the configuration under one of its names, the strongest first. What precedes the first hit under its own name is left
 * out (ConfigHelper.configSynonyms), so a default that only an older synonym has shows no synonym at all.
 */
function brokerLayerSynonyms(name: string, layers: BrokerLayers): readonly ConfigSynonym[] {
  const names = brokerSynonyms(name)
  const all = [
    ...layerSynonyms(names, layers.dynamicBroker, ConfigSource.DYNAMIC_BROKER_CONFIG),
    ...layerSynonyms(names, layers.dynamicDefault, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG),
    ...layerSynonyms(names, layers.given, ConfigSource.STATIC_BROKER_CONFIG),
    ...names.flatMap((it) => defaultSynonym(it, brokerConfigs.get(it))),
  ]
  const first = all.findIndex((it) => it.name === name)
  return first < 0 ? [] : all.slice(first)
}

function layerSynonyms(names: readonly string[], layer: ConfigLayer, source: ConfigSource): readonly ConfigSynonym[] {
  return names.flatMap((name) => {
    const value = layer.get(name)
    return value === undefined ? [] : [{ name, value: isHidden(brokerKey(name)) ? null : value, source }]
  })
}

function defaultSynonym(name: string, key: ConfigKey | undefined): readonly ConfigSynonym[] {
  const value = key?.default
  return value === undefined || value === null ? [] : [{ name, value: isHidden(key) ? null : value, source: ConfigSource.DEFAULT_CONFIG }]
}
