import { addTo } from '../../../base/grouped.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { isOfCoordinator } from './coordinator-errors.ts'
import type { Link, Response } from './link.ts'
import type { MemberWorld, PendingOps, Signature } from './member.ts'
import type { PendingOp } from '../offset-history.ts'
import { type PartitionKey, partitionKey, splitKey } from '../shadow.ts'
import { hold } from '../violation.ts'

/** Topics are named by their id: one of the same name that comes after another has been deleted is another. */
const commitVersion = 10
const fetchVersion = 10

/** After these a commit has certainly not happened. Of others nobody knows: it may have been written and not been replicated in time. */
const unknownOutcomes: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_SERVER_ERROR,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.REQUEST_TIMED_OUT,
])

function byTopic(keys: Iterable<PartitionKey>): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  for (const key of keys) {
    const { topic, partition } = splitKey(key)
    addTo(topics, topic, partition)
  }
  return topics
}

/** Commits and fetches the offsets of one group, and keeps the history of what it was told. Partitions are named by their topic's id. */
export class OffsetsClient {
  private readonly groupId: string
  private readonly link: Link
  private readonly world: MemberWorld

  constructor(groupId: string, link: Link, world: MemberWorld) {
    this.groupId = groupId
    this.link = link
    this.world = world
  }

  /** `then` is given the first error that is none of the coordinator's whereabouts, or null when nobody knows. */
  commit(keys: readonly PartitionKey[], signature: Signature, then: (errorCode: number | null) => void): void {
    const { history, judge, scheduler } = this.world
    const incarnation = judge.incarnationOf(this.groupId)
    const onAck = (key: PartitionKey): void => judge.onCommitted(this.groupId, incarnation, key, signature)
    const pending: PendingOps = new Map()
    const values = new Map(keys.map((key) => [key, this.world.nextOffset()]))
    const onCopy = (copy: number): void => {
      const ops = keys.map((key) => [key, history.write(this.groupId, key, values.get(key) ?? 0, scheduler.now)] as const)
      pending.set(copy, new Map(ops))
    }
    this.link.call({ api: 'offsetCommit', version: commitVersion, request: this.commitRequest(values, signature), onCopy }, (answer) => {
      if (answer === null) return then(null)
      then(this.committed(answer.response, pending.get(answer.copy) ?? new Map(), onAck))
    })
  }

  private commitRequest(values: ReadonlyMap<PartitionKey, number>, { memberId, epoch, instanceId }: Signature) {
    const topics = [...byTopic(values.keys())].map(([topicId, partitions]) => ({
      topicId,
      partitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: values.get(partitionKey(topicId, partitionIndex)) ?? 0,
        committedMetadata: '',
      })),
    }))
    return { groupId: this.groupId, generationIdOrMemberEpoch: epoch, memberId, groupInstanceId: instanceId, topics }
  }

  private committed(
    response: Response<'offsetCommit'>,
    ops: ReadonlyMap<PartitionKey, PendingOp>,
    onAck: (key: PartitionKey) => void,
  ): number {
    let error: number = ErrorCode.NONE
    for (const { topicId, partitions } of response.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        const key = partitionKey(topicId, partitionIndex)
        const op = ops.get(key)
        hold(op !== undefined, 'answers', () => `an answer to a commit of ${key} in ${this.groupId} that was not asked for`)
        if (errorCode === ErrorCode.NONE) onAck(key)
        if (errorCode === ErrorCode.NONE) this.world.history.acknowledged(op, this.groupId, key, this.world.scheduler.now)
        else if (!unknownOutcomes.has(errorCode)) this.world.history.failed(op)
        if (errorCode !== ErrorCode.NONE) error = errorCode
      }
    }
    if (isOfCoordinator(error)) this.link.forget()
    return error
  }

  /** `then` is called when the offsets are known; after errors of the coordinator it asks again by itself while `wanted` says so. */
  fetch(keys: readonly PartitionKey[], signature: Signature, wanted: () => boolean, then: (errorCode: number) => void): void {
    const { scheduler, history } = this.world
    const start = scheduler.now
    const expected = keys.filter((key) => history.mustBeThere(this.groupId, key))
    const topics = [...byTopic(keys)].map(([topicId, partitionIndexes]) => ({ topicId, partitionIndexes }))
    const isOwn = signature.memberId !== '' && this.isOfConsumerProtocol(signature)
    const group = { groupId: this.groupId, memberId: isOwn ? signature.memberId : null, memberEpoch: isOwn ? signature.epoch : -1, topics }
    const request = { groups: [group], requireStable: true }
    this.link.call({ api: 'offsetFetch', version: fetchVersion, request }, (answer) => {
      const found = answer?.response.groups[0]
      if (answer === null || found === undefined || isOfCoordinator(found.errorCode)) {
        this.link.forget()
        if (wanted()) this.link.backoff(() => this.fetch(keys, signature, wanted, then))
        return
      }
      if (found.errorCode === ErrorCode.NONE) this.fetched(found.topics, start, answer.deposedAt, expected)
      then(found.errorCode)
    })
  }

  /** Members of the classic protocol do not sign their fetches. */
  private isOfConsumerProtocol({ epoch }: Signature): boolean {
    return this.signsFetches && epoch >= 0
  }

  signsFetches = false

  private fetched(
    topics: Response<'offsetFetch'>['groups'][number]['topics'],
    start: number,
    deposedAt: number | null,
    expected: readonly PartitionKey[],
  ): void {
    const { scheduler, history } = this.world
    const since = deposedAt === null ? start : Math.min(start, deposedAt)
    for (const { topicId, partitions } of topics) {
      for (const { partitionIndex, committedOffset, errorCode } of partitions) {
        if (errorCode !== ErrorCode.NONE) continue
        const key = partitionKey(topicId, partitionIndex)
        const mustBeThere = expected.includes(key) && since === start && history.mustBeThere(this.groupId, key)
        hold(
          committedOffset !== -1 || !mustBeThere,
          'G-3',
          () => `${this.groupId} has no offset for ${key}, though one was acknowledged and none was ever deleted`,
        )
        history.read(this.groupId, key, committedOffset === -1 ? null : committedOffset, since, scheduler.now)
      }
    }
  }
}
