import { type Millis, NEVER, type NodeId, type Offset } from '../../base/units.ts'
import type { GroupCommand, GroupReply } from '../../groups/commands.ts'
import type { GroupFact } from '../../groups/records/fact.ts'
import { refusedReply } from '../../groups/replies.ts'
import type { GroupsWorld } from '../../groups/state.ts'
import { type HostedLedger, LedgerHost, type LedgerLog } from '../../ledger/ledger-host.ts'
import { factsOf, type LogCopy, type StoredBatch } from './replicated-log.ts'
import type { Sabotage } from './sabotage.ts'
import type { Actor, Scheduler } from './scheduler.ts'

/** What a coordinator needs of its surroundings. */
export interface CoordinatorWorld {
  readonly scheduler: Scheduler
  readonly sabotage: Sabotage
  readonly commitTimeoutMs: Millis
  loadTime(): Millis
  makeLedger(broker: CoordinatorBroker): HostedLedger<GroupCommand, GroupFact, GroupReply>
  /** The copy is still the one that counts: replication will bring it on. */
  replicate(coordinator: SimulatedCoordinator, copy: LogCopy): void
  append(coordinator: SimulatedCoordinator, copy: LogCopy, facts: readonly GroupFact[], cause: GroupCommand | null): StoredBatch
  onActive(coordinator: SimulatedCoordinator, copy: LogCopy): void
  onDecided(coordinator: SimulatedCoordinator, command: GroupCommand): void
  onAnswered(copy: LogCopy, command: GroupCommand, reply: GroupReply, decidedAt: Millis): void
}

export interface CoordinatorBroker {
  readonly id: NodeId
  readonly actor: Actor
  readonly groupsWorld: GroupsWorld
  mono(): Millis
}

export type Host = LedgerHost<GroupCommand, GroupFact, GroupReply>

type Standing =
  { readonly kind: 'idle' } | { readonly kind: 'loading'; readonly copy: LogCopy } | { readonly kind: 'active'; readonly copy: LogCopy }

/** A reply with what the judges want to know of who gave it: since when it led no more, null if it still did. */
export interface ServedReply {
  readonly reply: GroupReply
  readonly deposedAt: Millis | null
}

/** Wakes in one turn, at most; more is a loop. */
const wakesPerTurnMax = 500

/**
 * One partition of the offsets topic on one broker: a LedgerHost driven as `broker/coordinators/` drives it, but within one turn and with a log whose
 * fate the seed decides. Who is deposed goes on until it is told.
 */
export class SimulatedCoordinator {
  readonly broker: CoordinatorBroker
  readonly partition: number
  private readonly world: CoordinatorWorld
  private standing: Standing = { kind: 'idle' }
  private host: Host
  private wakeOrder = 0
  /** What is being decided at this moment; null in a wake. */
  private cause: GroupCommand | null = null

  constructor(broker: CoordinatorBroker, partition: number, world: CoordinatorWorld) {
    this.broker = broker
    this.partition = partition
    this.world = world
    this.host = this.newHost()
  }

  get isActive(): boolean {
    return this.standing.kind === 'active'
  }

  /** Of the log that is read or written here. */
  get copy(): LogCopy | null {
    return this.standing.kind === 'idle' ? null : this.standing.copy
  }

  get waiting(): number {
    return this.host.waiting
  }

  private newHost(): Host {
    return new LedgerHost<GroupCommand, GroupFact, GroupReply>({
      make: () => this.world.makeLedger(this.broker),
      refuse: (command) => refusedReply(command, 'NOT_COORDINATOR'),
      commitTimeout: { afterMs: this.world.commitTimeoutMs, answer: (command) => refusedReply(command, 'COORDINATOR_NOT_AVAILABLE') },
    })
  }

  lead(copy: LogCopy): void {
    this.resign()
    this.standing = { kind: 'loading', copy }
    const { scheduler, sabotage } = this.world
    const { host } = this
    const batches = [...copy.batches]
    const half = scheduler.random.below(batches.length + 1)
    const time = this.world.loadTime()
    if (sabotage.servesWhileLoading) return this.take(host, copy, batches.slice(half), () => this.activate(copy))
    this.take(host, copy, batches.slice(0, half), () => {
      scheduler.afterFor(this.broker.actor, time, () => this.take(host, copy, batches.slice(half), () => this.activate(copy)))
    })
  }

