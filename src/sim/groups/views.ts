import type { ApiCommand, GroupReply } from '../../groups/commands.ts'
import { apis } from '../../protocol/apis.ts'
import { decode, encode } from '../../protocol/codec.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Draft, Schema } from '../../protocol/schema.ts'
import type { Request, Response } from './clients/link.ts'
import { assignedIn, type PartitionKey, partitionKey } from './shadow.ts'
import { hold } from './violation.ts'

/** A group as its coordinator describes it, whatever its type. */
export interface GroupView {
  readonly state: string
  /** What each member is assigned, by topic name. */
  readonly assigned: ReadonlyMap<string, ReadonlySet<PartitionKey>>
}

const versions = { describeGroups: 5, consumerGroupDescribe: 1, offsetFetch: 9, listGroups: 5 } as const
export type Described = keyof typeof versions

export function commandOf<K extends Described>(api: K, request: Request<K>): ApiCommand {
  const version = versions[api]
  const schema: Schema = apis[api].request
  const context = { version, clientId: 'judge', clientHost: '/judge' }
  return { api, request: decode(schema, version, encode(schema, version, request)), context } as unknown as ApiCommand
}

export function responseOf<K extends Described>(api: K, reply: GroupReply): Response<K> {
  const schema: Schema = apis[api].response
  return decode(schema, versions[api], encode(schema, versions[api], (reply.response ?? {}) as Draft<Schema>)) as Response<K>
}

export function classicView({ groups }: Response<'describeGroups'>): GroupView {
  const [group] = groups
  const members = group?.members ?? []
  const assigned = members.map((member) => [member.memberId, assignedIn(member.memberAssignment)] as const)
  return { state: group?.groupState ?? 'none', assigned: new Map(assigned) }
}

export function consumerView({ groups }: Response<'consumerGroupDescribe'>): GroupView {
  const [group] = groups
  if (group === undefined || group.errorCode !== ErrorCode.NONE) return { state: `error ${group?.errorCode}`, assigned: new Map() }
  const assigned = group.members.map(({ memberId, assignment }) => {
    const keys = assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
      partitions.map((partition) => partitionKey(topicName, partition)),
    )
    return [memberId, new Set(keys)] as const
  })
  return { state: group.groupState, assigned: new Map(assigned) }
}

/** Whoever is told of assignments is told of no partition twice (G-5). */
export function holdDisjoint(groupId: string, { state, assigned }: GroupView): void {
  const all = [...assigned.values()].flatMap((keys) => [...keys])
  hold(new Set(all).size === all.length, 'G-5', () => `${groupId}, ${state}, is described with ${all.sort().join(' ')}`)
}
