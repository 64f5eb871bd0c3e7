import type { NodeId, Offset } from '../base/units.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import type { SilentNode } from './brokers/sessions.ts'
import type { apis } from '../protocol/apis.ts'
import type { Draft, Message } from '../protocol/schema.ts'

/** The APIs that the controller answers, by their name in `apis`. Raft's own, ApiVersions, DescribeConfigs and Envelope are the node's business. */
export type ControllerApi =
  | 'createTopics'
  | 'deleteTopics'
  | 'createPartitions'
  | 'alterConfigs'
  | 'incrementalAlterConfigs'
  | 'electLeaders'
  | 'alterPartitionReassignments'
  | 'listPartitionReassignments'
  | 'alterPartition'
  | 'updateFeatures'
  | 'describeCluster'
  | 'brokerRegistration'
  | 'brokerHeartbeat'
  | 'unregisterBroker'
  | 'allocateProducerIds'
  | 'controllerRegistration'
  | 'assignReplicasToDirs'

export interface RequestContext {
  /** Of the request: some rules differ between versions. */
  readonly version: number
  /** Name of the listener it came by; of the controllers' endpoints those of the same name are given. */
  readonly listener: string
}

export type ControllerRequest<K extends ControllerApi> = Message<(typeof apis)[K]['request']>
export type ControllerResponse<K extends ControllerApi> = Draft<(typeof apis)[K]['response']>

export type ApiCommand = {
  [K in ControllerApi]: { readonly api: K; readonly request: ControllerRequest<K>; readonly context: RequestContext }
}[ControllerApi]

/** This node has become the active controller: the first command after `lead`. `bootstrap`: records for an empty log, from the formatted directory. */
export interface ActivateCommand {
  readonly api: 'activate'
  readonly bootstrap: readonly MetadataRecord[] | null
  /** The node whose controller led before and was deposed for its silence; a broker of the same id is taken to be as silent. */
  readonly silent?: SilentNode | null
}

/** Proof that the process of a broker is gone (its listener refuses connections): it need not be waited for. No effect in another epoch. */
export interface FenceCommand {
  readonly api: 'fence'
  readonly brokerId: NodeId
  readonly brokerEpoch: Offset
  readonly why: string
}

/** The connection over which a broker sent heartbeats is closed. Proves nothing, but a new incarnation need not wait for the old one's session. */
export interface BrokerConnectionLostCommand {
  readonly api: 'brokerConnectionLost'
  readonly brokerId: NodeId
  readonly brokerEpoch: Offset
}

export type InternalCommand = ActivateCommand | FenceCommand | BrokerConnectionLostCommand
export type ControllerCommand = ApiCommand | InternalCommand

export type ApiReply = {
  [K in ControllerApi]: {
    readonly api: K
    readonly response: ControllerResponse<K>
    /** The node is not the active controller, or stopped being it before the outcome was known: an Envelope says so at its own level. */
    readonly notController?: true
  }
}[ControllerApi]

export interface InternalReply {
  readonly api: InternalCommand['api']
  readonly response: {
    /** Whether it had an effect. */
    readonly done: boolean
  }
  readonly notController?: true
}

export type ControllerReply = ApiReply | InternalReply
