import assert from 'node:assert/strict'
import { Heap } from '../../base/heap.ts'
import { Prng } from '../../base/prng.ts'
import type { Millis, NodeId, Offset } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { FetchRequest, FetchResponse } from '../../protocol/messages/fetch.ts'
import type { IsrAnswer, PartitionEffect } from '../../replication/partition-replica.ts'
import { SimulatedBroker } from './simulated-broker.ts'
import type { BrokerOptions, BrokerWorld } from './broker-world.ts'
import { ShippedController } from './shipped-controller.ts'
import type { PartitionController, Proposal } from './partition-controller.ts'
import { Judge } from './simulated-judge.ts'

const faultsUntil = 3_000
const quietFrom = 4_500
const end = 5_500
/** Of an AlterPartition, until its sender gives up on the answer. */
const proposalTimeout = 200

/** What a seed draws. */
export interface ReplicationOptions extends BrokerOptions {
  readonly brokers: number
  readonly delayMax: Millis
  readonly loss: number
  readonly duplicates: number
  readonly metadataDelayMax: Millis
  readonly crashes: number
  readonly isLossy: boolean
  readonly pauses: number
  readonly fences: number
  readonly moves: number
  readonly cuts: number
  readonly produceEveryMs: Millis
}

/** Each family of faults is off in a third of the worlds: faults that are always there hide others. */
function drawOptions(prng: Prng): ReplicationOptions {
  const maybe = (value: number): number => (prng.chance(1 / 3) ? 0 : value)
  const brokers = prng.pick([2, 3, 3, 3, 4])
  return {
    brokers,
    minIsr: prng.between(1, Math.min(3, brokers)),
    delayMax: prng.pick([2, 10, 40]),
    loss: maybe(prng.fraction() * 0.15),
    duplicates: maybe(prng.fraction() * 0.15),
    metadataDelayMax: prng.pick([5, 50, 300, 1500]),
    crashes: maybe(prng.fraction() * 0.2),
    isLossy: prng.chance(0.5),
    pauses: maybe(prng.fraction() * 0.2),
    fences: maybe(prng.fraction() * 0.3),
    moves: maybe(prng.fraction() * 0.5),
    cuts: maybe(prng.fraction() * 0.2),
    produceEveryMs: prng.pick([10, 30, 80]),
    replicaLagTimeMaxMs: prng.pick([100, 300, 1000]),
    fetchWaitMs: prng.pick([20, 100]),
    sessionSlots: prng.pick([0, 0, 1, 10]),
    batch: prng.pick([1, 3, 100]),
  }
}

interface Event {
  readonly at: Millis
  readonly number: number
  readonly broker: SimulatedBroker | null
  readonly incarnation: number
  readonly run: () => void
}

class Simulation implements BrokerWorld {
  now: Millis = 0
  readonly prng: Prng
  readonly options: ReplicationOptions
  readonly controller: PartitionController
  readonly judge: Judge
  private readonly brokers: readonly SimulatedBroker[]
  private readonly events = new Heap<Event>((a, b) => a.at - b.at || a.number - b.number)
  private readonly cut = new Set<string>()
  private readonly produces = new Map<number, { readonly broker: SimulatedBroker; readonly incarnation: number; readonly offset: Offset }>()
  private scheduled = 0
  private published: number
  private values = 0
  private isHealed = false

  constructor(seed: number, overrides: Partial<ReplicationOptions>) {
    this.prng = new Prng(seed)
    this.options = { ...drawOptions(this.prng), ...overrides }
    const ids = Array.from({ length: this.options.brokers }, (_, i) => i + 1)
    this.controller = new ShippedController(ids, this.options.minIsr)
    this.published = this.controller.history.length - 1
    this.brokers = ids.map((id) => new SimulatedBroker(id, this, this.controller.image))
    this.judge = new Judge(this.brokers, this.controller, this.options.minIsr)
  }

  run(): void {
    for (const broker of this.brokers) this.after(broker, 0, () => broker.learn(this.controller.image, 0))
    this.at(0, () => this.produceSometimes())
    this.at(0, () => this.upkeepSometimes())
    this.at(20, () => this.faultSometimes())
    this.at(faultsUntil, () => this.heal())
    while (this.now < end) {
      const event = this.events.pop()
      if (event === undefined) break
      this.happen(event)
    }
    this.judge.verdict(this.values)
    for (const [value, { broker, incarnation }] of this.produces)
      assert(broker.incarnation !== incarnation, `P-4: the produce of ${value} to broker ${broker.id} was never answered`)
  }

  after(broker: SimulatedBroker, delay: Millis, run: () => void): void {
    this.schedule(this.now + Math.max(0, delay), broker, run)
  }

