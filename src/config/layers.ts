import { brokerConfigs, brokerSynonyms, dynamicOnlyBrokerConfigs, listenerOverride } from './broker-configs.ts'
import type { ConfigKey } from './config-key.ts'
import type { ConfigLayer } from './server-config.ts'
import { fromSynonym, keyOf, topicConfigs, topicSynonyms } from './topic-configs.ts'
import { canonical, type ConfigValue, parseValue } from './values.ts'

/** Where the configuration of a broker comes from; what is in an earlier layer hides the later ones. */
export interface BrokerLayers {
  /** Dynamic configuration of this broker (resource BROKER with its id). */
  readonly dynamicBroker: ConfigLayer
  /** Dynamic configuration of all brokers (resource BROKER with an empty name). */
  readonly dynamicDefault: ConfigLayer
  /** `server.properties`. */
  readonly given: ConfigLayer
}

export const noLayer: ConfigLayer = new Map()

/** The row of a broker's configuration, those with a listener's prefix and those that are only dynamic included. */
export function brokerKey(name: string): ConfigKey | undefined {
  const key = brokerConfigs.get(name) ?? dynamicOnlyBrokerConfigs.get(name)
  if (key !== undefined) return key
  const override = listenerOverride(name)
  return override === undefined ? undefined : brokerConfigs.get(override.name)
}

/**
 * One layer out of the three. A dynamic value drops its synonyms from the layers below, so that `log.retention.ms` set dynamically is not
 * hidden by anything (DynamicBrokerConfig.overrideProps).
 */
export function merged(layers: BrokerLayers): ConfigLayer {
  const out = new Map(layers.given)
  for (const layer of [layers.dynamicDefault, layers.dynamicBroker]) {
    for (const name of layer.keys()) for (const synonym of brokerSynonyms(name)) out.delete(synonym)
    for (const [name, value] of layer) out.set(name, value)
  }
  return out
}

/** The text in force for a broker's configuration by that very name; null when it is not set and has no default. */
export function brokerText(layer: ConfigLayer, name: string): string | null {
  return layer.get(name) ?? brokerConfigs.get(name)?.default ?? null
}

/** The value in force for a topic's configuration: its own, or its broker's synonyms, or the default. */
export function topicText(topic: ConfigLayer, broker: ConfigLayer, name: string): string | null {
  const own = topic.get(name)
  if (own !== undefined) return own
  const key = keyOf(topicConfigs, name)
  for (const synonym of topicSynonyms.get(name) ?? []) {
    const value = readable(brokerText(broker, synonym.name), keyOf(brokerConfigs, synonym.name))
    if (value !== null) return fromSynonym(synonym, value)
  }
  return key.default ?? null
}

function readable(text: string | null, key: ConfigKey): string | null {
  if (text === null) return null
  const parsed = parseValue(key, text)
  return 'value' in parsed ? canonical(parsed.value, key.type) : (key.default ?? null)
}

/** The value of `name` for a topic. A stored value that can no longer be read counts as the default: a broker must not stop over it. */
export function topicValue(topic: ConfigLayer, broker: ConfigLayer, name: string): ConfigValue | null {
  const key = keyOf(topicConfigs, name)
  const text = topicText(topic, broker, name)
  if (text === null) return null
  const parsed = parseValue(key, text)
  if ('value' in parsed) return parsed.value
  if (topic.has(name)) return topicValue(noLayer, broker, name)
  const fallback = key.default ?? null
  const last = fallback === null ? null : parseValue(key, fallback)
  return last !== null && 'value' in last ? last.value : null
}
