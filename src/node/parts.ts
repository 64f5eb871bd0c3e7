import type { Ports } from '../base/ports.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { ThreadStart } from './controller-messages.ts'

/** A broker or a controller. */
export interface NodePart {
  /** Resolves when it serves; rejects with NetworkError, DiskError or StartProblem when it cannot. */
  start(): Promise<void>
  /** An orderly stop. Idempotent. */
  stop(): Promise<void>
}

// Loaded when needed: a node loads only the roles that it has, and each thread only its own.

export async function makeController(ports: Ports, start: ThreadStart): Promise<NodePart> {
  const [{ ControllerNode }, { configRules }] = await Promise.all([
    import('../quorum/controller-node.ts'),
    import('../config/config-rules.ts'),
  ])
  const options = { ...start, rules: configRules(start.config.given) }
  const { zookeeper } = start.config
  if (zookeeper === null) return new ControllerNode(ports, options)
  const { quorumFor } = await import('../quorum/zookeeper/for-node.ts')
  return new ControllerNode(ports, { ...options, quorum: quorumFor(ports, start.config, zookeeper, start.identity.clusterId) })
}

/** `onFatal`: the broker cannot go on. @throws DirectoryProblem */
export async function makeBroker(ports: Ports, config: ServerConfig, onFatal: (reason: string) => void): Promise<NodePart> {
  const { BrokerNode } = await import('../broker/broker-node.ts')
  const { zookeeper } = config
  if (zookeeper === null) return new BrokerNode(ports, config, { onFatal })
  const { observerFor } = await import('../quorum/zookeeper/for-node.ts')
  return new BrokerNode(ports, config, { onFatal, observe: (clusterId) => observerFor(ports, config, zookeeper, clusterId) })
}
