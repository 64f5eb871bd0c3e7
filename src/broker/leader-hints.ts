import type { NodeId } from '../base/units.ts'
import type { ClusterImage } from '../metadata/image.ts'
import type { PartitionImage } from '../metadata/partition-image.ts'

export interface LeaderHint {
  readonly leaderId: NodeId
  readonly leaderEpoch: number
}

export interface NodeEndpoint {
  readonly nodeId: NodeId
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** What the version of the answer has room for: to tell more is an error, and would end the connection of an older client. */
export interface Sayable {
  readonly leaders: boolean
  readonly endpoints: boolean
}

const NO_HINT: LeaderHint = { leaderId: -1, leaderEpoch: -1 }

/** Gathers, for one answer, who leads the partitions that are not led here, and where those leaders listen (KIP-951). */
export class LeaderHints {
  private readonly imageNow: () => ClusterImage
  private readonly listenerName: string
  private readonly sayable: Sayable
  private readonly leaders = new Set<NodeId>()

  constructor(imageNow: () => ClusterImage, listenerName: string, sayable: Sayable) {
    this.imageNow = imageNow
    this.listenerName = listenerName
    this.sayable = sayable
  }

  note(partition: PartitionImage): LeaderHint {
    if (!this.sayable.leaders) return NO_HINT
    if (partition.leader >= 0) this.leaders.add(partition.leader)
    return { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch }
  }

  /** Leaders that have this listener; others a client learns of from Metadata. */
  endpoints(): readonly NodeEndpoint[] {
    if (!this.sayable.endpoints) return []
    const found: NodeEndpoint[] = []
    for (const id of this.leaders) {
      const broker = this.imageNow().brokers.byId(id)
      const endpoint = broker?.endpoints.find((it) => it.name === this.listenerName)
      if (broker !== undefined && endpoint !== undefined)
        found.push({ nodeId: id, host: endpoint.host, port: endpoint.port, rack: broker.rack })
    }
    return found
  }
}
