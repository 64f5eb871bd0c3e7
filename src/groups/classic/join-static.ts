import { assert } from '../../base/assert.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { answerJoin, joinedMembers, refuseMember, refuseSync, waitingOf } from './answers.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import type { JoinTerms } from './classic-members.ts'
import { fits, groupMetadataRecord, replacedMetadata } from './group-metadata.ts'
import { maybeCompleteJoin, prepareRebalance } from './rebalance.ts'
import { endSession, keepMember } from './session.ts'

/** From this version on the leader is told that it is the leader, and that it must not assign anew (KIP-814). */
const versionOfSkipAssignment = 9

interface StaticRejoin {
  readonly asked: Asked<'joinGroup'>
  /** Who has the instance id until now. */
  readonly old: ClassicMember
  readonly newMemberId: string
  readonly terms: JoinTerms
}

/**
 * A static member has come back without the id it had (KIP-345): it is the same member under a new id, and whoever uses the old one is fenced. In a
 * stable group nothing else changes, unless the choice of the protocol does; so a restart within the session costs the others nothing.
 */
export function rejoinStatic(state: GroupsState, turn: Turn, group: ClassicGroup, rejoin: StaticRejoin): void {
  const { asked, old, newMemberId, terms } = rejoin
  const leaderBefore = group.leaderId
  fence(turn, group, old)
  endSession(state, group.groupId, old.memberId)
  const member = group.replaceStatic(old, newMemberId)
  group.members.update(member, terms)
  keepMember(state, turn.now, group.groupId, member)
  if (group.state === 'Stable' && group.members.selectProtocol() === group.protocolName) {
    const record = groupMetadataRecord(group.groupId, replacedMetadata(group))
    if (fits(record, state.world.settings.recordBatchBytesMax)) {
      turn.write(record)
      return answerStable(turn, group, asked, { memberId: newMemberId, leaderBefore })
    }
  }
  group.members.awaitJoin(member, waitingOf(asked))
  assert(!group.isEmpty, `${group.groupId}: a static member of an empty group`)
  // In CompletingRebalance the leader may be assigning to the old id at this moment
  if (group.state === 'PreparingRebalance') maybeCompleteJoin(state, turn, group)
  else prepareRebalance(state, turn, group)
}

function fence(turn: Turn, group: ClassicGroup, old: ClassicMember): void {
  const join = group.members.releaseJoin(old)
  if (join !== null) refuseMember(turn, join, ErrorCode.FENCED_INSTANCE_ID, old.memberId)
  const sync = old.awaitingSync
  old.awaitingSync = null
  if (sync !== null) refuseSync(turn, sync, ErrorCode.FENCED_INSTANCE_ID)
}

/**
 * A leader that cannot be told to skip the assignment is told of the leader before it, itself under its old id: so it takes itself for a follower, and
 * gets what it had.
 */
function answerStable(
  turn: Turn,
  group: ClassicGroup,
  asked: Asked<'joinGroup'>,
  { memberId, leaderBefore }: { readonly memberId: string; readonly leaderBefore: string | null },
): void {
  const to = waitingOf(asked)
  if (to.version < versionOfSkipAssignment) return answerJoin(turn, to, group.metadata, { memberId, leader: leaderBefore })
  const isLeader = group.isLeader(memberId)
  const members = isLeader ? joinedMembers(group, group.protocolName) : []
  answerJoin(turn, to, group.metadata, { memberId, leader: group.leaderId, members, skipAssignment: isLeader })
}
