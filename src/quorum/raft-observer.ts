import type { Ports } from '../base/ports.ts'
import { NO_UUID } from '../base/units.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { MetadataObserver } from './metadata-observer.ts'
import { RaftNode } from './raft-node.ts'

/** A broker as an observer of the KRaft quorum: with the log in memory, and nobody but the controller to watch over it. */
export function raftObserver(ports: Ports, config: ServerConfig, clusterId: string): MetadataObserver {
  const node = new RaftNode(ports, {
    // A voter of the same id runs beside this broker: as an observer it must not be taken for it
    nodeId: config.processRoles.includes('controller') ? -1 : config.nodeId,
    clusterId,
    directoryId: NO_UUID,
    voters: config.controllerQuorumVoters,
    directory: null,
    listenerName: config.controllerListenerNames[0] ?? 'CONTROLLER',
    fetchTimeoutMs: config.controllerQuorumFetchTimeoutMs,
    requestTimeoutMs: config.controllerQuorumRequestTimeoutMs,
  })
  return {
    get leader() {
      return node.leader
    },
    sessionUntil: Infinity,
    start: (listener) => node.start(listener),
    stop: () => node.stop(),
    onRegistered: () => {},
  }
}
