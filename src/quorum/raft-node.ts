import type { Ports } from '../base/ports.ts'
import type { Epoch, NodeId, Offset, Uuid } from '../base/units.ts'
import type { MetadataQuorum, QuorumLeader, QuorumListener } from './metadata-quorum.ts'

/** One entry of `controller.quorum.voters`. */
export interface RaftVoter {
  readonly id: NodeId
  readonly host: string
  readonly port: number
}

export interface RaftNodeOptions {
  readonly nodeId: NodeId
  readonly clusterId: string
  /** `directory.id` of meta.properties of the metadata log directory; NO_UUID for an observer in memory. */
  readonly directoryId: Uuid
  readonly voters: readonly RaftVoter[]
  /** A voter keeps its log in `<directory>/__cluster_metadata-0`; null: an observer, whose log is in memory only. */
  readonly directory: string | null
  /** Name of the controller listener, as `controller.listener.names`. */
  readonly listenerName: string
  /** `controller.quorum.fetch.timeout.ms` */
  readonly fetchTimeoutMs?: number
  /** `controller.quorum.election.timeout.ms` */
  readonly electionTimeoutMs?: number
  /** `controller.quorum.election.backoff.max.ms` */
  readonly electionBackoffMaxMs?: number
  /** `controller.quorum.request.timeout.ms` */
  readonly requestTimeoutMs?: number
  /** `metadata.log.segment.bytes` */
  readonly segmentBytes?: number
}

/** KRaft: `MetadataQuorum` over a Raft machine. Its request handlers are made by `raftHandlers(node)` in raft-handlers.ts. */
export class RaftNode implements MetadataQuorum {
  readonly leader: QuorumLeader = { id: -1, epoch: 0, endpoint: null }
  readonly highWatermark: Offset = 0
  readonly logEndOffset: Offset = 0
  readonly bytesSinceSnapshot: number = 0
  protected readonly ports: Ports
  protected readonly options: RaftNodeOptions

  constructor(ports: Ports, options: RaftNodeOptions) {
    this.ports = ports
    this.options = options
  }

  start(listener: QuorumListener): Promise<void> {
    return Promise.reject(new Error(`${this.options.nodeId}: not yet ${typeof listener}`))
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }

  append(epoch: Epoch, values: readonly Buffer[]): Offset | null {
    return epoch < 0 || values.length === 0 ? null : null
  }

  resign(_epoch: Epoch): void {}

  writeSnapshot(_endOffset: Offset, _batches: Iterable<readonly Buffer[]>): Promise<void> {
    return Promise.resolve()
  }

  redeliver(): void {}
}
