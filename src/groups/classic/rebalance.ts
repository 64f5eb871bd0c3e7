import { assert } from '../../base/assert.ts'
import type { Millis } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { answerJoin, joinedMembers, noMemberId, refuseSync, refuseWaiting } from './answers.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, noBytes } from './classic-member.ts'
import { begunMetadata, emptiedMetadata, fits, type GroupMetadata, groupMetadataRecord } from './group-metadata.ts'
import { askedKey, endSession, joinKey, keepMember, syncKey } from './session.ts'

/** Until what could not be written is tried again, where the group's own timeouts say nothing. */
const retryMs: Millis = 1_000

/** Who is removed is told so if it waits for an answer (a consumer joins again as a new member then), and has no session any more. */
export function removeMember(state: GroupsState, turn: Turn, group: ClassicGroup, member: ClassicMember): void {
  refuseWaiting(turn, group, member, ErrorCode.UNKNOWN_MEMBER_ID, noMemberId)
  group.remove(member.memberId)
  endSession(state, group.groupId, member.memberId)
}

/** The members have changed: a rebalance begins, or the one that is being prepared may have what it waits for. */
export function rebalanceOrCompleteJoin(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  if (group.canRebalance) prepareRebalance(state, turn, group)
  else maybeCompleteJoin(state, turn, group)
}

/**
 * All members have to join again. A group that was empty gives others time to come (`group.initial.rebalance.delay.ms`), any other goes on as soon as
 * all have joined, or after the longest of their rebalance timeouts.
 */
export function prepareRebalance(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  const { deadlines, world } = state
  const { groupId, members } = group
  if (group.state === 'CompletingRebalance') abortSyncs(state, turn, group, ErrorCode.REBALANCE_IN_PROGRESS)
  deadlines.cancel(syncKey(groupId))
  // Whoever asked for one has it: its deadline would end the join phase of this one
  deadlines.cancel(askedKey(groupId))
  const isInitial = group.isEmpty
  group.becomePreparing()
  if (!isInitial) {
    if (members.allJoined) completeJoin(state, turn, group)
    else awaitJoins(state, turn, group)
    return
  }
  const delayMs = world.settings.groupInitialRebalanceDelayMs
  group.initialJoin = { delayMs, remainingMs: Math.max(members.rebalanceTimeoutMs() - delayMs, 0) }
  deadlines.set(joinKey(groupId), turn.now + delayMs, { kind: 'classicInitialJoin', groupId })
}

function awaitJoins({ deadlines }: GroupsState, turn: Turn, { groupId, members }: ClassicGroup): void {
  deadlines.set(joinKey(groupId), turn.now + members.rebalanceTimeoutMs(), { kind: 'classicRebalance', groupId })
}

/** Nobody is assigned anything in this generation: who waits for it hears of the error, and its session begins anew. */
export function abortSyncs(state: GroupsState, turn: Turn, group: ClassicGroup, error: ErrorCode): void {
  assert(group.state === 'CompletingRebalance', `${group.groupId}: no sync can be awaited while ${group.state}`)
  for (const member of group.members.all()) {
    member.assignment = noBytes
    const sync = member.awaitingSync
    if (sync === null) continue
    member.awaitingSync = null
    refuseSync(turn, sync, error)
    keepMember(state, turn.now, group.groupId, member)
  }
}

/** Does nothing while the initial rebalance waits for more members. */
export function maybeCompleteJoin(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  if (group.state === 'PreparingRebalance' && group.initialJoin === null && group.members.allJoined) completeJoin(state, turn, group)
}

/** The delay of an initial rebalance is over: once more the delay if members came meanwhile, as far as their rebalance timeout goes. */
export function endInitialDelay(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  const { initialJoin, groupId } = group
  assert(initialJoin !== null, `${groupId}: no initial rebalance has a delay that could end`)
  if (!group.newMemberAdded || initialJoin.remainingMs === 0) return completeJoin(state, turn, group)
  group.newMemberAdded = false
  const delayMs = Math.min(state.world.settings.groupInitialRebalanceDelayMs, initialJoin.remainingMs)
  group.initialJoin = { delayMs, remainingMs: Math.max(initialJoin.remainingMs - initialJoin.delayMs, 0) }
  state.deadlines.set(joinKey(groupId), turn.now + delayMs, { kind: 'classicInitialJoin', groupId })
}

/**
 * Nobody is waited for any longer: the next generation begins with whoever has joined, and with static members even if they have not. Without anybody
 * the group is empty from now on. If nobody but absent static members is there, they are waited for until their sessions end
 * (GroupMetadataManager.completeClassicGroupJoin).
 */
export function completeJoin(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  assert(group.state === 'PreparingRebalance', `${group.groupId}: no join can be completed while ${group.state}`)
  const absent = [...group.members.all()].filter((member) => member.awaitingJoin === null && !member.isStatic)
  for (const member of absent) removeMember(state, turn, group, member)
  if (group.members.size === 0) return becomeEmpty(state, turn, group)
  if (!group.electJoinedLeader()) return tryAgain(state, turn, group)
  beginGeneration(state, turn, group)
}

/** A client's rebalance timeout may be nothing at all, and this may have to be tried until a session ends. */
function tryAgain({ deadlines }: GroupsState, turn: Turn, { groupId, members }: ClassicGroup): void {
  deadlines.set(joinKey(groupId), turn.now + Math.max(members.rebalanceTimeoutMs(), retryMs), { kind: 'classicRebalance', groupId })
}

function becomeEmpty(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  tryAgain(state, turn, group)
  turn.write(groupMetadataRecord(group.groupId, emptiedMetadata(group, state.world.wallTime())))
}

function beginGeneration(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  const { groupId, members, leaderId } = group
  const metadata = begunMetadata(group, state.world.wallTime())
  for (const member of members.all()) {
    const join = members.releaseJoin(member)
    const told = member.memberId === leaderId ? joinedMembers(group, metadata.protocol) : []
    if (join !== null) answerJoin(turn, join, metadata, { memberId: member.memberId, leader: leaderId, members: told })
    member.isNew = false
    keepMember(state, turn.now, groupId, member)
  }
  awaitSyncs(state, turn, group)
  writeOrTakeOver(state, turn, group, metadata)
}

/** Members that have not synced after the longest rebalance timeout are removed. */
export function awaitSyncs({ deadlines }: GroupsState, turn: Turn, { groupId, members }: ClassicGroup): void {
  deadlines.set(syncKey(groupId), turn.now + members.rebalanceTimeoutMs(), { kind: 'classicPendingSync', groupId })
}

/** A generation too large to be written begins without: the leader's sync will be refused for the same reason, as it is in Kafka. */
function writeOrTakeOver(state: GroupsState, turn: Turn, group: ClassicGroup, metadata: GroupMetadata): void {
  const record = groupMetadataRecord(group.groupId, metadata)
  if (fits(record, state.world.settings.recordBatchBytesMax)) {
    // Should the record come to nothing: its replay takes the deadline away
    tryAgain(state, turn, group)
    turn.write(record)
  } else {
    state.deadlines.cancel(joinKey(group.groupId))
    group.takeOver(metadata, false)
  }
}

/** A rebalance begins at the next wake: for a group whose record is only about to be replayed (conversion from the consumer protocol). */
export function askForRebalance({ deadlines }: GroupsState, turn: Turn, groupId: string): void {
  deadlines.set(askedKey(groupId), turn.now, { kind: 'classicRebalance', groupId })
}