  private take(host: Host, copy: LogCopy, batches: readonly StoredBatch[], then: () => void): void {
    if (this.host !== host || this.standing.kind !== 'loading') return
    const { sabotage } = this.world
    for (const batch of batches) {
      const isTail = batch.baseOffset >= copy.highWatermark
      const facts = factsOf(batch).filter((fact) => sabotage.replaysAtLoad(fact, isTail))
      host.onTail(batch.baseOffset, batch.lastOffset, facts.map(sabotage.loadedFact))
    }
    then()
  }

  private activate(copy: LogCopy): void {
    this.standing = { kind: 'active', copy }
    this.host.lead(this.end(copy))
    this.host.commitTo(copy.highWatermark)
    this.world.onActive(this, copy)
    if (this.world.sabotage.activates) this.decide(this.host, { api: 'activate' }, () => {})
    this.world.replicate(this, copy)
  }

  resign(): void {
    if (this.standing.kind === 'idle') return
    this.standing = { kind: 'idle' }
    this.wakeOrder += 1
    const { host } = this
    this.host = this.newHost()
    host.resign()
  }

  /** All memory is gone, and nobody is answered. */
  die(): void {
    this.standing = { kind: 'idle' }
    this.wakeOrder += 1
    this.host = this.newHost()
  }

  private end(copy: LogCopy): LedgerLog<GroupFact> {
    return {
      nextOffset: () => copy.endOffset,
      append: (facts) => (copy.isSealed ? null : this.append(copy, facts)),
    }
  }

  private append(copy: LogCopy, facts: readonly GroupFact[]): Offset {
    const batch = this.world.append(this, copy, facts, this.cause)
    this.world.replicate(this, copy)
    return batch.lastOffset
  }

  onHighWatermark(copy: LogCopy): void {
    if (this.standing.kind !== 'active' || this.standing.copy !== copy) return
    this.host.commitTo(copy.highWatermark)
    this.arm()
  }

  submit(command: GroupCommand, answer: (served: ServedReply) => void): void {
    const { standing } = this
    const refuse = (error: 'NOT_COORDINATOR' | 'COORDINATOR_LOAD_IN_PROGRESS'): void =>
      answer({ reply: refusedReply(command, error), deposedAt: null })
    if (standing.kind === 'idle') return refuse('NOT_COORDINATOR')
    if (standing.kind === 'loading') return refuse('COORDINATOR_LOAD_IN_PROGRESS')
    const { copy } = standing
    const { now } = this.world.scheduler
    this.world.onDecided(this, command)
    this.decide(this.host, command, (reply) => {
      this.world.onAnswered(copy, command, reply, now)
      answer({ reply, deposedAt: copy.deposedAt })
    })
  }

  private decide(host: Host, command: GroupCommand, answer: (reply: GroupReply) => void): void {
    const outer = this.cause
    this.cause = command
    host.submit(this.broker.mono(), command, answer)
    this.cause = outer
    this.releaseEarly(host)
    this.arm()
  }

  private releaseEarly(host: Host): void {
    if (this.world.sabotage.answersBeforeCommit && host === this.host && this.standing.kind === 'active')
      host.commitTo(this.standing.copy.endOffset)
  }

  private arm(): void {
    this.wakeOrder += 1
    const order = this.wakeOrder
    const at = this.host.wakeAt()
    if (at === NEVER) return
    this.world.scheduler.afterFor(this.broker.actor, at - this.broker.mono(), () => {
      if (order === this.wakeOrder) this.wake()
    })
  }

  private wake(): void {
    const { host } = this
    const now = this.broker.mono()
    // Time has a fraction, and a sum of two of them may fall short of a third.
    const due = Math.max(now, host.wakeAt() - now < 0.001 ? host.wakeAt() : now)
    for (let count = 0; host === this.host && host.wakeAt() <= due && count < wakesPerTurnMax; count += 1) host.wake(due)
    this.releaseEarly(host)
    this.arm()
  }
}
