import type { Epoch, NodeId, Timestamp } from '../base/units.ts'
import { numberIn, parseObject, stringIn } from './json.ts'
import { paths } from './paths.ts'

/** What nodes say of themselves while they are alive, and of the cluster once: no part of the metadata log. */

export interface AliveBroker {
  readonly listeners: readonly { readonly name: string; readonly host: string; readonly port: number; readonly securityProtocol: string }[]
  readonly rack: string | null
  readonly features: readonly { readonly name: string; readonly minSupportedVersion: number; readonly maxSupportedVersion: number }[]
  readonly timestamp: Timestamp
}

/** BrokerIdZNode version 5; `host` and `port` are those of the first PLAINTEXT listener. There is no JMX port: -1. */
export function brokerIdText(broker: AliveBroker): string {
  const plain = broker.listeners.find((it) => it.securityProtocol === 'PLAINTEXT')
  return JSON.stringify({
    version: 5,
    host: plain?.host ?? null,
    port: plain?.port ?? -1,
    endpoints: broker.listeners.map((it) => `${it.name}://${it.host.includes(':') ? `[${it.host}]` : it.host}:${it.port}`),
    listener_security_protocol_map: Object.fromEntries(broker.listeners.map((it) => [it.name, it.securityProtocol])),
    jmx_port: -1,
    timestamp: String(broker.timestamp),
    ...(broker.rack === null ? {} : { rack: broker.rack }),
    features: Object.fromEntries(
      broker.features.map((it) => [it.name, { min_version: it.minSupportedVersion, max_version: it.maxSupportedVersion }]),
    ),
  })
}

export function brokerIdPath(id: NodeId): string {
  return `${paths.brokerIds}/${id}`
}

/** ControllerZNode version 1. */
export function controllerText(id: NodeId, timestamp: Timestamp): string {
  return JSON.stringify({ version: 1, brokerid: id, timestamp: String(timestamp) })
}

export interface ActiveController {
  readonly id: NodeId
  readonly epoch: Epoch
  readonly host: string
  readonly port: number
}

export function activeControllerText({ id, epoch, host, port }: ActiveController): string {
  return JSON.stringify({ version: 1, id, epoch, host, port })
}

/** @throws ZnodeError */
export function activeControllerIn(text: string): ActiveController {
  const found = parseObject(paths.activeController, text)
  const number = (key: string): number => numberIn(paths.activeController, found, key)
  return { id: number('id'), epoch: number('epoch'), host: stringIn(paths.activeController, found, 'host'), port: number('port') }
}

/** ControllerEpochZNode: digits. -1 for what is no epoch. */
export function controllerEpochIn(text: string): Epoch {
  return /^\d{1,9}$/.test(text) ? Number(text) : -1
}

/** ClusterIdZNode */
export function clusterIdText(id: string): string {
  return JSON.stringify({ version: '1', id })
}

/** @throws ZnodeError */
export function clusterIdIn(text: string): string {
  return stringIn(paths.clusterId, parseObject(paths.clusterId, text), 'id')
}
