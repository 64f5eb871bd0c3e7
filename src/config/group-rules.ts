import { brokerConfigs } from './broker-configs.ts'
import { brokerText } from './layers.ts'
import type { ConfigLayer } from './server-config.ts'
import { groupConfigs } from './topic-configs.ts'
import { asNumber, parseValue, validateValue } from './values.ts'

/** The types of group that have configurations; a name begins with one. */
const groupTypes = ['consumer', 'share', 'streams']
/** Not built from the name of the group's configuration like the others. */
const standbyReplicas = { name: 'streams.num.standby.replicas', max: 'group.streams.max.standby.replicas' }

/**
 * All that a group would have of its own (GroupConfig.validate); null when it may stand. `broker` has the bounds that a value must keep:
 * `group.consumer.min.…` and the like. The error is INVALID_CONFIG, the sentences are Kafka's.
 */
export function validateGroupConfigs(configs: ConfigLayer, broker: ConfigLayer): string | null {
  for (const name of configs.keys()) if (!groupConfigs.has(name)) return `Unknown group config name: ${name}`
  for (const [name, value] of configs) {
    const key = groupConfigs.get(name)
    const problem = key === undefined ? null : validateValue(key, value)
    if (problem !== null) return problem
  }
  for (const name of configs.keys()) {
    const problem = boundsProblem(configs, broker, name)
    if (problem !== null) return problem
  }
  return sessionProblem(configs, broker)
}

function boundsProblem(configs: ConfigLayer, broker: ConfigLayer, name: string): string | null {
  const value = ownNumber(configs, name)
  if (value === undefined) return null
  const { min, max } = boundsOf(name)
  const lowest = brokerNumber(broker, min)
  if (lowest !== undefined && value < lowest) return `${name} must be greater than or equal to ${min}`
  const highest = brokerNumber(broker, max)
  if (highest !== undefined && value > highest) return `${name} must be less than or equal to ${max}`
  return null
}

/** The broker's configurations that bound a group's; there may be none of that name. */
function boundsOf(name: string): { readonly min: string; readonly max: string } {
  if (name === standbyReplicas.name) return { min: '', max: standbyReplicas.max }
  const [type = '', ...rest] = name.split('.')
  return { min: `group.${type}.min.${rest.join('.')}`, max: `group.${type}.max.${rest.join('.')}` }
}

/** A member must be able to report before it is taken for dead. */
function sessionProblem(configs: ConfigLayer, broker: ConfigLayer): string | null {
  for (const type of groupTypes) {
    const [session, heartbeat] = [`${type}.session.timeout.ms`, `${type}.heartbeat.interval.ms`]
    if (!configs.has(session) && !configs.has(heartbeat)) continue
    const sessionMs = ownNumber(configs, session) ?? brokerNumber(broker, `group.${session}`)
    const heartbeatMs = ownNumber(configs, heartbeat) ?? brokerNumber(broker, `group.${heartbeat}`)
    if (sessionMs !== undefined && heartbeatMs !== undefined && sessionMs <= heartbeatMs)
      return `${session} must be greater than ${heartbeat}`
  }
  return null
}

/** The number that a group has of its own; undefined when it has none, or none that can be read. */
export function ownNumber(configs: ConfigLayer, name: string): number | undefined {
  const key = groupConfigs.get(name)
  const text = configs.get(name)
  if (key === undefined || text === undefined || key.type !== 'int') return undefined
  const parsed = parseValue(key, text)
  return 'value' in parsed ? asNumber(parsed.value) : undefined
}

function brokerNumber(broker: ConfigLayer, name: string): number | undefined {
  const key = brokerConfigs.get(name)
  const text = key === undefined ? null : brokerText(broker, name)
  if (key === undefined || text === null) return undefined
  const parsed = parseValue(key, text)
  return 'value' in parsed ? asNumber(parsed.value) : undefined
}
