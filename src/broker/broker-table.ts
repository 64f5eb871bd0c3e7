import type { DiskError, Ports } from '../base/ports.ts'
import type { DirectoryIdentity } from '../log/log-directory.ts'
import type { FetchSessions } from '../replication/fetch-sessions.ts'
import { type HandlerTable, handlerTable } from '../server/handlers.ts'
import type { ControllerChannel } from './controller-channel.ts'
import type { GroupCoordinator } from './coordinators/group-coordinator.ts'
import { fetchHandler } from './fetching/fetch.ts'
import type { Gate } from './gate.ts'
import { brokerHandlers } from './handlers/broker-handlers.ts'
import type { ServedDirectory } from './handlers/context.ts'
import type { GroupHandlersContext } from './handlers/groups/context.ts'
import type { HostedPartition } from './hosted-partition.ts'
import type { HostedPartitions } from './hosted-partitions.ts'
import type { BrokerLifecycle } from './membership/lifecycle.ts'
import type { MetadataView } from './metadata-view.ts'
import type { ReplicaMoves } from './moves/replica-moves.ts'
import { produceHandler } from './produce.ts'
import type { SettingsOfTopics } from './topic-settings.ts'
import type { WakeQueue } from './wake-queue.ts'

/** What of a broker its handlers work with. */
export interface BrokerParts {
  readonly ports: Ports
  readonly identity: DirectoryIdentity
  readonly view: MetadataView
  readonly settings: SettingsOfTopics
  readonly hosted: HostedPartitions
  readonly sessions: FetchSessions
  readonly channel: ControllerChannel
  readonly lifecycle: BrokerLifecycle
  readonly groups: GroupCoordinator
  readonly gate: Gate
  readonly wakeQueue: WakeQueue
  readonly directories: readonly ServedDirectory[]
  readonly moves: ReplicaMoves
  onDiskError(partition: HostedPartition, error: DiskError): void
}

/** All that a broker's listeners answer; requests wait at the gate until the broker is in service. */
export function brokerTable(parts: BrokerParts): HandlerTable {
  const { ports, view, hosted, sessions, settings, wakeQueue } = parts
  const shared = {
    clock: ports.clock,
    log: ports.log,
    wakeQueue,
    hosted,
    sessions,
    settings,
    fetchMaxBytes: view.config.fetchMaxBytes,
    replicaFetchMaxBytes: view.config.replicaFetchResponseMaxBytes,
    get image() {
      return view.image
    },
    onDiskError: (partition: HostedPartition, error: DiskError) => parts.onDiskError(partition, error),
  }
  const others = brokerHandlers(contextOf(parts), () => table)
  const table: HandlerTable = handlerTable(parts.gate.guard({ ...others, produce: produceHandler(shared), fetch: fetchHandler(shared) }))
  return table
}

function contextOf({
  ports,
  identity,
  view,
  settings,
  hosted,
  channel,
  lifecycle,
  groups,
  directories,
  moves,
}: BrokerParts): GroupHandlersContext {
  return {
    brokerId: view.config.nodeId,
    clusterId: identity.clusterId,
    get image() {
      return view.image
    },
    get metadataOffset() {
      return view.appliedOffset
    },
    get config() {
      return view.config
    },
    get layers() {
      return settings.layers()
    },
    get brokerEpoch() {
      return lifecycle.brokerEpoch
    },
    clock: ports.clock,
    entropy: ports.entropy,
    log: ports.log,
    controller: channel,
    partition: (topic, partition) => hosted.byName(topic, partition),
    directories,
    moveReplica: (topic, partition, path) => moves.request(topic, partition, path),
    groups,
  }
}
