import { brokerConfigs, dynamicOnlyBrokerConfigs, listenerOverride } from './broker-configs.ts'
import type { ConfigKey } from './config-key.ts'
import { brokerKey } from './layers.ts'
import { securityRows } from './tables/security.ts'
import type { ConfigLayer } from './server-config.ts'
import { clientMetricsConfigs, groupConfigs, topicConfigs } from './topic-configs.ts'
import { asNumber, parseValue, validateValue } from './values.ts'

/** ConfigResource.Type, by its ids; the resources whose configuration is kept in the cluster's metadata, and the loggers of one broker. */
export const ResourceType = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const
export type ResourceType = (typeof ResourceType)[keyof typeof ResourceType]

/** AlterConfigOp.OpType, by its ids. */
export const AlterOp = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const
export type AlterOp = (typeof AlterOp)[keyof typeof AlterOp]

/** ConfigurationControlManager refuses longer ones: a record's string has a length of 16 bits. */
export const configValueBytesMax = 32767

export function isResourceType(id: number): id is ResourceType {
  return Object.values(ResourceType).some((it) => it === id)
}

export function isAlterOp(id: number): id is AlterOp {
  return Object.values(AlterOp).some((it) => it === id)
}

/** The row of a resource's configuration; undefined when the resource has none of that name. */
export function configKeyOf(type: ResourceType, name: string): ConfigKey | undefined {
  switch (type) {
    case ResourceType.TOPIC:
      return topicConfigs.get(name)
    case ResourceType.BROKER:
      return brokerKey(name)
    case ResourceType.GROUP:
      return groupConfigs.get(name)
    case ResourceType.CLIENT_METRICS:
      return clientMetricsConfigs.get(name)
    default:
      return undefined
  }
}

export type Altered = { readonly value: string | null } | { readonly problem: string }

/**
 * The value after one operation of IncrementalAlterConfigs; null: none of its own any more. `current` is the resource's own value. Appending
 * to what was never set starts from the default, an item that is there is not added twice (ConfigurationControlManager). A problem is an
 * INVALID_CONFIG.
 */
export function altered(type: ResourceType, name: string, current: string | undefined, op: AlterOp, operand: string | null): Altered {
  if (op === AlterOp.DELETE) return { value: null }
  const text = operand ?? ''
  if (op === AlterOp.SET) return sized(name, text)
  const verb = op === AlterOp.APPEND ? 'APPEND' : 'SUBTRACT'
  const key = configKeyOf(type, name)
  if (key?.type !== 'list') return { problem: `Can't ${verb} to key ${name} because its type is not LIST.` }
  const items = itemsOf(current ?? key.default ?? '')
  const change = itemsOf(text)
  if (op === AlterOp.SUBTRACT) return sized(name, items.filter((item) => !change.includes(item)).join(','))
  return sized(name, [...new Set([...items, ...change])].join(','))
}

function sized(name: string, value: string): Altered {
  if (Buffer.byteLength(value) <= configValueBytesMax) return { value }
  return {
    problem: `The configuration value of ${name} cannot be added because it exceeds the maximum value size of ${configValueBytesMax} bytes.`,
  }
}

function itemsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map((item) => item.trim())
}

/** One topic configuration by itself; null when it may stand. */
export function validateTopicConfig(name: string, value: string): string | null {
  const key = topicConfigs.get(name)
  if (key === undefined) return `Unknown topic config name: ${name}`
  return validateValue(key, value)
}

/** All that a topic would have of its own (LogConfig.validate); null when it may stand. The error is INVALID_CONFIG. */
export function validateTopicConfigs(configs: ConfigLayer): string | null {
  for (const [name, value] of configs) {
    const problem = validateTopicConfig(name, value)
    if (problem !== null) return problem
  }
  if (isTrue(configs.get('remote.storage.enable'))) {
    return 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.'
  }
  return compactionLagProblem(configs)
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true'
}

function compactionLagProblem(configs: ConfigLayer): string | null {
  const min = ownNumber(configs, 'min.compaction.lag.ms')
  const max = ownNumber(configs, 'max.compaction.lag.ms')
  if (min === undefined || max === undefined || min <= max) return null
  return `conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`
}

function ownNumber(configs: ConfigLayer, name: string): number | undefined {
  const key = topicConfigs.get(name)
  const text = configs.get(name)
  if (key === undefined || text === undefined) return undefined
  const parsed = parseValue(key, text)
  return 'value' in parsed ? asNumber(parsed.value) : undefined
}

const perListenerOnly: ReadonlySet<string> = new Set(
  securityRows.map((key) => key.name).filter((name) => /^ssl\.(key\.password|keystore\.|truststore\.)/.test(name)),
)

/** Kafka can move its listeners while it runs; here they are bound at start, so a change must not seem to have worked. */
const boundAtStart: ReadonlySet<string> = new Set(['listeners', 'listener.security.protocol.map'])

/**
 * All that a broker (or, `perBroker` false, every broker) would have dynamically (DynamicBrokerConfig.validateConfigs); null when it may
 * stand. The error is INVALID_REQUEST.
 */
export function validateBrokerConfigs(configs: ConfigLayer, perBroker: boolean): string | null {
  const names = [...configs.keys()]
  const fixed = names.filter((name) => modeOf(name) === 'read-only' || boundAtStart.has(name))
  if (fixed.length > 0) return `Cannot update these configs dynamically: ${shown(fixed)}`
  const bare = names.filter((name) => perListenerOnly.has(name))
  if (bare.length > 0)
    return `These security configs can be dynamically updated only per-listener using the listener prefix: ${shown(bare)}`
  for (const [name, value] of configs) {
    const key = brokerKey(name)
    const problem = key === undefined ? null : validateValue(key, value)
    if (problem !== null) return problem
  }
  const narrow = perBroker ? [] : names.filter((name) => modeOf(name) === 'per-broker')
  if (narrow.length > 0) return `Cannot update these configs at default cluster level, broker id must be specified: ${shown(narrow)}`
  return null
}

/** A name that no table has is the business of a plug-in, and none is loaded: read-only. */
function modeOf(name: string): ConfigKey['mode'] {
  const key = brokerConfigs.get(name) ?? dynamicOnlyBrokerConfigs.get(name)
  if (key !== undefined) return key.mode
  const override = listenerOverride(name)
  const plain = override === undefined ? undefined : brokerConfigs.get(override.name)
  return plain?.mode ?? 'read-only'
}

function shown(names: readonly string[]): string {
  return `[${names.join(', ')}]`
}

/** Of a client metrics subscription; null when it may stand. The error is INVALID_CONFIG. */
export function validateClientMetricsConfigs(configs: ConfigLayer): string | null {
  const interval = configs.get('interval.ms')
  const problem = validateAll(configs, clientMetricsConfigs, 'Unknown client metrics configuration')
  if (problem !== null || interval === undefined) return problem
  const ms = Number(interval)
  return ms >= 100 && ms <= 3_600_000
    ? null
    : `Invalid value ${interval} for interval.ms, interval must be between 100 and 3600000 (1 hour)`
}

function validateAll(configs: ConfigLayer, table: ReadonlyMap<string, ConfigKey>, unknown: string): string | null {
  for (const [name, value] of configs) {
    const key = table.get(name)
    const problem = key === undefined ? `${unknown}: ${name}` : validateValue(key, value)
    if (problem !== null) return problem
  }
  return null
}
