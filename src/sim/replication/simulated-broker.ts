import assert from 'node:assert/strict'
import type { Epoch, Millis, NodeId, Offset } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { FetchRequest, FetchRequestDraft, FetchResponse } from '../../protocol/messages/fetch.ts'
import type { SessionPartition } from '../../replication/fetch-session.ts'
import {
  type FetchContext,
  FetchSessions,
  type PartitionData,
  type PartitionResult,
  type TouchKind,
} from '../../replication/fetch-sessions.ts'
import { type BrokerView, type PartitionEffect, type PartitionInput, PartitionReplica } from '../../replication/partition-replica.ts'
import { type FetchAction, ReplicaFetcher } from '../../replication/replica-fetcher.ts'
import type { BrokerWorld } from './broker-world.ts'
import { dataOf, toRequest, toResponse } from './fetch-forms.ts'
import { entriesOf, SimulatedLog } from './simulated-log.ts'
import type { Image } from './partition-controller.ts'
import { divergence, truncationOffset } from '../../replication/truncation.ts'

export const topicId = 'simulatedTopicAAAAAAAA'

interface Parked {
  readonly context: FetchContext
  readonly replica: NodeId
  readonly brokerEpoch: number
  readonly answer: (answer: FetchResponse) => void
}

/** A broker that hosts one partition: the machines of this folder, a log in memory, and as little as possible in between. */
export class SimulatedBroker {
  readonly id: NodeId
  readonly log = new SimulatedLog()
  readonly world: BrokerWorld
  isUp = true
  pausedUntil: Millis = 0
  incarnation = 0
  brokerEpoch: number
  /** Lost records in a crash, and the controller does not know yet. */
  isDamaged = false
  image: Image
  imageIndex = 0
  storedHighWatermark: Offset = 0
  machine: PartitionReplica
  private sessions: FetchSessions
  private fetcher: ReplicaFetcher | null = null
  private fetchesFrom: NodeId = -1
  private armedAt: Millis = Infinity
  private fetcherArmedAt: Millis = Infinity
  private awaiting: number[] = []
  private requests = 0

  constructor(id: NodeId, world: BrokerWorld, image: Image) {
    this.id = id
    this.world = world
    this.image = image
    this.brokerEpoch = image.brokers.get(id)?.brokerEpoch ?? -1
    this.machine = this.newMachine()
    this.sessions = this.newSessions()
  }

  get isLeader(): boolean {
    return this.isUp && this.machine.role === 'leader'
  }

  /** Whether it has learnt from metadata that it is registered: only then its heartbeats ask to be unfenced. */
  get isRegistered(): boolean {
    return this.image.brokers.get(this.id)?.brokerEpoch === this.brokerEpoch
  }

  /** Memory is gone; of the log, `keep` entries are left. */
  crash(keep: Offset): void {
    this.isUp = false
    this.incarnation += 1
    if (keep < this.log.end) this.isDamaged = true
    this.log.crash(keep)
    this.machine = this.newMachine()
    this.sessions = this.newSessions()
    this.fetcher = null
    this.fetchesFrom = -1
    this.armedAt = this.fetcherArmedAt = Infinity
    this.awaiting = []
  }

  /** Metadata older than its own registration means nothing to a new incarnation. */
  learn(image: Image, index: number): void {
    if (index <= this.imageIndex && this.imageIndex > 0) return
    this.image = image
    this.imageIndex = index
    if ((image.brokers.get(this.id)?.brokerEpoch ?? -1) < this.brokerEpoch) return
    const { leader, leaderEpoch, partitionEpoch, isr } = image
    const position = { logEndOffset: this.log.end, logStartOffset: 0, storedHighWatermark: this.storedHighWatermark }
    const replicas = [...image.brokers.keys()]
    const more = { leaderRecoveryState: 0, addingReplicas: [], removingReplicas: [], minInsyncReplicas: this.world.options.minIsr } as const
    this.input({ type: 'assigned', assignment: { topicId, replicas, isr, leader, leaderEpoch, partitionEpoch, ...more, ...position } })
    this.input({ type: 'brokersChanged' })
  }

  input(input: PartitionInput): void {
    this.apply(this.machine.step(this.world.now, input))
  }

  /** A leader appends `value`. */
  produce(value: number): Offset {
    this.log.append(this.machine.leaderEpoch, value)
    this.world.onAppend(this, true)
    this.input({ type: 'appended', logEndOffset: this.log.end })
    this.touch('appended')
    return this.log.end - 1
  }

