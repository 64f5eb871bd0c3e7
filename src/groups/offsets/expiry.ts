import type { Millis, Timestamp } from '../../base/units.ts'
import type { ExpiryBasis, Group } from '../group.ts'
import type { GroupRecord } from '../records/fact.ts'
import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { BatchRoom } from './record-size.ts'
import { offsetTombstone } from './tombstones.ts'
import type { CommittedOffset } from './topic-offsets.ts'

/** Between the batches of one clean-up: commits and heartbeats come first. */
export const cleanupPauseMs: Millis = 20
const noTimestamp: Timestamp = -1

/**
 * Offsets that have expired, and groups with nobody and nothing in them (KIP-211; GroupCoordinatorShard.cleanupGroupMetadata). An offset expires
 * `offsets.retention.minutes` after its commit, in an empty group after the group became empty if that was later; at its own time if its commit
 * named one. It does not while the group is subscribed to its topic, nor while a transaction that has not ended has committed one for its partition.
 *
 * Writes one batch; if that is full, the other groups come in turns of their own, soon.
 */
export function expireOffsets(state: GroupsState, turn: Turn, wallTime: Timestamp): void {
  expireIn(state, turn, [...state.groups.keys()], wallTime)
}

/** As expireOffsets, of these groups. */
export function expireIn(state: GroupsState, turn: Turn, groupIds: readonly string[], wallTime: Timestamp): void {
  const room = new BatchRoom(state.world.settings.recordBatchBytesMax)
  for (const [i, groupId] of groupIds.entries()) {
    const group = state.groups.get(groupId)
    if (group === undefined || expireGroup(state, turn, room, group, wallTime)) continue
    // Not even an empty batch has room for it: nor will it later
    if (turn.records.length === 0) continue
    const due = { kind: 'offsetsExpiry', groupIds: groupIds.slice(i) } as const
    state.deadlines.set('offsets/expiry', turn.now + cleanupPauseMs, due)
    return
  }
}

/** False when the batch is full. */
function expireGroup(state: GroupsState, turn: Turn, room: BatchRoom, group: Group, wallTime: Timestamp): boolean {
  const { groupId } = group
  let left = state.offsets.isPendingInGroup(groupId)
  for (const { topic, partition, isExpired } of offsetsOf(state, group, wallTime)) {
    left ||= !isExpired
    if (!isExpired) continue
    if (!write(turn, room, [offsetTombstone(groupId, topic, partition)])) return false
  }
  return left || !group.isEmpty || write(turn, room, group.tombstones())
}

interface OffsetVerdict {
  readonly topic: string
  readonly partition: number
  readonly isExpired: boolean
}

function* offsetsOf(state: GroupsState, group: Group, wallTime: Timestamp): Generator<OffsetVerdict> {
  const { groupId, expiryBasis: basis } = group
  const { offsetsRetentionMs } = state.world.settings
  for (const [topic, offsets] of state.offsets.topicsOf(groupId)) {
    const isKept = basis.kind === 'never' || group.isSubscribedTo(topic)
    for (const [partition, committed] of offsets.entries()) {
      const isExpired =
        !isKept && wallTime >= expiresAt(committed, basis, offsetsRetentionMs) && !state.offsets.isPending(groupId, topic, partition)
      yield { topic, partition, isExpired }
    }
  }
}

function expiresAt({ commitTimestamp, expireTimestamp }: CommittedOffset, basis: ExpiryBasis, offsetsRetentionMs: Millis): Timestamp {
  if (expireTimestamp !== noTimestamp) return expireTimestamp
  switch (basis.kind) {
    case 'commit':
      return commitTimestamp + offsetsRetentionMs
    case 'emptySince':
      return Math.max(commitTimestamp, basis.at) + offsetsRetentionMs
    case 'never':
      return Infinity
  }
}

function write(turn: Turn, room: BatchRoom, records: readonly GroupRecord[]): boolean {
  if (!room.take(records)) return false
  for (const record of records) turn.write(record)
  return true
}