  sendFetch(from: SimulatedBroker, to: NodeId, request: FetchRequest, answered: (answer: FetchResponse | null) => void): void {
    let isAnswered = false
    const answerOnce = (answer: FetchResponse | null): void => {
      if (!isAnswered) answered(answer)
      isAnswered = true
    }
    const target = this.broker(to)
    this.after(from, request.maxWaitMs + 4 * this.options.delayMax + 50, () => answerOnce(null))
    if (!target.isUp) this.after(from, this.delay(), () => answerOnce(null))
    this.transmit(from.id, to, () =>
      this.after(target, this.delay(), () =>
        target.handleFetch(request, (answer) => this.transmit(to, from.id, () => this.after(from, this.delay(), () => answerOnce(answer)))),
      ),
    )
  }

  sendProposal(from: SimulatedBroker, proposal: Proposal): void {
    const { machine, brokerEpoch } = from
    let isAnswered = false
    const answer = (outcome: IsrAnswer): void => {
      if (!isAnswered && machine === from.machine) from.input({ type: 'isrAnswered', proposal: proposal.proposal, answer: outcome })
      isAnswered = true
    }
    this.after(from, proposalTimeout, () => answer({ error: ErrorCode.REQUEST_TIMED_OUT }))
    this.deliver(from.id, 0, () =>
      this.at(this.now + this.proposalDelay(), () => {
        const outcome = this.controller.alterPartition(from.id, brokerEpoch, proposal)
        this.judge.note('alter-partition', from.id, outcome.error, proposal.isr.length)
        if (outcome.error === ErrorCode.NONE) this.judge.isrChanged(from, proposal)
        this.deliver(0, from.id, () => this.after(from, this.delay(), () => answer(outcome)))
      }),
    )
  }

  onEffect(broker: SimulatedBroker, effect: PartitionEffect): void {
    this.judge.onEffect(broker, effect)
    if (effect.type !== 'produceDone') return
    const produce = this.produces.get(effect.ticket)
    assert(produce?.broker === broker, 'P-4: a produce is answered twice, or was not sent')
    this.produces.delete(effect.ticket)
    if (effect.error === ErrorCode.NONE) this.judge.acknowledged(broker, produce.offset, effect.ticket)
  }

  onAppend(broker: SimulatedBroker, asLeader: boolean): void {
    this.judge.onAppend(broker, asLeader)
  }

  onTruncate(broker: SimulatedBroker, before: Offset, highWatermark: Offset): void {
    this.judge.onTruncate(broker, before, highWatermark)
  }

  private at(at: Millis, run: () => void): void {
    this.schedule(at, null, run)
  }

  private schedule(at: Millis, broker: SimulatedBroker | null, run: () => void): void {
    this.scheduled += 1
    this.events.push({ at, number: this.scheduled, broker, incarnation: broker?.incarnation ?? 0, run })
  }

  private happen(event: Event): void {
    this.now = event.at
    const { broker } = event
    if (broker !== null && (!broker.isUp || broker.incarnation !== event.incarnation)) return
    if (broker !== null && broker.pausedUntil > this.now) {
      this.schedule(broker.pausedUntil, broker, event.run)
      return
    }
    event.run()
    this.publish()
    this.judge.check(this.now)
  }

  private broker(id: NodeId): SimulatedBroker {
    const broker = this.brokers[id - 1]
    assert(broker !== undefined)
    return broker
  }

  private delay(): Millis {
    return this.isHealed ? this.prng.fraction() * 2 : this.prng.fraction() * this.options.delayMax
  }

  /** A request may lie in a buffer until long after its sender has given up and sent it again, but not for as long as the lag that is tolerated. */
  private proposalDelay(): Millis {
    const isLate = !this.isHealed && this.prng.chance(this.options.duplicates)
    return isLate ? this.prng.fraction() * 0.9 * this.options.replicaLagTimeMaxMs : this.delay()
  }

  /** Node 0 is the controller. */
  private deliver(from: NodeId, to: NodeId, deliver: () => void): void {
    if (!this.isHealed && (this.cut.has(`${from}>${to}`) || this.prng.chance(this.options.loss))) return
    deliver()
  }

  /** Fetches and their answers may also come twice. */
  private transmit(from: NodeId, to: NodeId, deliver: () => void): void {
    this.deliver(from, to, deliver)
    if (!this.isHealed && this.prng.chance(this.options.duplicates)) this.at(this.now + this.prng.fraction() * 1500, deliver)
  }

  /** Each change of metadata reaches each broker some time, and a later one may overtake it. */
  private publish(): void {
    const index = this.controller.history.length - 1
    if (index === this.published) return
    this.published = index
    const { image } = this.controller
    this.judge.note('metadata', image.leader, image.leaderEpoch, image.isr.length * 10 + image.elr.length)
    for (const broker of this.brokers) this.tell(broker)
  }

  private tell(broker: SimulatedBroker): void {
    const { image, history } = this.controller
    const index = history.length - 1
    const delay = this.isHealed ? this.delay() : this.prng.fraction() * this.options.metadataDelayMax
    this.after(broker, delay, () => broker.learn(image, index))
  }

