import type { Prng } from '../../base/prng.ts'
import type { Millis, NodeId, Offset } from '../../base/units.ts'
import type { FetchRequest, FetchResponse } from '../../protocol/messages/fetch.ts'
import type { PartitionEffect } from '../../replication/partition-replica.ts'
import type { Proposal } from './partition-controller.ts'
import type { SimulatedBroker } from './simulated-broker.ts'

export interface BrokerOptions {
  readonly replicaLagTimeMaxMs: Millis
  readonly fetchWaitMs: Millis
  readonly sessionSlots: number
  readonly batch: number
  readonly minIsr: number
}

/** What a broker may ask of the world it lives in, and what it tells its judge. */
export interface BrokerWorld {
  readonly now: Millis
  readonly prng: Prng
  readonly options: BrokerOptions
  /** Calls back unless the broker is another incarnation by then. */
  after(broker: SimulatedBroker, delay: Millis, run: () => void): void
  sendFetch(from: SimulatedBroker, to: NodeId, request: FetchRequest, answered: (answer: FetchResponse | null) => void): void
  sendProposal(from: SimulatedBroker, proposal: Proposal): void
  onEffect(broker: SimulatedBroker, effect: PartitionEffect): void
  onAppend(broker: SimulatedBroker, asLeader: boolean): void
  onTruncate(broker: SimulatedBroker, before: Offset, highWatermark: Offset): void
}
