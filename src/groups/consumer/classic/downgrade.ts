import type { MemberAssignment } from '../../assignors/assign.ts'
import { consumerProtocolType } from '../../classic/commit-rules.ts'
import { type GroupMetadata, groupMetadataRecord } from '../../classic/group-metadata.ts'
import { ProtocolVotes } from '../../classic/protocol-votes.ts'
import { askForRebalance } from '../../classic/rebalance.ts'
import { keepMemberFor } from '../../classic/session.ts'
import { fitInOneBatch } from '../../offsets/record-size.ts'
import type { GroupsState } from '../../state.ts'
import type { Turn } from '../../turn.ts'
import type { ConsumerGroup } from '../consumer-group.ts'
import { type ConsumerMember, isReconciledTo, speaksClassic } from '../consumer-member.ts'
import { endDeadlines } from '../sessions.ts'
import { assignmentBytes, classicOf } from './assignment.ts'

/** A member of the classic group that a consumer group becomes, and what it is assigned there: its target. */
interface Heir {
  readonly member: ConsumerMember
  readonly target: MemberAssignment
}

/**
 * If all members that stay when these are gone speak the classic protocol, the group becomes a classic one, and they rebalance as such. True when it does: then
 * all records of it are in the turn, and nothing else is to be written (GroupMetadataManager.consumerGroupFenceMembers). Of `group` nothing may have been
 * changed in this turn.
 */
export function maybeDowngradeWithout(state: GroupsState, turn: Turn, group: ConsumerGroup, gone: ReadonlySet<string>): boolean {
  const heirs = [...group.members.values()]
    .filter(({ memberId }) => !gone.has(memberId))
    .map((member) => ({ member, target: group.target(member.memberId) }))
  return mayDowngrade(state, heirs) && becomeClassic(state, turn, group, heirs, true) !== null
}

/**
 * A static member of the consumer protocol has come back with the classic one, under another id. If it was the last of its kind the group becomes a classic
 * one, with the joined member in its place. The others rebalance only if they have to: when some of them are not at their target, or there is to be a new
 * one. Null: the group stays what it is, and nothing is written. (GroupMetadataManager.validateOnlineDowngradeWithReplacedMember)
 */
export function maybeDowngradeReplacing(
  state: GroupsState,
  turn: Turn,
  group: ConsumerGroup,
  { old, joined, isStale }: { readonly old: ConsumerMember; readonly joined: ConsumerMember; readonly isStale: boolean },
): GroupMetadata | null {
  if (speaksClassic(old)) return null
  const others = [...group.members.values()].filter(({ memberId }) => memberId !== old.memberId)
  const heirs = others.map((member) => ({ member, target: group.target(member.memberId) }))
  heirs.push({ member: joined, target: group.target(old.memberId) })
  if (!mayDowngrade(state, heirs)) return null
  const isSettled = group.groupEpoch === group.assignmentEpoch && others.every((member) => isReconciledTo(member, group.assignmentEpoch))
  return becomeClassic(state, turn, group, heirs, isStale || !isSettled)
}

/** GroupMetadataManager.validateOnlineDowngradeWithFencedMembers: a group of nobody stays as it is. */
function mayDowngrade({ world }: GroupsState, heirs: readonly Heir[]): boolean {
  const { groupConsumerMigrationPolicy: policy, groupMaxSize } = world.settings
  if (policy !== 'downgrade' && policy !== 'bidirectional') return false
  return heirs.length > 0 && heirs.length <= groupMaxSize && heirs.every(({ member }) => speaksClassic(member))
}

/** Null: it cannot be written as one batch, or its members have no protocol in common. */
function becomeClassic(
  state: GroupsState,
  turn: Turn,
  group: ConsumerGroup,
  heirs: readonly Heir[],
  needsRebalance: boolean,
): GroupMetadata | null {
  const { groupId } = group
  const metadata = classicMetadata(state, group, heirs)
  if (metadata === null) return null
  // Without a leader the record says that the generation has no assignments of its own: the next coordinator lets them rebalance, should this one not come to it
  const written = needsRebalance ? { ...metadata, leader: null } : metadata
  const records = [...group.tombstones(), groupMetadataRecord(groupId, written)]
  if (!fitInOneBatch(records, state.world.settings.recordBatchBytesMax)) return null
  turn.write(...records)
  for (const memberId of group.members.keys()) endDeadlines(state, groupId, memberId)
  for (const { member } of heirs) keepMemberFor(state, turn.now, groupId, member.memberId, classicOf(member).sessionTimeoutMs)
  if (needsRebalance) askForRebalance(state, turn, groupId)
  return metadata
}

/** The group epoch goes on as generation (ClassicGroup.fromConsumerGroup). */
function classicMetadata({ world }: GroupsState, group: ConsumerGroup, heirs: readonly Heir[]): GroupMetadata | null {
  const protocol = protocolOfAll(heirs)
  if (protocol === null) return null
  return {
    protocolType: consumerProtocolType,
    generation: group.groupEpoch,
    protocol,
    leader: heirs[0]?.member.memberId ?? null,
    currentStateTimestamp: world.wallTime(),
    members: heirs.map(({ member, target }) => {
      const { sessionTimeoutMs, supportedProtocols } = classicOf(member)
      const subscription = supportedProtocols.find(({ name }) => name === protocol)?.metadata ?? Buffer.alloc(0)
      return {
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: sessionTimeoutMs,
        subscription,
        assignment: assignmentBytes(world.topics, target, subscription),
      }
    }),
  }
}

/** Who joins has to support what all others do, so there is one; a log from elsewhere may say otherwise. */
function protocolOfAll(heirs: readonly Heir[]): string | null {
  const votes = new ProtocolVotes()
  const voters = heirs.map(({ member }) => ({ protocols: classicOf(member).supportedProtocols }))
  for (const voter of voters) votes.add(voter)
  const [first] = voters
  return first !== undefined && votes.anyCommon(first.protocols, voters.length) ? votes.select(voters, voters.length) : null
}
