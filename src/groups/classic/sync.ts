import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupRequest } from '../commands.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { answerSync, refuseSync, waitingOf } from './answers.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import { assignedMetadata, fits, groupMetadataRecord } from './group-metadata.ts'
import { abortSyncs, prepareRebalance } from './rebalance.ts'
import { keepMember, syncKey } from './session.ts'

type Sync = Asked<'syncGroup'>

/** SyncGroup 0 to 5: the leader brings the assignments of all, everybody is given its own once the log has them. Followers wait for the leader. */
export function syncGroup(state: GroupsState, turn: Turn, asked: Sync): void {
  const { request } = asked
  const to = waitingOf(asked)
  if (request.groupId === '') return refuseSync(turn, to, ErrorCode.INVALID_GROUP_ID)
  const group = state.groups.get(request.groupId)
  if (group?.type !== 'classic' || group.isEmpty) return refuseSync(turn, to, ErrorCode.UNKNOWN_MEMBER_ID)
  const error = errorOf(group, request)
  const member = group.members.get(request.memberId)
  if (error !== ErrorCode.NONE || member === undefined) return refuseSync(turn, to, error)
  if (group.state === 'PreparingRebalance') return refuseSync(turn, to, ErrorCode.REBALANCE_IN_PROGRESS)
  hasSynced(state, group, member)
  if (group.state === 'Stable') return answerSync(turn, to, group.metadata, member.assignment)
  awaitSync(turn, member, asked)
  if (group.isLeader(member.memberId)) assign(state, turn, group, request.assignments)
}

function errorOf(group: ClassicGroup, request: GroupRequest<'syncGroup'>): ErrorCode {
  const unknown = group.members.validate(request.memberId, request.groupInstanceId)
  if (unknown !== ErrorCode.NONE) return unknown
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  const { protocolType, protocolName } = request
  if (protocolType !== null && protocolType !== group.protocolType) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  return protocolName !== null && protocolName !== group.protocolName ? ErrorCode.INCONSISTENT_GROUP_PROTOCOL : ErrorCode.NONE
}

function hasSynced({ deadlines }: GroupsState, { groupId, members }: ClassicGroup, { memberId }: ClassicMember): void {
  members.pendingSync.delete(memberId)
  if (members.pendingSync.size === 0) deadlines.cancel(syncKey(groupId))
}

function awaitSync(turn: Turn, member: ClassicMember, asked: Sync): void {
  // Only who asked last is waited for, as with joins
  if (member.awaitingSync !== null) refuseSync(turn, member.awaitingSync, ErrorCode.REBALANCE_IN_PROGRESS)
  member.awaitingSync = waitingOf(asked)
}

/** Members that the leader has forgotten are assigned nothing; what it assigns to others is dropped. */
function assign(state: GroupsState, turn: Turn, group: ClassicGroup, assignments: GroupRequest<'syncGroup'>['assignments']): void {
  const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)]))
  const metadata = assignedMetadata(group, byMember, state.world.wallTime())
  const record = groupMetadataRecord(group.groupId, metadata)
  if (!fits(record, state.world.settings.recordBatchBytesMax)) {
    abortSyncs(state, turn, group, ErrorCode.UNKNOWN_SERVER_ERROR)
    return prepareRebalance(state, turn, group)
  }
  turn.write(record)
  for (const { memberId, assignment } of metadata.members) {
    const member = group.members.get(memberId)
    const sync = member?.awaitingSync ?? null
    if (member === undefined || sync === null) continue
    member.awaitingSync = null
    answerSync(turn, sync, metadata, assignment)
    // Its session may have ended while it waited, which was passed over then
    keepMember(state, turn.now, group.groupId, member)
  }
}
