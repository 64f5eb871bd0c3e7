import type { Timestamp } from '../base/units.ts'
import type { apis } from '../protocol/apis.ts'
import type { Draft, Message } from '../protocol/schema.ts'

/**
 * The APIs that a coordinator of groups answers, by their names in `apis`. Those that speak of several groups are asked for the groups of one
 * partition of `__consumer_offsets` at a time. OffsetFetch is asked and answered in the form of version 8 and later (`groups`), topics by name
 * and id as far as known; OffsetCommit has every topic's name, whatever the version of the request.
 */
export type GroupApi =
  | 'joinGroup'
  | 'syncGroup'
  | 'heartbeat'
  | 'leaveGroup'
  | 'offsetCommit'
  | 'offsetFetch'
  | 'offsetDelete'
  | 'deleteGroups'
  | 'listGroups'
  | 'describeGroups'
  | 'consumerGroupHeartbeat'
  | 'consumerGroupDescribe'

export interface RequestContext {
  /** Of the request: some rules differ between versions. */
  readonly version: number
  readonly clientId: string
  /** As Kafka writes it: '/' and the address. */
  readonly clientHost: string
}

export type GroupRequest<K extends GroupApi> = Message<(typeof apis)[K]['request']>
export type GroupResponse<K extends GroupApi> = Draft<(typeof apis)[K]['response']>

export interface ApiCommandOf<K extends GroupApi> {
  readonly api: K
  readonly request: GroupRequest<K>
  readonly context: RequestContext
}
export type ApiCommand = { [K in GroupApi]: ApiCommandOf<K> }[GroupApi]

/** This node coordinates the partition: the first command after `lead`. Sessions begin anew. */
export interface ActivateCommand {
  readonly api: 'activate'
}

/** The metadata of these topics has changed: made, deleted, or given partitions. */
export interface TopicsChangedCommand {
  readonly api: 'topicsChanged'
  readonly names: ReadonlySet<string>
}

/** Time to look for offsets and groups that have expired (`offsets.retention.check.interval.ms`). */
export interface ExpireCommand {
  readonly api: 'expire'
  readonly wallTime: Timestamp
}

export type InternalCommand = ActivateCommand | TopicsChangedCommand | ExpireCommand
export type GroupCommand = ApiCommand | InternalCommand

export interface ApiReplyOf<K extends GroupApi> {
  readonly api: K
  readonly response: GroupResponse<K>
}
export type ApiReply = { [K in GroupApi]: ApiReplyOf<K> }[GroupApi]
export interface InternalReply {
  readonly api: InternalCommand['api']
  readonly response: null
}
export type GroupReply = ApiReply | InternalReply
