import assert from 'node:assert/strict'
import type { Millis, NodeId, Offset } from '../../base/units.ts'
import type { PartitionEffect } from '../../replication/partition-replica.ts'
import type { SimulatedBroker } from './simulated-broker.ts'
import type { PartitionController, Proposal } from './partition-controller.ts'
import { mix } from './simulated-log.ts'

type Line = readonly [at: Millis, what: string, broker: NodeId, a: number, b: number]

const storyLines = 80

/** Sees all memories and disks at once, and knows what was promised. Names of promises as in the design (REP-1 …). */
export class Judge {
  digest = 0
  private readonly brokers: readonly SimulatedBroker[]
  private readonly controller: PartitionController
  private readonly effectiveMinIsr: number
  /** What any leader has ever held below its high watermark: the chain of the log that ends at each offset. */
  private readonly committed: number[] = [0]
  private readonly acked = new Map<Offset, number>()
  private readonly writers = new Map<number, string>()
  private readonly chains = new Map<string, number>()
  private readonly highWatermarks = new Map<string, Offset>()
  private readonly lines: Line[] = []
  private readonly proposals: Proposal[] = []
  private now: Millis = 0

  constructor(brokers: readonly SimulatedBroker[], controller: PartitionController, minIsr: number) {
    this.brokers = brokers
    this.controller = controller
    this.effectiveMinIsr = Math.min(minIsr, brokers.length)
  }

  get committedEnd(): Offset {
    return this.committed.length - 1
  }

  note(what: string, broker: NodeId, a: number, b: number): void {
    this.digest = [what.length, Math.round(this.now * 1000), broker, a, b].reduce(mix, this.digest)
    this.lines.push([this.now, what, broker, a, b])
    if (this.lines.length > 2 * storyLines) this.lines.splice(0, storyLines)
  }

  story(): string {
    const lines = this.lines
      .slice(-storyLines)
      .map(([at, what, broker, a, b]) => `${at.toFixed(1).padStart(8)} ${what} broker ${broker}: ${a} ${b}`)
    const { image } = this.controller
    const state = this.brokers.map((broker) => {
      const { machine, log } = broker
      const isr = `[${machine.isr.join()}] maximal [${machine.maximalIsr.join()}]`
      return `broker ${broker.id} ${broker.isUp ? machine.role : 'down'} epoch ${machine.leaderEpoch}.${machine.partitionEpoch} hw ${machine.highWatermark} end ${log.end} isr ${isr}`
    })
    const truth = `controller: leader ${image.leader} epoch ${image.leaderEpoch}.${image.partitionEpoch} isr [${image.isr.join()}] elr [${image.elr.join()}]`
    return [...lines, ...state, truth, `committed to ${this.committedEnd}`].join('\n')
  }

  /** After every event. */
  check(now: Millis): void {
    this.now = now
    const { isr, elr } = this.controller.image
    for (const broker of this.brokers) {
      const { machine, log, id } = broker
      const known = machine.highWatermark
      assert(
        known <= this.committedEnd && log.chainAt(known) === this.committed[known],
        `REP-14: broker ${id} would show what is not committed`,
      )
      if (broker.isDamaged || !(isr.includes(id) || elr.includes(id))) continue
      const holds = log.end >= this.committedEnd && log.chainAt(this.committedEnd) === this.committed[this.committedEnd]
      assert(holds, `REP-1, REP-2: broker ${id} may be elected but lacks committed records`)
    }
  }

  onEffect(broker: SimulatedBroker, effect: PartitionEffect): void {
    if (effect.type === 'highWatermark') this.onHighWatermark(broker, effect.offset)
    else if (effect.type === 'becameLeader') this.note('leads', broker.id, effect.epoch, effect.epochStartOffset)
    else if (effect.type === 'becameFollower') this.note('follows', broker.id, effect.leader, effect.epoch)
    else if (effect.type === 'proposeIsr') this.onProposal(broker, effect)
    else if (effect.type === 'produceDone') this.note('done', broker.id, effect.ticket, effect.error)
  }

  onAppend({ log, machine, id, incarnation }: SimulatedBroker, asLeader: boolean): void {
    const last = log.entries.at(-1)
    assert(last !== undefined)
    const before = log.entries.at(-2)
    assert(before === undefined || before.epoch <= last.epoch, 'REP-5: epochs fall within a log')
    const key = `${log.end}@${last.epoch}`
    assert.equal(this.chains.get(key) ?? last.chain, last.chain, 'REP-3: one offset and epoch, two histories')
    this.chains.set(key, last.chain)
    this.note('append', id, log.end, last.epoch)
    if (!asLeader) return
    const writer = `${id}.${incarnation}`
    assert.equal(last.epoch, machine.leaderEpoch)
    assert.equal(this.writers.get(last.epoch) ?? writer, writer, `REP-4: two writers in epoch ${last.epoch}`)
    this.writers.set(last.epoch, writer)
  }

  onTruncate(broker: SimulatedBroker, before: Offset, highWatermark: Offset): void {
    this.note('truncate', broker.id, before, broker.log.end)
    assert(broker.log.end >= highWatermark, `REP-9: broker ${broker.id} cuts its log below its high watermark ${highWatermark}`)
  }

  acknowledged(broker: SimulatedBroker, offset: Offset, value: number): void {
    assert(broker.machine.isr.length >= this.effectiveMinIsr, 'REP-10: acknowledged by fewer than min.insync.replicas')
    assert(offset < this.committedEnd && broker.log.entries[offset]?.value === value, 'REP-1: acknowledged but not committed')
    this.acked.set(offset, value)
  }