  handleFetch(request: FetchRequest, answer: (answer: FetchResponse) => void): void {
    const { replicaId, replicaEpoch } = request.replicaState
    const context = this.sessions.open(request, 17, true, this.world.now)
    const parked: Parked = { context, replica: replicaId, brokerEpoch: replicaEpoch, answer }
    if (this.maybeAnswer(parked, context.kind !== 'incremental')) return
    let isDone = false
    let isQueued = false
    const finish = (): void => {
      isDone = true
      answer(toResponse(context.respond(this.read(parked), this.world.now)))
    }
    const lookAgain = (): void => {
      isQueued = false
      if (!isDone) isDone = this.maybeAnswer(parked, false)
    }
    context.watch({
      onTouched: () => {
        if (!isQueued) this.world.after(this, 0, lookAgain)
        isQueued = true
      },
      onSuperseded: () => {
        if (isDone) return
        isDone = true
        answer(toResponse(context.respond([], this.world.now)))
      },
    })
    this.world.after(this, request.maxWaitMs, () => {
      if (!isDone) finish()
    })
  }

  private newMachine(): PartitionReplica {
    const { replicaLagTimeMaxMs } = this.world.options
    const brokers: BrokerView = {
      isEligibleForIsr: (id, brokerEpoch) => this.isEligibleForIsr(id, brokerEpoch),
      brokerEpoch: (id) => (id === this.id ? this.brokerEpoch : (this.image.brokers.get(id)?.brokerEpoch ?? -1)),
    }
    return new PartitionReplica({ brokerId: this.id, brokers, replicaLagTimeMaxMs, isrRetryBackoffMs: 50 })
  }

  private newSessions(): FetchSessions {
    const topics = { topicId: () => topicId, topicName: () => 'simulated' }
    return new FetchSessions({ slotsMax: this.world.options.sessionSlots, evictionMs: 120_000, entropy: this.world.prng, topics })
  }

  private isEligibleForIsr(id: NodeId, brokerEpoch: number): boolean {
    const registration = this.image.brokers.get(id)
    return registration !== undefined && !registration.fenced && (brokerEpoch === -1 || brokerEpoch === registration.brokerEpoch)
  }

  /** Answers if there is anything to say. */
  private maybeAnswer(parked: Parked, atOnce: boolean): boolean {
    const results = this.read(parked)
    const isNews = results.some(({ data }) => data.errorCode !== 0 || (data.divergingEpoch?.epoch ?? -1) >= 0 || data.records?.length !== 0)
    if (isNews || atOnce) parked.answer(toResponse(parked.context.respond(results, this.world.now)))
    else parked.context.settle(results)
    return isNews || atOnce
  }

  private read(parked: Parked): PartitionResult[] {
    return parked.context.candidates().map((partition) => ({ partition, data: this.readOne(parked, partition) }))
  }

  private readOne({ replica, brokerEpoch }: Parked, asked: SessionPartition): PartitionData {
    const error = this.machine.fetchError(replica, brokerEpoch, asked.currentLeaderEpoch)
    if (error !== ErrorCode.NONE) return dataOf(error, -1, Buffer.alloc(0))
    const parting = divergence(
      asked.lastFetchedEpoch,
      asked.fetchOffset,
      this.log.endOffsetFor(asked.lastFetchedEpoch),
      this.log.endOffsetFor(this.log.lastEpoch),
    )
    if (parting === 'out of range' || (parting === null && asked.fetchOffset > this.log.end)) {
      return dataOf(ErrorCode.OFFSET_OUT_OF_RANGE, -1, Buffer.alloc(0))
    }
    if (parting !== null) return { ...dataOf(ErrorCode.NONE, this.machine.highWatermark, Buffer.alloc(0)), divergingEpoch: parting }
    const { fetchOffset, logStartOffset } = asked
    this.input({ type: 'followerFetched', replica, brokerEpoch, leaderEpoch: asked.currentLeaderEpoch, fetchOffset, logStartOffset })
    return dataOf(ErrorCode.NONE, this.machine.highWatermark, this.log.read(fetchOffset, this.world.options.batch))
  }

  private apply(effects: readonly PartitionEffect[]): void {
    for (const effect of effects) {
      this.carryOut(effect)
      this.world.onEffect(this, effect)
    }
    this.arm()
  }

