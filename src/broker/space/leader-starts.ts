import { grouped } from '../../base/grouped.ts'
import { DiskError, type Ports } from '../../base/ports.ts'
import type { Millis, NodeId } from '../../base/units.ts'
import { Peer, PeerError } from '../../client/peer.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { HostedPartition } from '../hosted-partition.ts'

const answerTimeoutMs: Millis = 2_000
/** ListOffsets' special timestamp. */
const earliest = -2

export interface LeaderStartsOptions {
  readonly brokerId: NodeId
  endpointOf(leader: NodeId): { readonly host: string; readonly port: number } | undefined
}

/**
 * Where the logs of leaders begin, for replicas that do not fetch for want of room: what was deleted there (DeleteRecords, retention) goes here too, or an
 * operator could make room on the leader alone.
 */
export class LeaderStarts {
  private readonly ports: Pick<Ports, 'clock' | 'network' | 'entropy'>
  private readonly options: LeaderStartsOptions
  private underWay = false

  constructor(ports: Pick<Ports, 'clock' | 'network' | 'entropy'>, options: LeaderStartsOptions) {
    this.ports = ports
    this.options = options
  }

  /** Asks for all of them, each leader once, and moves what has to. Who does not answer is asked again by who looks again. */
  async follow(partitions: readonly HostedPartition[]): Promise<void> {
    if (this.underWay) return
    this.underWay = true
    try {
      await Promise.all([...byLeader(partitions)].map(([leader, followed]) => this.ask(leader, followed)))
    } finally {
      this.underWay = false
    }
  }

  private async ask(leader: NodeId, followed: readonly HostedPartition[]): Promise<void> {
    const endpoint = this.options.endpointOf(leader)
    if (endpoint === undefined) return
    const { brokerId } = this.options
    const peer = new Peer(this.ports, { ...endpoint, clientId: `broker-${brokerId}-space` })
    const epochs = new Map(followed.map((it) => [it, it.replica.leaderEpoch]))
    try {
      const topics = followed.map((it) => ({
        name: it.topic,
        partitions: [{ partitionIndex: it.partition, currentLeaderEpoch: it.replica.leaderEpoch, timestamp: earliest }],
      }))
      const body = { replicaId: brokerId, isolationLevel: 0, topics }
      const response = await peer.request(apis.listOffsets, apis.listOffsets.versionMax, body, { timeoutMs: answerTimeoutMs })
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex, errorCode, offset } of partitions) {
          const partition = followed.find((it) => it.topic === name && it.partition === partitionIndex)
          if (errorCode !== ErrorCode.NONE || partition === undefined) continue
          if (partition.replica.role === 'follower' && partition.replica.leaderEpoch === epochs.get(partition)) startAt(partition, offset)
        }
      }
    } catch (error) {
      // A disk that fails is its directory's to tell
      if (!(error instanceof PeerError) && !(error instanceof DiskError)) throw error
    } finally {
      peer.close()
    }
  }
}

/** A leader's log begins at or below its high watermark. What is below it here is gone with this, whatever it was. */
function startAt(partition: HostedPartition, offset: number): void {
  if (offset <= partition.log.logStartOffset) return
  partition.tell({ type: 'leaderSaid', leaderEpoch: partition.replica.leaderEpoch, highWatermark: offset })
  partition.moveLogStart(Math.min(offset, partition.log.logEndOffset))
}

function byLeader(partitions: readonly HostedPartition[]): ReadonlyMap<NodeId, readonly HostedPartition[]> {
  const following = partitions.filter(({ replica }) => replica.role === 'follower' && replica.leader >= 0)
  return grouped(following, (it) => it.replica.leader)
}
