import type { Epoch, NodeId } from '../base/units.ts'
import type { RaftRequest } from '../raft/messages.ts'
import type { MetadataQuorum, QuorumEndpoint } from './metadata-quorum.ts'
import type { QuorumDescription, RaftOutcome, RaftVoter } from './raft-node-options.ts'

/** What a controller's listener can say of the metadata log to whoever asks: Fetch, FetchSnapshot, DescribeQuorum. */
export interface MetadataLogServer {
  readonly clusterId: string
  readonly listenerName: string
  /** With their endpoints, for DescribeQuorum. */
  readonly voters: readonly RaftVoter[]
  ask(request: RaftRequest, maxBytes: number): Promise<RaftOutcome>
  /** Null when this node does not lead. */
  describeQuorum(): QuorumDescription | null
  endpointOf(id: NodeId): QuorumEndpoint | null
}

/** What a controller runs on: who lets it lead, and what it serves to those who follow. */
export interface ControllerQuorum extends MetadataQuorum, MetadataLogServer {
  /** The highest that this node has heard of; -1 before the log is open. */
  readonly epoch: Epoch
  /** Whether Vote, BeginQuorumEpoch and EndQuorumEpoch are spoken. */
  readonly votes: boolean
  /** Null: nobody but the heartbeats tells who is alive. */
  readonly brokerSessions: BrokerSessions | null
  /** Whether this node leads in this epoch at this very moment: false as soon as another one may. */
  leads(epoch: Epoch): boolean
}

/** Brokers that a third party holds for dead or alive. Known to the leader alone. */
export interface BrokerSessions {
  /** Its session is over and it has not begun another. */
  isLost(broker: NodeId): boolean
  /** Called for each broker whose session ends, while this node leads. */
  onLost(listener: (broker: NodeId) => void): void
}