  /** A produce with acks=all is about to be appended. */
  mayAppend({ machine }: SimulatedBroker): void {
    assert(machine.isr.length >= this.effectiveMinIsr, 'REP-10: appended for acks=all with fewer than min.insync.replicas')
  }

  /** A proposal of `leader` was just accepted. */
  isrChanged(leader: SimulatedBroker, proposal: Proposal): void {
    const before = this.controller.history.at(-2)?.isr ?? []
    for (const { brokerId, brokerEpoch } of proposal.isr) {
      const registration = this.controller.image.brokers.get(brokerId)
      const isKnown = brokerEpoch === -1 || brokerEpoch === registration?.brokerEpoch
      assert(before.includes(brokerId) || registration?.fenced === false, `REP-8: broker ${brokerId} joins and is fenced (KIP-841)`)
      assert(before.includes(brokerId) || isKnown, `REP-8: another incarnation of broker ${brokerId} joins (KIP-903)`)
    }
    if (leader.machine.leaderEpoch !== proposal.leaderEpoch || !leader.isLeader) return
    const start = leader.machine.epochStartOffset
    for (const { brokerId } of proposal.isr) {
      const member = this.brokers[brokerId - 1]
      if (member === undefined || member.isDamaged || leader.machine.isr.includes(brokerId)) continue
      assert(member.log.chainAt(start) === leader.log.chainAt(start), `REP-8: broker ${brokerId} joins without all from before the epoch`)
    }
  }

  /** At the end, after a time of peace. */
  verdict(values: number): void {
    const { image } = this.controller
    const leader = this.brokers[image.leader - 1]
    assert(leader !== undefined && leader.isLeader, 'REP-15: nobody leads')
    assert.equal(image.isr.length, this.brokers.length, 'REP-15: the ISR is not complete')
    for (const { id, log, machine } of this.brokers) {
      assert.equal(log.end, leader.log.end, `REP-15: broker ${id} has not caught up`)
      assert.equal(log.chainAt(log.end), leader.log.chainAt(log.end), `REP-15: broker ${id} has another log`)
      assert.equal(machine.highWatermark, leader.log.end, `REP-15: broker ${id} does not know what is committed`)
      assert.equal(machine.role === 'leader', id === image.leader, 'REP-15: two leaders')
      assert.equal(machine.wakeAt(), Infinity, `broker ${id} is idle and still wants to be woken`)
    }
    for (const [offset, value] of this.acked)
      assert.equal(leader.log.entries[offset]?.value, value, `H-3: ${value} was acknowledged and is lost`)
    assert(values === 0 || this.acked.size > 0, 'nothing was acknowledged in a time of peace')
  }

  /**
   * Whether a crash may cost this broker records. What is promised then (KIP-966): fewer than min.insync.replicas brokers lose records before
   * the controller hears of it, and some candidate for leadership has lost nothing and is not being removed by a proposal under way.
   */
  mayLose(broker: SimulatedBroker): boolean {
    const { isr, elr, partitionEpoch } = this.controller.image
    if (this.brokers.filter((each) => each.isDamaged).length + 1 >= this.effectiveMinIsr) return false
    const open = this.proposals.filter((proposal) => proposal.partitionEpoch === partitionEpoch)
    const isSafe = (id: NodeId): boolean => open.every((proposal) => proposal.isr.some((member) => member.brokerId === id))
    return [...isr, ...elr].some((id) => id !== broker.id && this.brokers[id - 1]?.isDamaged === false && isSafe(id))
  }

  private onProposal(broker: SimulatedBroker, proposal: Proposal): void {
    this.note('proposes', broker.id, proposal.isr.length, proposal.partitionEpoch)
    this.proposals.push(proposal)
  }

  private onHighWatermark(broker: SimulatedBroker, offset: Offset): void {
    this.note('high-watermark', broker.id, offset, broker.machine.leaderEpoch)
    if (!broker.isLeader) return
    const { machine, log } = broker
    const key = `${broker.id}.${broker.incarnation}.${machine.leaderEpoch}`
    assert(offset >= (this.highWatermarks.get(key) ?? 0), 'REP-6: the high watermark fell')
    this.highWatermarks.set(key, offset)
    assert(machine.isr.length >= this.effectiveMinIsr, 'REP-6: the high watermark rose below min.insync.replicas')
    for (const id of machine.maximalIsr) this.holdsUpTo(broker, id, offset)
    const known = Math.min(offset, this.committedEnd)
    assert.equal(log.chainAt(known), this.committed[known], 'H-1: two histories were committed')
    for (let next = this.committedEnd + 1; next <= offset; next++) this.committed.push(log.chainAt(next))
  }

  /** Unless it is another incarnation than the one the leader knows: that one's loss is the controller's to notice. */
  private holdsUpTo(leader: SimulatedBroker, id: NodeId, offset: Offset): void {
    const member = this.brokers[id - 1]
    if (member === undefined || member.isDamaged || leader.image.brokers.get(id)?.brokerEpoch !== member.brokerEpoch) return
    assert(
      member.log.end >= offset && member.log.chainAt(offset) === leader.log.chainAt(offset),
      `REP-6: broker ${id} of the maximal ISR lacks ${offset}`,
    )
  }
}
