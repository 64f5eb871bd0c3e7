import type { Timestamp } from '../base/units.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { ClassicGroup } from './classic/classic-group.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import type { GroupRecord } from './records/fact.ts'

/** Who commits or fetches offsets, as the request says. */
export interface OffsetsCaller {
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** A generation in the classic protocol, a member epoch in the consumer protocol; negative: nobody's member. */
  readonly generationIdOrMemberEpoch: number
  /** Of the request. */
  readonly version: number
}

/** One partition of a commit, for the rule of KIP-1251 that an older epoch may still commit what it owned. */
export interface OffsetsTarget {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/**
 * What the rest of the coordinator may ask of a group, whatever its protocol (org.apache.kafka.coordinator.group.Group). None of these changes
 * anything; errors are those that the request is answered with.
 */
export interface AnyGroup {
  readonly groupId: string
  readonly type: 'classic' | 'consumer'
  /** As ListGroups tells it: 'Stable', 'Empty', 'PreparingRebalance', 'CompletingRebalance', 'Dead', 'Assigning', 'Reconciling'. */
  readonly stateName: string
  readonly protocolType: string
  readonly isEmpty: boolean
  /** NONE: the caller may commit (for classic groups also whether the state allows it). `target` null: what holds for all partitions. */
  commitError(caller: OffsetsCaller, target: OffsetsTarget | null): ErrorCode
  fetchError(memberId: string | null, memberEpoch: number): ErrorCode
  /** Whether offsets of the group may be deleted at all (GROUP_ID_NOT_FOUND for a dead one …); partitions of subscribed topics are refused one by one. */
  offsetDeleteError(): ErrorCode
  isSubscribedTo(topic: string): boolean
  /** NONE: the group may be deleted. NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND */
  deleteError(): ErrorCode
  /** Tombstones of all that the group itself has written; offsets are not among it. */
  tombstones(): readonly GroupRecord[]
  /** Since when offsets may expire (KIP-211): null when those of unsubscribed topics do by their commit time; see offsets/expiry. */
  readonly expiryBasis: ExpiryBasis
}

/**
 * From when on the retention of an offset counts (OffsetExpirationCondition): the time of its commit ('commit'), or the later of that and the time
 * at which the group became empty ('emptySince').
 */
export type ExpiryBasis = { readonly kind: 'commit' } | { readonly kind: 'emptySince'; readonly at: Timestamp } | { readonly kind: 'never' }

export type Group = ClassicGroup | ConsumerGroup
