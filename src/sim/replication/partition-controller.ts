import type { Epoch, NodeId } from '../../base/units.ts'
import type { IsrAnswer, PartitionEffect } from '../../replication/partition-replica.ts'

export interface Registration {
  readonly brokerEpoch: number
  readonly fenced: boolean
}

/** All that metadata says at one moment. */
export interface Image {
  readonly leader: NodeId
  readonly leaderEpoch: Epoch
  readonly partitionEpoch: Epoch
  readonly isr: readonly NodeId[]
  readonly elr: readonly NodeId[]
  readonly brokers: ReadonlyMap<NodeId, Registration>
}

export type Proposal = Extract<PartitionEffect, { readonly type: 'proposeIsr' }>

/** What the simulation asks of a controller of one partition. Every change is an image in `history`; brokers learn them in order, each at its own pace. */
export interface PartitionController {
  readonly history: readonly Image[]
  readonly image: Image
  readonly replicas: readonly NodeId[]
  /** A new incarnation of a broker; it has lost something, or not. Returns its epoch. */
  register(id: NodeId, lossy: boolean): number
  fence(id: NodeId): void
  /** No effect in another broker epoch. */
  unfence(id: NodeId, brokerEpoch: number): void
  /** Makes another member of the ISR the leader, for no reason. */
  move(to: NodeId): void
  alterPartition(from: NodeId, brokerEpoch: number, proposal: Proposal): IsrAnswer
}