  private produceSometimes(): void {
    if (this.now < quietFrom) this.at(this.now + this.prng.fraction() * 2 * this.options.produceEveryMs, () => this.produceSometimes())
    const target = this.prng.chance(0.8) ? this.controller.image.leader : this.prng.between(1, this.options.brokers)
    if (target < 1 || this.now >= quietFrom) return
    const broker = this.broker(target)
    const acks = this.prng.chance(0.7) ? -1 : 1
    const epoch = this.prng.chance(0.5) ? -1 : broker.machine.leaderEpoch
    this.after(broker, this.delay(), () => this.produce(broker, acks, epoch))
  }

  private produce(broker: SimulatedBroker, acks: number, epoch: number): void {
    if (broker.machine.epochError(epoch) !== ErrorCode.NONE || broker.machine.appendError(acks) !== ErrorCode.NONE) return
    if (acks === -1) this.judge.mayAppend(broker)
    this.values += 1
    const value = this.values
    const offset = broker.produce(value)
    if (acks !== -1) return
    this.produces.set(value, { broker, incarnation: broker.incarnation, offset })
    broker.input({ type: 'produce', ticket: value, lastOffset: offset, deadline: this.now + 500 })
  }

  /** What brokers and controller do without being asked: heartbeats, sessions that end, flushes. */
  private upkeepSometimes(): void {
    this.at(this.now + 20 + this.prng.fraction() * 80, () => this.upkeepSometimes())
    for (const broker of this.brokers) {
      if (!broker.isUp) this.controller.fence(broker.id)
      else if (broker.pausedUntil <= this.now && broker.isRegistered) this.controller.unfence(broker.id, broker.brokerEpoch)
      if (this.prng.chance(0.2)) broker.log.syncedEnd = broker.log.end
    }
  }

  private faultSometimes(): void {
    if (this.isHealed) return
    this.at(this.now + this.prng.fraction() * 100, () => this.faultSometimes())
    const { crashes, pauses, fences, moves, cuts } = this.options
    const broker = this.prng.pick(this.brokers)
    if (this.prng.chance(crashes)) this.crash(broker)
    if (this.prng.chance(pauses)) this.pause(broker)
    if (this.prng.chance(fences)) this.controller.fence(broker.id)
    if (this.prng.chance(moves)) this.controller.move(broker.id)
    if (this.prng.chance(cuts)) this.cutLink(broker.id, this.prng.between(0, this.options.brokers))
  }

  private crash(broker: SimulatedBroker): void {
    if (!broker.isUp) return
    const { log } = broker
    const keep = this.options.isLossy && this.judge.mayLose(broker) ? this.prng.between(log.syncedEnd, log.end) : log.end
    this.judge.note('crash', broker.id, keep, log.end)
    broker.crash(keep)
    this.at(this.now + this.prng.fraction() * 1000, () => this.restart(broker))
  }

  private restart(broker: SimulatedBroker): void {
    if (broker.isUp) return
    broker.isUp = true
    broker.pausedUntil = 0
    broker.brokerEpoch = this.controller.register(broker.id, broker.isDamaged)
    broker.isDamaged = false
    this.judge.note('restart', broker.id, broker.brokerEpoch, broker.log.end)
    this.tell(broker)
  }

  private pause(broker: SimulatedBroker): void {
    broker.pausedUntil = this.now + this.prng.fraction() * 800
    this.judge.note('pause', broker.id, Math.round(broker.pausedUntil), 0)
  }

  private cutLink(a: NodeId, b: NodeId): void {
    const links = this.prng.chance(0.5) ? [`${a}>${b}`, `${b}>${a}`] : [`${a}>${b}`]
    for (const link of links) this.cut.add(link)
    this.judge.note('cut', a, b, links.length)
    this.at(this.now + this.prng.fraction() * 1000, () => {
      for (const link of links) this.cut.delete(link)
    })
  }

  private heal(): void {
    this.isHealed = true
    this.judge.note('heal', 0, 0, 0)
    for (const broker of this.brokers) {
      broker.pausedUntil = 0
      if (!broker.isUp) this.restart(broker)
      else this.tell(broker)
    }
  }
}

/** One seed. Returns the digest of all that happened. @throws Error with the story of what was broken. */
export function simulateReplication(seed: number, overrides: Partial<ReplicationOptions> = {}): number {
  const simulation = new Simulation(seed, overrides)
  try {
    simulation.run()
  } catch (error) {
    const story = `seed ${seed} at ${simulation.now.toFixed(1)} ms: ${error instanceof Error ? error.message : String(error)}\n${JSON.stringify(simulation.options)}\n${simulation.judge.story()}`
    throw new Error(story, { cause: error })
  }
  return simulation.judge.digest
}
