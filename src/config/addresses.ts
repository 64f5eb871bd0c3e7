import type { NodeId } from '../base/units.ts'
import {
  isNonRoutable,
  type ListenerAddress,
  parseListeners,
  parseProtocolMap,
  parseVoters,
  type SecurityProtocol,
  sharedPort,
  type VoterAddress,
} from './listeners.ts'
import type { Role } from './server-config.ts'
import type { ServerValues } from './server-values.ts'

export interface Addresses {
  readonly voters: readonly VoterAddress[]
  readonly listeners: readonly ListenerAddress[]
  readonly advertised: readonly ListenerAddress[]
  readonly controllerAdvertised: readonly ListenerAddress[]
  readonly interBrokerListenerName: string
  readonly controllerListenerNames: readonly string[]
}

/** Takes a problem of the property `name`. */
export type Complain = (name: string, message: string) => void

/**
 * The addresses of a node, and whether they fit together. The rules are those of KafkaConfig.validateValues; a node that breaks one of them
 * would start and not be reached.
 */
export function readAddresses(values: ServerValues, roles: readonly Role[], nodeId: NodeId, complain: Complain): Addresses {
  const controllerListenerNames = values.list('controller.listener.names').map((name) => name.toUpperCase())
  const protocols = readProtocols(values, controllerListenerNames, complain)
  const listeners = readListeners(values, 'listeners', protocols, complain)
  const voters = readVoters(values, complain)
  const given = values.has('advertised.listeners') ? readListeners(values, 'advertised.listeners', protocols, complain) : listeners
  const isController = (listener: ListenerAddress): boolean => controllerListenerNames.includes(listener.name)
  const out: Addresses = {
    voters,
    listeners,
    advertised: given.filter((listener) => !isController(listener)),
    controllerAdvertised: roles.includes('controller') ? advertisedByController(listeners, given, isController, voters, nodeId) : [],
    interBrokerListenerName: readInterBrokerListenerName(values, protocols, complain),
    controllerListenerNames,
  }
  checkPorts(listeners, complain)
  checkRoutable(values, out, complain)
  checkControllerListeners(roles, out, complain)
  if (roles.includes('broker')) checkBrokerListeners(out, complain)
  checkVoters(roles, nodeId, voters, complain)
  return out
}

function readProtocols(
  values: ServerValues,
  controllerNames: readonly string[],
  complain: Complain,
): ReadonlyMap<string, SecurityProtocol> {
  const name = 'listener.security.protocol.map'
  const parsed = parseProtocolMap(values.text(name) ?? '')
  if ('problem' in parsed) {
    complain(name, parsed.problem)
    return new Map()
  }
  // KIP-796: a controller's listener that the map leaves out speaks PLAINTEXT, as long as the map is the default one.
  const out = new Map(parsed.value)
  if (!values.has(name)) for (const it of controllerNames) if (!out.has(it)) out.set(it, 'PLAINTEXT')
  return out
}

function readListeners(
  values: ServerValues,
  name: string,
  protocols: ReadonlyMap<string, SecurityProtocol>,
  complain: Complain,
): readonly ListenerAddress[] {
  const parsed = parseListeners(values.list(name).join(','), protocols)
  if ('problem' in parsed) {
    complain(name, parsed.problem)
    return []
  }
  for (const listener of parsed.value) {
    if (listener.protocol !== 'PLAINTEXT') {
      complain(
        name,
        `${listener.name} speaks ${listener.protocol}, which is not there yet; use PLAINTEXT, on addresses that only trusted machines reach`,
      )
    }
  }
  return parsed.value
}

function readVoters(values: ServerValues, complain: Complain): readonly VoterAddress[] {
  const bootstrap = 'controller.quorum.bootstrap.servers'
  const name = 'controller.quorum.voters'
  if (values.text('zookeeper.connect') !== null) {
    const other = [bootstrap, name].find((it) => values.list(it).length > 0)
    if (other !== undefined) complain(other, 'does not go with zookeeper.connect; take one of them out')
    return []
  }
  if (values.list(bootstrap).length > 0) {
    complain(bootstrap, `a quorum whose members change is not there yet; list all controllers in ${name} as id@host:port instead`)
    return []
  }
  const items = values.list(name)
  if (items.length === 0) {
    complain(name, 'is needed: list all controllers as id@host:port, separated by commas, the same on every node')
    return []
  }
  const parsed = parseVoters(items)
  if ('value' in parsed) return parsed.value
  complain(name, parsed.problem)
  return []
}

