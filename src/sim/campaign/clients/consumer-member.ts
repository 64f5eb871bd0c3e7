import type { Millis } from '../../../base/units.ts'
import { apis } from '../../../protocol/apis.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ConsumerGroupHeartbeatResponse } from '../../../protocol/messages/consumer-group-heartbeat.ts'
import { isOfCoordinator } from '../../groups/clients/coordinator-errors.ts'
import type { Membership, MembershipHost, Signature } from './group-member.ts'

const heartbeatTimeoutMs: Millis = 1_500
const rebalanceTimeoutMs: Millis = 5_000
const leaveEpoch = -1

/** A member of the consumer protocol (KIP-848): everything is a heartbeat. It gives up what it is not assigned before it says so, and takes the rest then. */
export class ConsumerMembership implements Membership {
  isStable = false
  private readonly host: MembershipHost
  private readonly memberId: string
  private epoch = 0
  /** What it was told to own. */
  private target: ReadonlySet<number> | null = null
  /** What it owns is to be said in the next heartbeat. */
  private mustTell = true

  constructor(host: MembershipHost) {
    this.host = host
    this.memberId = host.prng.uuid()
  }

  get signature(): Signature {
    return { memberId: this.memberId, epoch: this.epoch === 0 ? -1 : this.epoch }
  }

  async step(): Promise<void> {
    const { host } = this
    const isJoining = this.epoch === 0
    const answer = await host.link.call(apis.consumerGroupHeartbeat, this.request(isJoining), { timeoutMs: heartbeatTimeoutMs })
    if (answer === null) {
      this.isStable = false
      // The coordinator may not have heard what is owned
      this.mustTell = true
      return host.retryPause()
    }
    if (answer.errorCode !== ErrorCode.NONE) return this.onError(answer.errorCode)
    this.mustTell = false
    await this.onAnswer(answer)
  }

  private request(isJoining: boolean) {
    const { host, memberId, epoch } = this
    const topicId = host.topicId()
    const owned = [...host.owned]
    const topicPartitions = owned.length === 0 || topicId === null ? [] : [{ topicId, partitions: owned }]
    const full = { rebalanceTimeoutMs, subscribedTopicNames: [host.topic], topicPartitions }
    if (isJoining) return { groupId: host.groupId, memberId, memberEpoch: epoch, ...full, topicPartitions: [] }
    return this.mustTell
      ? { groupId: host.groupId, memberId, memberEpoch: epoch, ...full }
      : { groupId: host.groupId, memberId, memberEpoch: epoch }
  }

  private async onAnswer({ memberEpoch, assignment }: ConsumerGroupHeartbeatResponse): Promise<void> {
    const { host } = this
    if (assignment !== null) {
      const topicId = host.topicId()
      this.target = new Set(assignment.topicPartitions.filter((it) => it.topicId === topicId).flatMap((it) => it.partitions))
    }
    if (this.target === null) return void (this.epoch = memberEpoch)
    const kept = new Set([...host.owned].filter((it) => this.target?.has(it)))
    if (kept.size < host.owned.size) {
      // Committed with the epoch in which it was read
      await host.own(kept, true)
      this.mustTell = true
    }
    this.epoch = memberEpoch
    if (this.target.size > host.owned.size) {
      await host.own(this.target, false)
      this.mustTell = true
    }
    this.isStable = !this.mustTell
  }

  private async onError(errorCode: number): Promise<void> {
    const { host } = this
    this.isStable = false
    if (isOfCoordinator(errorCode)) {
      host.link.forget()
      this.mustTell = true
    } else if (errorCode === ErrorCode.FENCED_MEMBER_EPOCH || errorCode === ErrorCode.UNKNOWN_MEMBER_ID) {
      await host.own(new Set(), false)
      this.epoch = 0
      this.target = null
      this.mustTell = true
    }
    await host.retryPause()
  }

  async leave(): Promise<void> {
    const { host, memberId } = this
    this.isStable = false
    await host.own(new Set(), false)
    await host.link.call(
      apis.consumerGroupHeartbeat,
      { groupId: host.groupId, memberId, memberEpoch: leaveEpoch },
      { timeoutMs: heartbeatTimeoutMs },
    )
  }

  describe(): string {
    return `${this.memberId} in epoch ${this.epoch}${this.isStable ? '' : ', unsettled'}, is to own [${[...(this.target ?? [])].join(' ')}]`
  }
}
