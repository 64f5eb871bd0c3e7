import type { Entropy } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { stringBytesMax } from '../../protocol/writer.ts'
import type { GroupRequest } from '../commands.ts'
import type { GroupSettings } from '../settings.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { answerPresentGeneration, noMemberId, refuseJoin, refuseMember, waitingOf } from './answers.ts'
import { ClassicGroup } from './classic-group.ts'
import { ClassicMember, type MemberProtocol, noBytes } from './classic-member.ts'
import type { JoinTerms } from './classic-members.ts'
import { createdMetadata, groupMetadataRecord } from './group-metadata.ts'
import { rejoinStatic } from './join-static.ts'
import { maybeCompleteJoin, rebalanceOrCompleteJoin, removeMember } from './rebalance.ts'
import { awaitPendingMember, keepMemberFor } from './session.ts'

type Join = Asked<'joinGroup'>

/** From this version on a dynamic member has to join with the id that it was given (KIP-394). */
export const versionOfRequiredMemberId = 4
/** Before this version the session timeout is the rebalance timeout, too. */
const versionOfRebalanceTimeout = 1
/** How long a member that nobody has told its id stays while its join waits (GroupCoordinatorConfig.CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS). */
export const newMemberJoinTimeoutMs: Millis = 5 * 60_000

/**
 * JoinGroup 0 to 9: into a new group, into one that has offsets only, or into one of members of the same protocol type with a protocol in common.
 * The answer waits until the rebalance that it starts, or takes part in, has its members. A consumer group without members makes way.
 */
export function joinGroup(state: GroupsState, turn: Turn, asked: Join): void {
  const { request } = asked
  const invalid = joinError(state.world.settings, request)
  if (invalid !== ErrorCode.NONE) return refuseJoin(turn, waitingOf(asked), invalid, request.memberId)
  const group = state.groups.get(request.groupId)
  if (group?.type === 'classic') return joinTo(state, turn, group, asked)
  if (request.memberId !== noMemberId) return refuseJoin(turn, waitingOf(asked), ErrorCode.UNKNOWN_MEMBER_ID, request.memberId)
  const made = new ClassicGroup(request.groupId)
  if (group !== undefined) turn.write(...group.tombstones())
  turn.write(groupMetadataRecord(request.groupId, createdMetadata(state.world.wallTime())))
  state.groups.set(request.groupId, made)
  joinTo(state, turn, made, asked)
}

/** What is wrong with a request, whatever the group. */
export function joinError(settings: GroupSettings, { groupId, sessionTimeoutMs }: GroupRequest<'joinGroup'>): ErrorCode {
  if (groupId === '') return ErrorCode.INVALID_GROUP_ID
  const { groupMinSessionTimeoutMs: least, groupMaxSessionTimeoutMs: most } = settings
  return sessionTimeoutMs < least || sessionTimeoutMs > most ? ErrorCode.INVALID_SESSION_TIMEOUT : ErrorCode.NONE
}

function joinTo(state: GroupsState, turn: Turn, group: ClassicGroup, asked: Join): void {
  const { memberId } = asked.request
  if (!hasRoom(group, memberId, state.world.settings.groupMaxSize)) return turnAway(state, turn, group, asked)
  if (memberId === noMemberId) joinAsNew(state, turn, group, asked)
  else joinAgain(state, turn, group, asked)
}

/**
 * While a rebalance is prepared, those who have joined are counted, not the members: so a group that has grown too large (its limit was lowered) loses
 * whoever comes last. Otherwise members stay, and others come in up to the limit (GroupMetadataManager.acceptJoiningMember).
 */
function hasRoom({ state, members }: ClassicGroup, memberId: string, sizeMax: number): boolean {
  switch (state) {
    case 'Empty':
    case 'Dead':
      return true
    case 'PreparingRebalance':
      return (members.get(memberId)?.awaitingJoin ?? null) !== null || members.awaitingJoinCount < sizeMax
    default:
      return members.has(memberId) || members.size < sizeMax
  }
}

function turnAway(state: GroupsState, turn: Turn, group: ClassicGroup, asked: Join): void {
  const { memberId } = asked.request
  const member = group.members.get(memberId)
  if (member !== undefined) removeMember(state, turn, group, member)
  else group.remove(memberId)
  refuseJoin(turn, waitingOf(asked), ErrorCode.GROUP_MAX_SIZE_REACHED, noMemberId)
  // It may have been the last that the others waited for
  maybeCompleteJoin(state, turn, group)
}