function readInterBrokerListenerName(values: ServerValues, protocols: ReadonlyMap<string, SecurityProtocol>, complain: Complain): string {
  const name = 'inter.broker.listener.name'
  const given = values.text(name)?.toUpperCase()
  if (given === undefined) return values.text('security.inter.broker.protocol') ?? 'PLAINTEXT'
  if (values.has('security.inter.broker.protocol'))
    complain(name, 'and security.inter.broker.protocol are two ways to say the same; leave one')
  if (!protocols.has(given)) complain(name, `${given} has no protocol; add ${given}:PLAINTEXT to listener.security.protocol.map`)
  return given
}

/** A controller that binds every interface is reached at the host that controller.quorum.voters gives it; without voters, where the broker is. */
function advertisedByController(
  listeners: readonly ListenerAddress[],
  given: readonly ListenerAddress[],
  isController: (listener: ListenerAddress) => boolean,
  voters: readonly VoterAddress[],
  nodeId: NodeId,
): readonly ListenerAddress[] {
  const host =
    voters.find((voter) => voter.id === nodeId)?.host ?? given.find((it) => !isController(it) && !isNonRoutable(it.host))?.host ?? ''
  return listeners.filter(isController).map((listener) => {
    const advertised = given.find((it) => it.name === listener.name) ?? listener
    return advertised.host === '' || isNonRoutable(advertised.host) ? { ...advertised, host } : advertised
  })
}

function checkPorts(listeners: readonly ListenerAddress[], complain: Complain): void {
  const port = sharedPort(listeners)
  if (port !== undefined) complain('listeners', `two listeners have port ${port}; each listener needs a port of its own`)
}

function checkRoutable(values: ServerValues, addresses: Addresses, complain: Complain): void {
  const bad = addresses.advertised.find((listener) => isNonRoutable(listener.host))
  if (bad === undefined) return
  const where = values.has('advertised.listeners') ? 'advertised.listeners' : 'listeners'
  complain(
    where,
    `${bad.name} would be advertised as ${bad.host}, which no client can reach; set advertised.listeners to ${bad.name}://<host that clients reach>:${bad.port}`,
  )
}

function checkControllerListeners(roles: readonly Role[], addresses: Addresses, complain: Complain): void {
  const { controllerListenerNames: names, listeners } = addresses
  const bound = new Set(listeners.map((listener) => listener.name))
  if (names.length === 0) {
    complain('controller.listener.names', 'is needed: the name of the listener that controllers speak on, such as CONTROLLER')
    return
  }
  // What could not be read has been complained of already.
  if (listeners.length === 0) return
  if (roles.includes('controller')) {
    const missing = names.find((name) => !bound.has(name))
    if (missing !== undefined) {
      complain(
        'controller.listener.names',
        `${missing} is not in listeners; a controller binds it, so add ${missing}://host:port to listeners`,
      )
    }
    if (!roles.includes('broker')) {
      const stranger = listeners.find((listener) => !names.includes(listener.name))
      if (stranger !== undefined)
        complain('listeners', `${stranger.name} is not a listener of the controller; a node that is only a controller has no others`)
    }
    return
  }
  const shared = names.find((name) => bound.has(name))
  if (shared !== undefined) {
    complain('listeners', `${shared} belongs to the controller (controller.listener.names); a node that is only a broker does not bind it`)
  }
}

function checkBrokerListeners(addresses: Addresses, complain: Complain): void {
  const { advertised, listeners, interBrokerListenerName, controllerListenerNames } = addresses
  if (listeners.length === 0) return
  if (advertised.length === 0) {
    complain('listeners', 'a broker needs a listener that is not in controller.listener.names, such as PLAINTEXT://127.0.0.1:9092')
    return
  }
  const unbound = advertised.find((it) => !listeners.some((listener) => listener.name === it.name))
  if (unbound !== undefined) complain('advertised.listeners', `${unbound.name} is not in listeners; add it there, or leave it out here`)
  if (controllerListenerNames.includes(interBrokerListenerName)) {
    complain(
      'inter.broker.listener.name',
      `${interBrokerListenerName} belongs to the controller; brokers need another listener among themselves`,
    )
  } else if (!advertised.some((listener) => listener.name === interBrokerListenerName)) {
    const names = advertised.map((listener) => listener.name).join(', ')
    complain(
      'inter.broker.listener.name',
      `${interBrokerListenerName} is not among the advertised listeners (${names}); set it to one of them`,
    )
  }
}

function checkVoters(roles: readonly Role[], nodeId: NodeId, voters: readonly VoterAddress[], complain: Complain): void {
  if (voters.length === 0) return
  const listed = voters.some((voter) => voter.id === nodeId)
  if (roles.includes('controller') && !listed) {
    complain(
      'controller.quorum.voters',
      `this node is a controller, but its id ${nodeId} is not listed; add ${nodeId}@host:port on every node`,
    )
  }
  if (roles.length > 0 && !roles.includes('controller') && listed) {
    complain(
      'controller.quorum.voters',
      `this node is only a broker, but its id ${nodeId} is listed; give it another node.id, or the controller role`,
    )
  }
}
