import type { Ports } from '../../base/ports.ts'
import type { ServerConfig, ZooKeeperConfig } from '../../config/server-config.ts'
import { sensitivePaths } from '../../znodes/paths.ts'
import { ZooKeeperClient } from '../../zookeeper/client.ts'
import type { MetadataObserver } from '../metadata-observer.ts'
import type { OpenZooKeeper } from './ensemble-session.ts'
import { ZooKeeperObserver } from './zookeeper-observer.ts'
import { ZooKeeperQuorum } from './zookeeper-quorum.ts'

/** What a node whose configuration has `zookeeper.connect` runs on. */

function clientsOf(ports: Ports, { connect, sessionTimeoutMs, digest }: ZooKeeperConfig): OpenZooKeeper {
  const options = { connect, sessionTimeoutMs, isSensitive, ...(digest === null ? {} : { digest }) }
  return () => new ZooKeeperClient(ports, options)
}

function isSensitive(path: string): boolean {
  return sensitivePaths.some((root) => path === root || path.startsWith(`${root}/`))
}

/** For a node with `zookeeper.connect`. @throws ZooKeeperSettingError */
export function quorumFor(ports: Ports, config: ServerConfig, zookeeper: ZooKeeperConfig, clusterId: string): ZooKeeperQuorum {
  const [own] = config.controllerAdvertisedListeners
  return new ZooKeeperQuorum(ports, {
    nodeId: config.nodeId,
    clusterId,
    listenerName: config.controllerListenerNames[0] ?? 'CONTROLLER',
    endpoint: { host: own?.host ?? '', port: own?.port ?? 0 },
    open: clientsOf(ports, zookeeper),
    onForeign: (error) =>
      void ports.clock.after(0, () => {
        throw error
      }),
  })
}

/** For a node with `zookeeper.connect`. @throws ZooKeeperSettingError */
export function observerFor(ports: Ports, config: ServerConfig, zookeeper: ZooKeeperConfig, clusterId: string): MetadataObserver {
  return new ZooKeeperObserver(ports, {
    nodeId: config.nodeId,
    clusterId,
    listenerName: config.controllerListenerNames[0] ?? 'CONTROLLER',
    connectionTimeoutMs: zookeeper.connectionTimeoutMs,
    open: clientsOf(ports, zookeeper),
  })
}
