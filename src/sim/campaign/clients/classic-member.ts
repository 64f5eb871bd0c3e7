import type { Millis } from '../../../base/units.ts'
import { parseAssignment, writeAssignment, writeSubscription } from '../../../groups/subscriptions/consumer-protocol.ts'
import { apis } from '../../../protocol/apis.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { JoinGroupResponse } from '../../../protocol/messages/join-group.ts'
import { isOfCoordinator } from '../../groups/clients/coordinator-errors.ts'
import type { Membership, MembershipHost, Signature } from './group-member.ts'

const sessionTimeoutMs: Millis = 2_000
const rebalanceTimeoutMs: Millis = 3_000
const requestMs: Millis = 1_500
/** A join is answered when the rebalance ends. */
const joinPatienceMs: Millis = 1_500
const protocolName = 'range'
const joinVersion = 9
const syncVersion = 5

/** A member of the classic protocol with eager rebalances: it gives up all it owns before it joins, and the leader assigns by ranges. */
export class ClassicMembership implements Membership {
  isStable = false
  private readonly host: MembershipHost
  private memberId = ''
  private generation = -1

  constructor(host: MembershipHost) {
    this.host = host
  }

  get signature(): Signature {
    return { memberId: this.memberId, epoch: this.generation }
  }

  step(): Promise<void> {
    return this.isStable ? this.heartbeat() : this.join()
  }

  private async heartbeat(): Promise<void> {
    const { host, memberId, generation } = this
    const answer = await host.link.call(
      apis.heartbeat,
      { groupId: host.groupId, generationId: generation, memberId },
      { timeoutMs: requestMs },
    )
    const errorCode = answer?.errorCode ?? ErrorCode.NONE
    if (errorCode === ErrorCode.NONE) return
    if (isOfCoordinator(errorCode)) return host.link.forget()
    // While others join, what was read can still be committed
    await this.giveUp(errorCode === ErrorCode.REBALANCE_IN_PROGRESS)
    this.forgetAfter(errorCode)
  }

  private async giveUp(commitsFirst: boolean): Promise<void> {
    await this.host.own(new Set(), commitsFirst)
    this.isStable = false
  }

  private forgetAfter(errorCode: number): void {
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.memberId = ''
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.ILLEGAL_GENERATION) this.generation = -1
    if (isOfCoordinator(errorCode)) this.host.link.forget()
  }

  private async join(): Promise<void> {
    const { host } = this
    const metadata = writeSubscription(1, { topics: [host.topic], userData: null, ownedPartitions: [] })
    const body = {
      groupId: host.groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.memberId,
      protocolType: 'consumer',
      protocols: [{ name: protocolName, metadata }],
    }
    const timeoutMs = rebalanceTimeoutMs + joinPatienceMs
    const answer = await host.link.call(apis.joinGroup, body, { timeoutMs, version: joinVersion })
    if (answer === null) return host.retryPause()
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.memberId = answer.memberId
    else if (answer.errorCode === ErrorCode.NONE) await this.sync(answer)
    else {
      this.forgetAfter(answer.errorCode)
      await host.retryPause()
    }
  }

  private async sync(join: JoinGroupResponse): Promise<void> {
    const { host } = this
    this.memberId = join.memberId
    this.generation = join.generationId
    const leads = join.leader === join.memberId && !join.skipAssignment
    const assignments = leads ? await this.assign(join.members.map((it) => it.memberId)) : []
    if (assignments === null) return host.retryPause()
    const body = {
      groupId: host.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      protocolType: 'consumer',
      protocolName,
      assignments,
    }
    const timeoutMs = rebalanceTimeoutMs + joinPatienceMs
    const answer = await host.link.call(apis.syncGroup, body, { timeoutMs, version: syncVersion })
    if (answer === null) return host.retryPause()
    if (answer.errorCode !== ErrorCode.NONE) {
      this.forgetAfter(answer.errorCode)
      return host.retryPause()
    }
    const assigned = parseAssignment(answer.assignment)?.assignedPartitions.find((it) => it.topic === host.topic)?.partitions ?? []
    await host.own(new Set(assigned), false)
    this.isStable = true
  }

  /** Null: nobody says how many partitions there are. */
  private async assign(members: readonly string[]) {
    const count = await this.host.partitionCount()
    if (count === null) return null
    const sorted = [...members].sort((a, b) => (a < b ? -1 : 1))
    return sorted.map((memberId, at) => {
      const all = Array.from({ length: count }, (_unused, partition) => partition)
      const partitions = all.filter((partition) => Math.floor((partition * sorted.length) / count) === at)
      const assignedPartitions = partitions.length === 0 ? [] : [{ topic: this.host.topic, partitions }]
      return { memberId, assignment: writeAssignment(1, { assignedPartitions }) }
    })
  }

  async leave(): Promise<void> {
    const { host, memberId } = this
    await this.giveUp(false)
    if (memberId === '') return
    await host.link.call(apis.leaveGroup, { groupId: host.groupId, members: [{ memberId }] }, { timeoutMs: requestMs, version: 4 })
  }

  describe(): string {
    return `'${this.memberId}' in generation ${this.generation}${this.isStable ? '' : ', joining'}`
  }
}