  private carryOut(effect: PartitionEffect): void {
    switch (effect.type) {
      case 'highWatermark':
        if (this.world.prng.chance(0.3) || effect.offset < this.storedHighWatermark) this.storedHighWatermark = effect.offset
        this.touch('highWatermark')
        return
      case 'becameLeader':
        assert.equal(effect.epochStartOffset, this.log.end)
        this.log.assignEpoch(effect.epoch)
        this.fetchFrom(-1, effect.epoch)
        this.touch('state')
        return
      case 'becameFollower':
        this.fetchFrom(effect.leader, effect.epoch)
        this.touch('state')
        return
      case 'proposeIsr':
        this.world.sendProposal(this, effect)
        return
      default:
    }
  }

  private touch(kind: TouchKind): void {
    this.sessions.touch(topicId, 0, kind)
  }

  private arm(): void {
    const at = this.machine.wakeAt()
    if (at >= this.armedAt) return
    this.armedAt = at
    this.world.after(this, at - this.world.now, () => {
      this.armedAt = Infinity
      this.apply(this.machine.wake(this.world.now))
    })
  }

  private fetchFrom(leader: NodeId, epoch: Epoch): void {
    if (leader !== this.fetchesFrom || leader === -1) {
      this.awaiting = []
      const { fetchWaitMs: maxWaitMs } = this.world.options
      const options = { replicaId: this.id, maxWaitMs, minBytes: 1, maxBytes: 1 << 20, partitionMaxBytes: 1 << 16, retryBackoffMs: 20 }
      this.fetcher = leader === -1 ? null : new ReplicaFetcher(options)
      this.fetchesFrom = leader
    }
    this.fetcher?.follow({ topicId, partition: 0, leaderEpoch: epoch, ...this.position() })
    this.pump()
  }

  private position(): { logEndOffset: Offset; logStartOffset: Offset; lastEpoch: Epoch } {
    return { logEndOffset: this.log.end, logStartOffset: 0, lastEpoch: this.log.lastEpoch }
  }

  private pump(): void {
    const { fetcher, world } = this
    if (fetcher === null) return
    for (;;) {
      const request = fetcher.nextRequest(world.now, this.brokerEpoch)
      if (request === null) break
      this.send(fetcher, request)
    }
    const at = fetcher.wakeAt()
    if (at >= this.fetcherArmedAt) return
    this.fetcherArmedAt = at
    world.after(this, at - world.now, () => {
      this.fetcherArmedAt = Infinity
      this.pump()
    })
  }

  /** As over one connection: answers count only in the order of the requests; anything else breaks the connection. */
  private send(fetcher: ReplicaFetcher, draft: FetchRequestDraft): void {
    this.requests += 1
    const number = this.requests
    this.awaiting.push(number)
    this.world.sendFetch(this, this.fetchesFrom, toRequest(draft), (answer) => {
      if (fetcher !== this.fetcher || !this.awaiting.includes(number)) return
      if (answer === null || this.awaiting[0] !== number) {
        this.awaiting = []
        fetcher.onFailure(this.world.now)
      } else {
        this.awaiting.shift()
        for (const action of fetcher.onResponse(this.world.now, answer)) this.follow(fetcher, action)
      }
      this.pump()
    })
  }

  private follow(fetcher: ReplicaFetcher, action: FetchAction): void {
    if (action.leaderEpoch !== this.machine.leaderEpoch) return
    const before = this.log.end
    const highWatermark = this.machine.highWatermark
    switch (action.type) {
      case 'append':
        for (const entry of entriesOf(action.records)) {
          assert.equal(entry.offset, this.log.end, 'a follower appends at its end')
          if (entry.epoch > action.leaderEpoch) break
          this.log.append(entry.epoch, entry.value)
          this.world.onAppend(this, false)
        }
        this.input({ type: 'appended', logEndOffset: this.log.end })
        this.input({ type: 'leaderSaid', leaderEpoch: action.leaderEpoch, highWatermark: action.highWatermark })
        break
      case 'advance':
        this.input({ type: 'leaderSaid', leaderEpoch: action.leaderEpoch, highWatermark: action.highWatermark })
        return
      case 'truncate':
        this.log.truncate(truncationOffset(action, this.log.endOffsetFor(action.epoch), before))
        this.world.onTruncate(this, before, highWatermark)
        this.input({ type: 'truncated', logEndOffset: this.log.end })
        break
      case 'askLeaderOffsets':
        this.world.after(this, 1, () => {
          fetcher.leaderOffsets(this.world.now, topicId, 0, action.leaderEpoch, null)
          this.pump()
        })
        return
      case 'refused':
        return
      default:
        assert.fail(`${action.type} cannot happen: logs start at 0 and elections are clean`)
    }
    fetcher.positioned(topicId, 0, action.leaderEpoch, this.position())
  }
}