function joinAsNew(state: GroupsState, turn: Turn, group: ClassicGroup, asked: Join): void {
  const { request, context } = asked
  const { protocolType, protocols, groupInstanceId } = request
  if (!group.supportsProtocols(protocolType, protocols)) {
    return refuseJoin(turn, waitingOf(asked), ErrorCode.INCONSISTENT_GROUP_PROTOCOL, noMemberId)
  }
  const memberId = newMemberId(state.world.entropy, groupInstanceId ?? context.clientId)
  // Both parts may be as long as a string can be; together they must not be longer
  if (Buffer.byteLength(memberId) > stringBytesMax) return refuseJoin(turn, waitingOf(asked), ErrorCode.INVALID_REQUEST, noMemberId)
  const instance = groupInstanceId === null ? undefined : group.members.byInstance(groupInstanceId)
  if (instance !== undefined)
    return rejoinStatic(state, turn, group, { asked, old: instance, newMemberId: memberId, terms: termsOf(asked) })
  if (groupInstanceId === null && context.version >= versionOfRequiredMemberId) return requireMemberId(state, turn, group, asked, memberId)
  addMember(state, turn, group, asked, memberId)
}

/** As Java writes a UUID. */
function newMemberId(entropy: Entropy, prefix: string): string {
  const hex = Buffer.from(entropy.uuid(), 'base64url').toString('hex')
  return [prefix, hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function requireMemberId(state: GroupsState, turn: Turn, group: ClassicGroup, asked: Join, memberId: string): void {
  group.members.pendingJoin.add(memberId)
  awaitPendingMember(state, turn.now, group.groupId, memberId, asked.request.sessionTimeoutMs)
  refuseJoin(turn, waitingOf(asked), ErrorCode.MEMBER_ID_REQUIRED, memberId)
}

/** What the request says of the member, in bytes of its own: those of the request are a part of what came over the network with it. */
export function termsOf({ request, context }: Join): JoinTerms {
  const { sessionTimeoutMs } = request
  const rebalanceTimeoutMs = context.version >= versionOfRebalanceTimeout ? request.rebalanceTimeoutMs : sessionTimeoutMs
  return { protocols: request.protocols.map(ownBytes), rebalanceTimeoutMs, sessionTimeoutMs }
}

function ownBytes({ name, metadata }: MemberProtocol): MemberProtocol {
  return { name, metadata: Buffer.from(metadata) }
}

function addMember(state: GroupsState, turn: Turn, group: ClassicGroup, asked: Join, memberId: string): void {
  const { request, context } = asked
  const { clientId, clientHost } = context
  const terms = termsOf(asked)
  const member = new ClassicMember({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId,
    clientHost,
    ...terms,
    assignment: noBytes,
  })
  member.isNew = true
  if (group.initialJoin !== null) group.newMemberAdded = true
  group.add(member, request.protocolType)
  group.members.awaitJoin(member, waitingOf(asked))
  keepMemberFor(state, turn.now, group.groupId, memberId, newMemberJoinTimeoutMs)
  rebalanceOrCompleteJoin(state, turn, group)
}

function joinAgain(state: GroupsState, turn: Turn, group: ClassicGroup, asked: Join): void {
  const { memberId, groupInstanceId, protocolType, protocols } = asked.request
  const to = waitingOf(asked)
  if (!group.supportsProtocols(protocolType, protocols)) return refuseJoin(turn, to, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId)
  if (group.members.pendingJoin.has(memberId)) {
    // Only dynamic members are made to wait for an id: Kafka fails on this, too
    if (groupInstanceId !== null) return refuseJoin(turn, to, ErrorCode.UNKNOWN_SERVER_ERROR, noMemberId)
    return addMember(state, turn, group, asked, memberId)
  }
  const unknown = group.members.validate(memberId, groupInstanceId)
  if (unknown !== ErrorCode.NONE) return refuseMember(turn, to, unknown, memberId)
  const member = group.members.get(memberId)
  if (member === undefined || group.isEmpty) return refuseJoin(turn, to, ErrorCode.UNKNOWN_MEMBER_ID, memberId)
  if (isContent(group, member, protocols)) answerPresentGeneration(turn, to, group, memberId)
  else updateMember(state, turn, group, member, asked)
}

/**
 * Whether the generation is what the member joins for: it may not have heard of it. A leader that joins a stable group wants another one, for changes
 * that only it sees, such as of topics.
 */
function isContent(group: ClassicGroup, member: ClassicMember, protocols: readonly MemberProtocol[]): boolean {
  if (group.state === 'PreparingRebalance' || !member.matches(protocols)) return false
  return group.state === 'CompletingRebalance' || !group.isLeader(member.memberId)
}

function updateMember(state: GroupsState, turn: Turn, group: ClassicGroup, member: ClassicMember, asked: Join): void {
  group.members.update(member, termsOf(asked))
  const before = group.members.awaitJoin(member, waitingOf(asked))
  // Only who asked last is waited for: that answer goes to a connection that was given up, or to a client that joins again
  if (before !== null) refuseJoin(turn, before, ErrorCode.REBALANCE_IN_PROGRESS, member.memberId)
  rebalanceOrCompleteJoin(state, turn, group)
}
