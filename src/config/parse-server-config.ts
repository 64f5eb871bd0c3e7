import { type Addresses, type Complain, readAddresses } from './addresses.ts'
import { brokerConfigs, isPluginConfig } from './broker-configs.ts'
import { crossCheck } from './cross-checks.ts'
import { brokerKey, type BrokerLayers, merged, noLayer } from './layers.ts'
import { buildServerConfig } from './build-server-config.ts'
import type { ConfigLayer, ConfigProblem, ParsedServerConfig, PropertyEntry, Role, ServerConfig } from './server-config.ts'
import { ServerValues } from './server-values.ts'
import { adviceFor } from './unknown-names.ts'
import { validateValue } from './values.ts'

/**
 * A `server.properties` as the typed configuration of a node, or all that is wrong with it. `warnings` are for what has no effect here; a
 * caller prints both with the file's name and the line.
 */
export function parseServerConfig(entries: readonly PropertyEntry[]): ParsedServerConfig {
  const lines = new Map<string, number>()
  const problems: ConfigProblem[] = []
  const warnings: ConfigProblem[] = []
  const given = collect(entries, lines, problems, warnings)
  const complain: Complain = (name, message) => problems.push({ line: lines.get(name) ?? 0, name, message })
  const values = new ServerValues(given)
  const roles = readRoles(values, complain)
  const nodeId = readNodeId(values, complain)
  const addresses = readAddresses(values, roles, nodeId, complain)
  crossCheck(values, complain)
  if (!given.has('log.dirs') && !given.has('log.dir')) {
    warnings.push({
      line: 0,
      name: 'log.dirs',
      message: `is not given, so data goes to ${values.list('log.dir').join(',')}, which many systems empty at boot`,
    })
  }
  if (problems.length > 0) return { problems: problems.sort((a, b) => a.line - b.line), warnings }
  return { config: buildServerConfig(given, values, roles, nodeId, addresses), warnings }
}

/**
 * The configuration with dynamic configurations laid over it. What they may not change (read-only ones, addresses) stays as it was; a value
 * that cannot be read is passed over.
 */
export function reconfigured(config: ServerConfig, dynamicDefault: ConfigLayer, dynamicBroker: ConfigLayer): ServerConfig {
  const layers: BrokerLayers = { given: config.given, dynamicDefault: changeable(dynamicDefault), dynamicBroker: changeable(dynamicBroker) }
  const addresses: Addresses = {
    voters: config.controllerQuorumVoters,
    listeners: config.listeners,
    advertised: config.advertisedListeners,
    controllerAdvertised: config.controllerAdvertisedListeners,
    interBrokerListenerName: config.interBrokerListenerName,
    controllerListenerNames: config.controllerListenerNames,
  }
  return buildServerConfig(config.given, new ServerValues(merged(layers)), config.processRoles, config.nodeId, addresses)
}

function changeable(layer: ConfigLayer): ConfigLayer {
  if (layer.size === 0) return noLayer
  return new Map(
    [...layer].filter(([name, value]) => {
      const key = brokerKey(name)
      return key !== undefined && key.mode !== 'read-only' && validateValue(key, value) === null
    }),
  )
}

function collect(
  entries: readonly PropertyEntry[],
  lines: Map<string, number>,
  problems: ConfigProblem[],
  warnings: ConfigProblem[],
): ConfigLayer {
  const given = new Map<string, string>()
  for (const { name, value, line } of entries) {
    const earlier = lines.get(name)
    if (earlier !== undefined) {
      warnings.push({ line, name, message: `is given twice; this line counts, line ${earlier} does not` })
    }
    lines.set(name, line)
    given.set(name, value)
  }
  for (const [name, value] of given) judge({ name, value, line: lines.get(name) ?? 0 }, given, problems, warnings)
  return given
}

/** A single entry. One with an unreadable value is taken out again, so that later checks speak only of what they see. */
function judge(entry: PropertyEntry, given: Map<string, string>, problems: ConfigProblem[], warnings: ConfigProblem[]): void {
  const { name, value, line } = entry
  const key = brokerKey(name)
  if (key === undefined) {
    if (isPluginConfig(name)) warnings.push({ line, name, message: 'belongs to a plug-in, which are not loaded here; it has no effect' })
    else {
      const advice = adviceFor(name)
      ;(advice.harmless ? warnings : problems).push({ line, name, message: advice.message })
    }
    return
  }
  const problem = validateValue(key, value)
  if (problem !== null) {
    given.delete(name)
    problems.push({ line, name, message: problem })
    return
  }
  if (!key.acted || !brokerConfigs.has(name)) warnings.push({ line, name, message: 'is known from Kafka but has no effect here' })
}

function readRoles(values: ServerValues, complain: Complain): readonly Role[] {
  const roles = values.list('process.roles').filter((it): it is Role => it === 'broker' || it === 'controller')
  if (values.text('zookeeper.connect') !== null) {
    if (roles.length > 0) complain('process.roles', 'does not go with zookeeper.connect, where every node is both; take one of them out')
    return ['broker', 'controller']
  }
  if (roles.length === 0) complain('process.roles', 'is needed: broker, controller, or broker,controller')
  return roles
}

function readNodeId(values: ServerValues, complain: Complain): number {
  const node = values.has('node.id') ? values.number('node.id') : undefined
  const broker = values.has('broker.id') ? values.number('broker.id') : undefined
  if (node !== undefined && broker !== undefined && broker !== node)
    complain('broker.id', `is ${broker}, but node.id is ${node}; leave broker.id out`)
  const id = node ?? broker ?? -1
  if (id < 0) complain('node.id', 'is needed: a number from 0, different on every node')
  return id
}
