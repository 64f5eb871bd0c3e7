import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupResponse } from '../commands.ts'
import type { Asked, Turn } from '../turn.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, noBytes, type Waiting } from './classic-member.ts'
import type { GroupMetadata } from './group-metadata.ts'

type JoinResponse = GroupResponse<'joinGroup'>

/** From this version on JoinGroup can say that there is no protocol; before, '' says so. */
const versionOfNullProtocol = 7
/** The member that was asked for is not named: it has to join as a new one. */
export const noMemberId = ''
const noGeneration = -1
const noLeader = ''

export function waitingOf({ ticket, context }: Pick<Asked<'joinGroup' | 'syncGroup'>, 'ticket' | 'context'>): Waiting {
  return { ticket, version: context.version }
}

/** `protocolName` is '' in any version, as it is for most errors in Kafka. */
export function refuseJoin(turn: Turn, to: Waiting, errorCode: ErrorCode, memberId: string): void {
  turn.answer(to.ticket, {
    api: 'joinGroup',
    response: { errorCode, generationId: noGeneration, protocolName: '', leader: noLeader, memberId, members: [] },
  })
}

/** As Kafka answers who is fenced or unknown: without a protocol, null where the version can say so. */
export function refuseMember(turn: Turn, to: Waiting, errorCode: ErrorCode, memberId: string): void {
  const protocolName = to.version >= versionOfNullProtocol ? null : ''
  turn.answer(to.ticket, {
    api: 'joinGroup',
    response: { errorCode, generationId: noGeneration, protocolName, leader: noLeader, memberId, members: [] },
  })
}

interface JoinAnswer {
  readonly memberId: string
  readonly leader: string | null
  /** Told to the leader alone. */
  readonly members?: JoinResponse['members']
  readonly skipAssignment?: boolean
}

/** The generation that `metadata` speaks of. */
export function answerJoin(
  turn: Turn,
  to: Waiting,
  metadata: GroupMetadata,
  { memberId, leader, members, skipAssignment }: JoinAnswer,
): void {
  const { generation, protocol, protocolType } = metadata
  turn.answer(to.ticket, {
    api: 'joinGroup',
    response: {
      errorCode: ErrorCode.NONE,
      generationId: generation,
      protocolType,
      protocolName: protocol ?? (to.version >= versionOfNullProtocol ? null : ''),
      leader: leader ?? noLeader,
      memberId,
      members: members ?? [],
      // A version that does not know it assigns anew, which does no harm
      ...(skipAssignment === true ? { skipAssignment } : {}),
    },
  })
}

/** All members as the leader has to know them: with what they said for this protocol. */
export function joinedMembers(group: ClassicGroup, protocol: string | null): JoinResponse['members'] {
  return [...group.members.all()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: member.metadata(protocol),
  }))
}

/** To a member that asks again for the generation that it is in. */
export function answerPresentGeneration(turn: Turn, to: Waiting, group: ClassicGroup, memberId: string): void {
  const isLeader = group.state === 'CompletingRebalance' && group.isLeader(memberId)
  const members = isLeader ? joinedMembers(group, group.protocolName) : []
  answerJoin(turn, to, group.metadata, { memberId, leader: group.leaderId, members })
}

export function refuseSync(turn: Turn, to: Waiting, errorCode: ErrorCode): void {
  turn.answer(to.ticket, { api: 'syncGroup', response: { errorCode, assignment: noBytes } })
}

export function answerSync(turn: Turn, to: Waiting, metadata: GroupMetadata, assignment: Buffer): void {
  const { protocolType, protocol: protocolName } = metadata
  turn.answer(to.ticket, { api: 'syncGroup', response: { errorCode: ErrorCode.NONE, protocolType, protocolName, assignment } })
}

/** Whoever waits for this member's join or sync hears of the error instead. */
export function refuseWaiting(turn: Turn, group: ClassicGroup, member: ClassicMember, errorCode: ErrorCode, memberId: string): void {
  const join = group.members.releaseJoin(member)
  if (join !== null) refuseJoin(turn, join, errorCode, memberId)
  const sync = member.awaitingSync
  member.awaitingSync = null
  if (sync !== null) refuseSync(turn, sync, errorCode)
}

/** Everybody who waits for this group: it is not what they joined any more (conversion to the consumer protocol). */
export function refuseAllWaiting(turn: Turn, group: ClassicGroup, errorCode: ErrorCode): void {
  for (const member of group.members.all()) refuseWaiting(turn, group, member, errorCode, member.memberId)
}
