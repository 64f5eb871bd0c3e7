import type { NodeId } from '../base/units.ts'

/** The protocols of Kafka's listeners. PLAINTEXT is the one that is served. */
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

export const securityProtocols: readonly SecurityProtocol[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

export interface ListenerAddress {
  /** In upper case (ListenerName.normalised). */
  readonly name: string
  readonly protocol: SecurityProtocol
  /** Without the brackets of an IPv6 address. Empty: every interface (when bound), the name of this machine (when advertised). */
  readonly host: string
  readonly port: number
}

export interface VoterAddress {
  readonly id: NodeId
  readonly host: string
  readonly port: number
}

/** `Outcome` of reading one value: what it says, or a sentence about what is wrong with it. */
export type Outcome<T> = { readonly value: T } | { readonly problem: string }

const portMax = 65535
const hostPattern = /^[0-9a-zA-Z\-%._:]*$/

/** Splits `host:port` and `[v6]:port` at the last colon. */
export function parseHostPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]*)\]|(.*)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  return port > portMax || !hostPattern.test(host) ? undefined : { host, port }
}

/** `NAME:PROTOCOL,…` (listener.security.protocol.map). */
export function parseProtocolMap(text: string): Outcome<ReadonlyMap<string, SecurityProtocol>> {
  const out = new Map<string, SecurityProtocol>()
  for (const item of parts(text)) {
    const at = item.lastIndexOf(':')
    const name = item.slice(0, at).trim().toUpperCase()
    const protocol = securityProtocols.find(
      (it) =>
        it ===
        item
          .slice(at + 1)
          .trim()
          .toUpperCase(),
    )
    if (at <= 0 || protocol === undefined) {
      return { problem: `'${item}' is not NAME:PROTOCOL with a protocol of ${securityProtocols.join(', ')}` }
    }
    if (out.has(name)) return { problem: `${name} is in it twice; leave one` }
    out.set(name, protocol)
  }
  return { value: out }
}

/** `NAME://host:port,…`. A name must be in the map of protocols. */
export function parseListeners(text: string, protocols: ReadonlyMap<string, SecurityProtocol>): Outcome<readonly ListenerAddress[]> {
  const out: ListenerAddress[] = []
  for (const item of parts(text)) {
    const at = item.indexOf('://')
    const name = item.slice(0, at).trim().toUpperCase()
    const address = at <= 0 ? undefined : parseHostPort(item.slice(at + 3))
    if (address === undefined)
      return { problem: `'${item}' is not NAME://host:port (an empty host is every interface), such as PLAINTEXT://127.0.0.1:9092` }
    const protocol = protocols.get(name)
    if (protocol === undefined) return { problem: `${name} has no protocol; add ${name}:PLAINTEXT to listener.security.protocol.map` }
    if (out.some((other) => other.name === name)) return { problem: `${name} is in it twice; each listener needs a name of its own` }
    out.push({ name, protocol, ...address })
  }
  return { value: out }
}

/** Two listeners may share a port only when one binds an IPv4 and the other an IPv6 address; port 0 is any free one. */
export function sharedPort(listeners: readonly ListenerAddress[]): number | undefined {
  for (const [i, a] of listeners.entries()) {
    const clash = listeners.slice(i + 1).find((b) => a.port !== 0 && a.port === b.port && a.host.includes(':') === b.host.includes(':'))
    if (clash !== undefined) return a.port
  }
  return undefined
}

/** `id@host:port,…` (QuorumConfig.parseVoterConnections). */
export function parseVoters(items: readonly string[]): Outcome<readonly VoterAddress[]> {
  const out: VoterAddress[] = []
  for (const item of items) {
    const match = /^(\d{1,10})@(.*)$/.exec(item)
    const address = match === null ? undefined : parseHostPort(match[2] ?? '')
    const id = Number(match?.[1])
    if (address === undefined || address.host === '' || id > 0x7fffffff)
      return { problem: `'${item}' is not id@host:port, such as 1@127.0.0.1:19092` }
    if (isNonRoutable(address.host))
      return { problem: `'${item}': ${address.host} is no address that another node can reach; give the host of that controller` }
    if (out.some((other) => other.id === id)) return { problem: `node ${id} is in it twice; leave one` }
    out.push({ id, ...address })
  }
  return { value: out }
}

/** `address:count,…` (max.connections.per.ip.overrides). */
export function parseConnectionOverrides(text: string): Outcome<ReadonlyMap<string, number>> {
  const out = new Map<string, number>()
  for (const item of parts(text)) {
    const match = /^\[?([0-9a-zA-Z\-%._:]+?)\]?:(\d{1,9})$/.exec(item)
    if (match === null) return { problem: `'${item}' is not address:count, such as 127.0.0.1:200` }
    out.set(match[1] ?? '', Number(match[2]))
  }
  return { value: out }
}

export function isNonRoutable(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '0:0:0:0:0:0:0:0'
}

/** The items of a list in a value of type string. */
function parts(text: string): readonly string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
}
