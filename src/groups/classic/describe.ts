import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupResponse } from '../commands.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import type { ClassicGroup } from './classic-group.ts'
import { noBytes } from './classic-member.ts'

type Described = GroupResponse<'describeGroups'>['groups'][number]

/** From this version on a group that is not there is an error; before, it is dead (KIP-1043). */
const versionOfNotFound = 6

/**
 * DescribeGroups 0 to 6. What members subscribe to is told of a stable group only: before, it is not decided which of their protocols counts. Whether the
 * caller asked for its rights is not looked at here.
 */
export function describeGroups(state: GroupsState, turn: Turn, { ticket, request, context }: Asked<'describeGroups'>): void {
  const groups = request.groups.map((groupId) => {
    const group = state.groups.get(groupId)
    if (group?.type === 'classic') return describe(group)
    return notFound(
      groupId,
      context.version,
      group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a classic group.`,
    )
  })
  turn.answer(ticket, { api: 'describeGroups', response: { groups } })
}

function notFound(groupId: string, version: number, errorMessage: string): Described {
  const dead = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
  return version < versionOfNotFound
    ? { errorCode: ErrorCode.NONE, ...dead }
    : { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage, ...dead }
}

function describe(group: ClassicGroup): Described {
  const { groupId, protocolType, protocolName, state: groupState } = group
  const isStable = groupState === 'Stable'
  const members = [...group.members.all()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: isStable ? member.metadata(protocolName) : noBytes,
    memberAssignment: member.assignment,
  }))
  const protocolData = isStable ? (protocolName ?? '') : ''
  return { errorCode: ErrorCode.NONE, groupId, groupState, protocolType, protocolData, members }
}
