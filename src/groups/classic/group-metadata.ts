import type { Timestamp } from '../../base/units.ts'
import { encodeGroupRecord } from '../records/record-bytes.ts'
import type { GroupRecordOf, GroupValue } from '../records/fact.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, noBytes } from './classic-member.ts'

/**
 * The record of a classic group, GroupMetadata. Kafka writes it when a generation has its assignments, when a group is made or becomes empty, and when
 * a static member is replaced. Here it is written when a generation begins, too, before anybody is told of it: so no later coordinator gives the same
 * generation out once more. That record has members but no leader, which Kafka never writes; the leader is the first of its members (and so it is for
 * Kafka, which makes the first member it reads the leader if none is named).
 */
export type GroupMetadata = GroupValue<'groupMetadata'>
export type GroupMetadataRecord = GroupRecordOf<'groupMetadata'>
type MemberMetadata = GroupMetadata['members'][number]

/** Of a group that no record has spoken of. */
export const noMetadata: GroupMetadata = {
  protocolType: '',
  generation: 0,
  protocol: null,
  leader: null,
  currentStateTimestamp: -1,
  members: [],
}

export function groupMetadataRecord(groupId: string, value: GroupMetadata | null): GroupMetadataRecord {
  return { type: 'groupMetadata', key: { group: groupId }, value }
}

/** The group is there, and nobody has been in it yet. */
export function createdMetadata(now: Timestamp): GroupMetadata {
  return { ...noMetadata, currentStateTimestamp: now }
}

/** The next generation, without members. */
export function emptiedMetadata(group: ClassicGroup, now: Timestamp): GroupMetadata {
  return { ...noMetadata, protocolType: group.protocolType, generation: group.generationId + 1, currentStateTimestamp: now }
}

/** The next generation as its members are told of it; each still has what it was assigned before. */
export function begunMetadata(group: ClassicGroup, now: Timestamp): GroupMetadata {
  const protocol = group.members.selectProtocol()
  const members: MemberMetadata[] = []
  for (const member of group.members.all()) {
    const metadata = memberMetadata(member, protocol, member.assignment)
    if (member.memberId === group.leaderId) members.unshift(metadata)
    else members.push(metadata)
  }
  return {
    protocolType: group.protocolType,
    generation: group.generationId + 1,
    protocol,
    leader: null,
    currentStateTimestamp: now,
    members,
  }
}

/** This generation with its assignments; who is assigned nothing has an empty one. */
export function assignedMetadata(group: ClassicGroup, assignments: ReadonlyMap<string, Buffer>, now: Timestamp): GroupMetadata {
  const members = [...group.members.all()].map((member) =>
    memberMetadata(member, group.protocolName, assignments.get(member.memberId) ?? noBytes),
  )
  return { ...head(group), currentStateTimestamp: now, members }
}

/** This generation as it is, with a member under a new id. */
export function replacedMetadata(group: ClassicGroup): GroupMetadata {
  const members = [...group.members.all()].map((member) => memberMetadata(member, group.protocolName, member.assignment))
  return { ...head(group), currentStateTimestamp: group.metadata.currentStateTimestamp, members }
}

function head(group: ClassicGroup): Pick<GroupMetadata, 'protocolType' | 'generation' | 'protocol' | 'leader'> {
  return { protocolType: group.protocolType, generation: group.generationId, protocol: group.protocolName, leader: group.leaderId }
}

function memberMetadata(member: ClassicMember, protocol: string | null, assignment: Buffer): MemberMetadata {
  return {
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeout: member.rebalanceTimeoutMs,
    sessionTimeout: member.sessionTimeoutMs,
    subscription: member.metadata(protocol),
    assignment,
  }
}

/** A batch around one record: its header and the lengths of key and value, at most. */
const batchOverheadBytes = 128
const memberOverheadBytes = 64
const utf8BytesPerUnitMax = 3

/** Whether it can be written as a batch of at most `batchBytesMax`. Encoded for that only if it is close. */
export function fits(record: GroupMetadataRecord, batchBytesMax: number): boolean {
  if (sizeAtMost(record) <= batchBytesMax) return true
  const { key, value } = encodeGroupRecord(record)
  return batchOverheadBytes + key.length + (value?.length ?? 0) <= batchBytesMax
}

function sizeAtMost({ key, value }: GroupMetadataRecord): number {
  const texts = key.group.length + (value?.protocolType.length ?? 0) + (value?.protocol?.length ?? 0) + (value?.leader?.length ?? 0)
  let size = batchOverheadBytes + memberOverheadBytes + texts * utf8BytesPerUnitMax
  for (const member of value?.members ?? []) {
    const ids = member.memberId.length + (member.groupInstanceId?.length ?? 0) + member.clientId.length + member.clientHost.length
    size += memberOverheadBytes + ids * utf8BytesPerUnitMax + member.subscription.length + member.assignment.length
  }
  return size
}
