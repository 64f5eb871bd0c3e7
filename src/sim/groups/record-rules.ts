import type { Millis, Timestamp } from '../../base/units.ts'
import type { GroupCommand } from '../../groups/commands.ts'
import type { GroupFact, GroupRecordOf } from '../../groups/records/fact.ts'
import type { SimulatedBroker } from './broker.ts'
import type { LogCopy } from './replicated-log.ts'
import { type PartitionKey, partitionKey, type Shadow, type ShadowConsumer } from './shadow.ts'
import { hold } from './violation.ts'

/** What is decided: the records, why, and by whom. */
export interface Decided {
  readonly copy: LogCopy
  readonly broker: SimulatedBroker
  readonly facts: readonly GroupFact[]
  /** Null for what was due by time. */
  readonly cause: GroupCommand | null
  readonly now: Millis
}

/** G-1: a commit in a consumer group is of a member of its epoch, or of an older one in which it owned the partition already (KIP-1251). */
export function judgeConsumerCommit(group: ShadowConsumer, memberId: string, epoch: number, key: PartitionKey, signed: string): void {
  const member = group.members.get(memberId)
  hold(member?.isMember === true, 'G-1', () => `${signed}: by no member`)
  const since = member.assigned.get(key) ?? member.revoking.get(key)
  const isOld = epoch < member.epoch && since !== undefined && since <= epoch
  hold(
    epoch === member.epoch || isOld,
    'G-1',
    () => `${signed}: the member is at ${member.epoch}, and has the partition since ${since ?? 'never'}`,
  )
}

/** G-8: offsets expire only when Kafka's conditions hold (KIP-211). */
export function judgeDeletion(
  { copy: { shadow }, cause, broker }: Decided,
  retentionMs: Millis,
  { key }: GroupRecordOf<'offsetCommit'>,
): void {
  const what = `the offset of ${key.group} for ${key.topic}-${key.partition}`
  if (cause?.api === 'offsetDelete' || cause?.api === 'deleteGroups') return
  const offset = shadow.offsets.get(key.group)?.get(partitionKey(key.topic, key.partition))
  if (offset === undefined || broker.topics.byName(key.topic) === undefined) return
  if (broker.topics.byName(key.topic)?.id !== offset.topicId) return
  hold(cause === null || cause.api === 'expire', 'G-8', () => `${what} is deleted for no reason, by ${cause?.api ?? 'time'}`)
  const age = broker.wall() - offset.commitTimestamp
  hold(age >= retentionMs, 'G-8', () => `${what} expires ${age} ms after it was committed`)
  judgeExpiry(shadow, retentionMs, key.group, key.topic, broker.wall())
}

function judgeExpiry(shadow: Shadow, retentionMs: Millis, groupId: string, topic: string, wall: Timestamp): void {
  const classic = shadow.classic.get(groupId)
  for (const { memberId, topics } of classic?.members.values() ?? [])
    hold(!topics.includes(topic), 'G-8', () => `an offset of ${groupId} for ${topic} expires, to which '${memberId}' is subscribed`)
  if (classic !== undefined && classic.members.size === 0 && classic.generation > 0)
    hold(wall - classic.stateSince >= retentionMs, 'G-8', () => `an offset expires in ${groupId}, empty since ${classic.stateSince}`)
  for (const { memberId, isMember, topics } of shadow.consumer.get(groupId)?.members.values() ?? [])
    hold(
      !isMember || !topics.includes(topic),
      'G-8',
      () => `an offset of ${groupId} for ${topic} expires, to which '${memberId}' is subscribed`,
    )
}

/** G-4 and G-5, of one generation of a classic group. */
export function judgeGeneration(shadow: Shadow, { key, value }: GroupRecordOf<'groupMetadata'>): void {
  const before = shadow.classic.get(key.group)
  if (value === null) return
  const after = shadow.classicOf(value)
  const what = `generation ${after.generation} of ${key.group}`
  if (before !== undefined) {
    hold(after.generation >= before.generation, 'G-4', () => `${what} comes after ${before.generation}`)
    if (after.generation === before.generation && before.leader !== null && after.leader !== null) {
      const was = new Map([...before.members.values()].map((member) => [member.instanceId ?? member.memberId, member.assigned]))
      for (const { instanceId, memberId, assigned } of after.members.values())
        hold(
          [...assigned].every((one) => was.get(instanceId ?? memberId)?.has(one)),
          'G-4',
          () => `${what} assigns to '${memberId}' once more: ${[...assigned].join(' ')}`,
        )
    }
  }
  const holders = new Map<PartitionKey, string>()
  for (const { memberId, assigned } of after.members.values()) {
    for (const one of assigned) {
      const other = holders.get(one)
      hold(other === undefined, 'G-5', () => `${what} assigns ${one} to '${other}' and to '${memberId}'`)
      holders.set(one, memberId)
    }
  }
}
