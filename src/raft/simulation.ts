import { assert } from '../base/assert.ts'
import { Heap } from '../base/heap.ts'
import { Prng } from '../base/prng.ts'
import { NO_UUID, type NodeId } from '../base/units.ts'
import type { FetchReply, FetchSnapshotReply, RaftEffect, RaftInput, RaftReply, RaftRequest, RaftResponse } from './messages.ts'
import { Raft } from './raft.ts'
import { defaultTiming } from './roles.ts'
import { SimulatedNode, type Snapshot, type StoreChange } from './simulation-node.ts'
import { Oracle } from './simulation-oracle.ts'
import { VoterSet } from './voters.ts'

/**
 * Core simulation: whole quorums of machines on one seeded scheduler, under faults; the oracle's invariants hold after every event. Then all
 * is healed, and a leader and convergence are demanded (RAFT-15). The seed draws every option.
 */

/** Swarm options: each fault is off in a third of the seeds, else of any strength. */
export interface SimulationOptions {
  readonly seed: number
  readonly voters: number
  readonly observers: number
  readonly faultsMs: number
  readonly lossChance: number
  readonly duplicateChance: number
  readonly delayMaxMs: number
  readonly slowDiskChance: number
  readonly crashEveryMs: number
  readonly pauseEveryMs: number
  readonly partitionEveryMs: number
  /** One follower at a time is cut off, from all or from the leader only, while a majority stays whole (RAFT-13). */
  readonly isolateFollowerEveryMs: number
  readonly snapshotEveryMs: number
  readonly resignEveryMs: number
  readonly proposeEveryMs: number
  readonly clockDrift: number
  readonly recordsPerFetchMax: number
}

export interface SimulationResult {
  readonly options: SimulationOptions
  readonly events: number
  readonly elections: number
  /** Those after the cluster had time to settle. */
  readonly lateElections: number
  readonly committed: number
  /** From the end of the faults to a leader that may act. */
  readonly healedLeaderMs: number
  /** Same seed, same digest. */
  readonly digest: number
}

export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
}

export function drawOptions(seed: number): SimulationOptions {
  const random = new Prng(seed ^ 0x5eed)
  const maybe = (draw: () => number): number => (random.chance(1 / 3) ? 0 : draw())
  return {
    seed,
    voters: random.chance(0.7) ? 3 : 5,
    observers: random.below(3),
    faultsMs: random.between(3000, 8000),
    lossChance: maybe(() => random.fraction() ** 2 * 0.3),
    duplicateChance: maybe(() => random.fraction() * 0.3),
    delayMaxMs: random.chance(0.8) ? random.between(1, 20) : random.between(20, 300),
    slowDiskChance: maybe(() => random.fraction() * 0.1),
    crashEveryMs: maybe(() => random.between(200, 3000)),
    pauseEveryMs: maybe(() => random.between(300, 4000)),
    partitionEveryMs: maybe(() => random.between(300, 3000)),
    isolateFollowerEveryMs: 0,
    snapshotEveryMs: maybe(() => random.between(50, 2000)),
    resignEveryMs: maybe(() => random.between(500, 5000)),
    proposeEveryMs: random.between(5, 100),
    clockDrift: maybe(() => random.fraction() * 0.1),
    recordsPerFetchMax: random.between(1, 20),
  }
}

/** @throws SimulationFailure with the seed's story. */
export function simulate(seed: number, changes: Partial<SimulationOptions> = {}): SimulationResult {
  const world = new World({ ...drawOptions(seed), ...changes })
  try {
    return world.run()
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new SimulationFailure(`seed ${seed} at ${world.now.toFixed(1)} ms: ${why}\n${JSON.stringify(world.options)}\n${world.story()}`)
  }
}

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

const firstStartMaxMs = 200
const chunksPerSnapshot = 3
const storyLines = 80
const settledAfterMs = 2000
const healMaxMs = 60_000
const settleMaxMs = 20_000

class World {
  readonly options: SimulationOptions
  now = 0
  private readonly random: Prng
  private readonly queue = new Heap<Event>((a, b) => a.at - b.at || a.order - b.order)
  private order = 0
  private events = 0
  private digest = 1
  private readonly nodes: SimulatedNode[] = []
  private readonly voters: SimulatedNode[] = []
  private readonly oracle: Oracle
  private readonly voterSet: VoterSet
  /** Directed: `from>to`. */
  private readonly cut = new Set<string>()
  private readonly tickets = new Map<number, { readonly from: SimulatedNode; readonly life: number; readonly call: number }>()
  private lastTicket = 0
  private faulty = true
  private nextValue = 1
  private readonly lines: string[] = []
  private lastFetches = new Map<string, number>()

  constructor(options: SimulationOptions) {
    this.options = options
    this.random = new Prng(options.seed)
    for (let id = 1; id <= options.voters + options.observers; id += 1) {
      const rate = 1 + (this.random.fraction() * 2 - 1) * options.clockDrift
      this.nodes.push(new SimulatedNode(id, id <= options.voters, rate, this.random.below(1_000_000)))
    }
    this.voters = this.nodes.filter((node) => node.isVoter)
    this.voterSet = new VoterSet(this.voters.map((node) => ({ id: node.id, directoryId: NO_UUID })))
    this.oracle = new Oracle(() => this.voters)
  }

  run(): SimulationResult {
    const { options } = this
    for (const node of this.nodes) this.after(this.random.below(firstStartMaxMs), () => this.start(node))
    this.every(options.proposeEveryMs, () => this.propose())
    this.every(options.crashEveryMs, () => this.crashOne())
    this.every(options.pauseEveryMs, () => this.pauseOne())
    this.every(options.partitionEveryMs, () => this.partition())
    this.every(options.isolateFollowerEveryMs, () => this.isolateFollower())
    this.every(options.snapshotEveryMs, () => this.snapshotOne())
    this.every(options.resignEveryMs, () => this.resignOne())
    this.runUntil(settledAfterMs, () => false)
    const early = this.oracle.elections
    this.runUntil(options.faultsMs, () => false)
    this.heal()
    const healedAt = this.now
    const led = this.runUntil(healedAt + healMaxMs, () => this.establishedLeader() !== null)
    assert(led, `RAFT-15: no leader ${healMaxMs} ms after all was healed`)
    const healedLeaderMs = this.now - healedAt
    this.settle()
    return {
      options,
      events: this.events,
      elections: this.oracle.elections,
      lateElections: this.oracle.elections - early,
      committed: this.oracle.committed.length,
      healedLeaderMs,
      digest: this.digest,
    }
  }

  /** After healing a few more records are committed everywhere. */
  private settle(): void {
    const target = this.oracle.committed.length + 5
    const done = this.runUntil(this.now + settleMaxMs, () => this.oracle.committed.length >= target)
    assert(done, 'RAFT-15: nothing is committed after all was healed')
    this.proposing = false
    const converged = this.runUntil(this.now + settleMaxMs, () => this.nodes.every((node) => this.isConverged(node)))
    assert(converged, 'RAFT-15: the nodes do not converge')
    this.oracle.checkConverged(this.nodes)
  }

  private proposing = true

  private isConverged(node: SimulatedNode): boolean {
    const { machine } = node
    return machine !== null && machine.highWatermark === this.oracle.committed.length && machine.logEndOffset === machine.highWatermark
  }

  private establishedLeader(): SimulatedNode | null {
    const leaders = this.voters.filter((node) => node.machine?.role === 'leader')
    const newest = leaders.sort((a, b) => (b.machine?.epoch ?? 0) - (a.machine?.epoch ?? 0))[0]
    return newest !== undefined && newest.machine?.epochBefore(newest.machine.highWatermark) === newest.machine?.epoch ? newest : null
  }

  // --- scheduler ---

  private after(delay: number, run: () => void): void {
    this.order += 1
    this.queue.push({ at: this.now + delay, order: this.order, run })
  }

  private every(period: number, run: () => void): void {
    if (period <= 0) return
    const next = (): void =>
      this.after(this.random.between(1, 2 * period), () => {
        run()
        next()
      })
    next()
  }

  private runUntil(until: number, done: () => boolean): boolean {
    while (!done()) {
      const event = this.queue.peek()
      if (event === undefined || event.at > until) {
        this.now = until
        return false
      }
      this.queue.pop()
      this.now = event.at
      this.events += 1
      event.run()
    }
    return true
  }

  private tell(line: string): void {
    this.lines.push(`${this.now.toFixed(1).padStart(9)} ${line}`)
    if (this.lines.length > 2 * storyLines) this.lines.splice(0, storyLines)
  }

  story(): string {
    const nodes = this.nodes.map(
      (node) => `  ${node.name}: ${node.machine?.describe() ?? 'down'}${node.pausedUntil > this.now ? ' (paused)' : ''}`,
    )
    return [...this.lines.slice(-storyLines), ...nodes].join('\n')
  }

  private note(node: NodeId, what: number): void {
    this.digest = (Math.imul(this.digest ^ node, 0x01000193) ^ Math.imul(what, 0x9e3779b1) ^ Math.floor(this.now * 8)) >>> 0
  }

  // --- nodes ---

  private start(node: SimulatedNode): void {
    if (node.machine !== null) return
    node.life += 1
    node.machine = new Raft({
      local: { id: node.id, directoryId: NO_UUID },
      voters: this.voterSet,
      observer: !node.isVoter,
      timing: { ...defaultTiming, parkedFetchesMax: 4 },
      state: node.written.state,
      log: node.written.outline(),
      random: new Prng(this.random.uint32()),
    })
    this.tell(`${node.name} starts: ${node.machine.describe()}`)
    this.step(node, { kind: 'start' })
  }

  private step(node: SimulatedNode, input: RaftInput): void {
    const { machine } = node
    if (machine === null) return
    this.note(node.id, input.kind.length * 31 + (input.kind === 'request' ? input.request.kind.length : 0))
    this.perform(node, machine.step(node.localTime(this.now), input))
    this.afterEvent(node)
  }

  private afterEvent(node: SimulatedNode): void {
    const { machine } = node
    if (machine === null) return
    if (machine.role === 'leader' && machine.wakeAt() > node.localTime(this.now)) this.checkQuorum(node)
    node.wakeSequence += 1
    const sequence = node.wakeSequence
    const at = machine.wakeAt()
    if (at === Infinity) return
    const delay = Math.max(0, node.globalTime(at) - this.now)
    this.after(delay, () => this.wake(node, sequence))
  }

  private wake(node: SimulatedNode, sequence: number): void {
    if (sequence !== node.wakeSequence || node.machine === null) return
    if (node.pausedUntil > this.now) return this.after(node.pausedUntil - this.now, () => this.wake(node, sequence))
    this.note(node.id, 7)
    const local = Math.max(node.localTime(this.now), node.machine.wakeAt())
    this.perform(node, node.machine.wake(local))
    this.afterEvent(node)
  }

  /** RAFT-14: who has not been fetched from by a majority for long enough has resigned. */
  private checkQuorum(node: SimulatedNode): void {
    const epoch = node.machine?.epoch ?? 0
    const since = this.voters.map((voter) =>
      voter === node ? this.now : (this.lastFetches.get(`${node.id}/${epoch}/${voter.id}`) ?? this.ledSince(node)),
    )
    const heard = since.sort((a, b) => b - a)[this.voterSet.majority - 1] ?? 0
    const patience = (1.5 * defaultTiming.fetchTimeoutMs) / node.clockRate + 5
    assert(
      this.now - heard <= patience || this.now - node.pausedUntil < 5,
      `RAFT-14: ${node.name} leads epoch ${epoch} unheard since ${heard.toFixed(1)}`,
    )
  }

  private ledSince(node: SimulatedNode): number {
    return this.lastFetches.get(`${node.id}/${node.machine?.epoch ?? 0}`) ?? this.now
  }

  // --- effects ---

  private perform(node: SimulatedNode, effects: readonly RaftEffect[]): void {
    for (const effect of effects) this.performOne(node, effect)
  }

  private performOne(node: SimulatedNode, effect: RaftEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.send(node, effect.call, effect.to, effect.request)
      case 'reply':
        return this.reply(node, effect.ticket, effect.reply)
      case 'persistState':
        return this.write(node, effect.write, (store) => {
          store.state = effect.state
        })
      case 'appendLeaderChange':
        this.oracle.onLeader(node, effect.epoch)
        this.lastFetches.set(`${node.id}/${effect.epoch}`, this.now)
        return this.append(node, effect.write, [{ epoch: effect.epoch, value: this.nextValue++ }])
      case 'append': {
        const count = effect.endOffset - effect.baseOffset
        return this.append(
          node,
          effect.write,
          Array.from({ length: count }, () => ({ epoch: effect.epoch, value: this.nextValue++ })),
        )
      }
      case 'appendFetched':
        assert(this.fetched !== null && effect.baseOffset === this.fetched.from, 'the fetched records are at hand')
        return this.append(node, effect.write, this.fetched.entries.slice(0, effect.endOffset - effect.baseOffset))
      case 'truncate':
        this.oracle.onTruncate(node, effect.endOffset)
        return this.write(node, effect.write, (store) => store.truncate(effect.endOffset))
      case 'snapshotChunk':
        assert(this.chunk !== null, 'the fetched chunk is at hand')
        node.receiving = this.chunk
        return
      case 'installSnapshot':
        return this.install(node, effect.write)
      case 'deletePrefix':
        return this.write(node, 0, (store) => store.deletePrefix(effect.start))
      case 'highWatermark':
        return this.oracle.onHighWatermark(node, Math.max(effect.offset, node.applied.offset))
      case 'shutdownComplete':
        this.after(0, () => this.crash(node))
        return
      default:
        this.tell(`${node.name}: ${JSON.stringify(effect)}`)
    }
  }

  private append(node: SimulatedNode, write: number, entries: readonly { readonly epoch: number; readonly value: number }[]): void {
    const added = [...entries]
    for (const entry of added) {
      this.oracle.onAppend(node, node.written.endOffset, entry)
      node.written.entries.push(entry)
    }
    this.persist(node, write, (store) => {
      store.entries.push(...added)
    })
  }

  private install(node: SimulatedNode, write: number): void {
    const snapshot = node.receiving
    assert(snapshot !== null, 'the whole snapshot was fetched')
    this.oracle.onSnapshotInstalled(node, snapshot.id.offset, snapshot.hash)
    node.applied = { offset: snapshot.id.offset, hash: snapshot.hash }
    this.tell(`${node.name} installs the snapshot at ${snapshot.id.offset}`)
    this.write(node, write, (store) => store.replaceWith(snapshot))
  }

  private write(node: SimulatedNode, write: number, change: StoreChange): void {
    change(node.written)
    this.persist(node, write, change)
  }

  /** Durable some time later, in order; the word of it later still. A crash likes the time between. */
  private persist(node: SimulatedNode, write: number, change: StoreChange): void {
    node.pending.push({ write, change })
    const { life } = node
    const slow = this.faulty && this.random.chance(this.options.slowDiskChance)
    this.after(slow ? this.random.between(50, 900) : this.random.fraction() * 4, () => {
      if (node.life === life && node.machine !== null) this.flush(node, life)
    })
  }

  private flush(node: SimulatedNode, life: number): void {
    const upTo = node.pending.length
    if (upTo === 0) return
    const flushed = node.pending.splice(0, upTo)
    for (const pending of flushed) pending.change(node.durable)
    const write = Math.max(...flushed.map((pending) => pending.write))
    if (this.faulty && this.options.crashEveryMs > 0 && this.random.chance(0.002)) return this.crash(node)
    if (write > 0) this.deliver(node, life, this.random.fraction(), () => this.step(node, { kind: 'persisted', write }))
  }

  // --- network ---

  private deliver(node: SimulatedNode, life: number, delay: number, run: () => void): void {
    this.after(delay, () => {
      if (node.life !== life || node.machine === null) return
      if (node.pausedUntil > this.now) this.deliver(node, life, node.pausedUntil - this.now + this.random.fraction(), run)
      else run()
    })
  }

  private delay(): number {
    return 0.1 + this.random.fraction() * (this.faulty ? this.options.delayMaxMs : 3)
  }

  private arrives(from: NodeId, to: NodeId): boolean {
    if (this.cut.has(`${from}>${to}`)) return false
    return !(this.faulty && this.random.chance(this.options.lossChance))
  }

  private send(node: SimulatedNode, call: number, to: NodeId, request: RaftRequest): void {
    if (node.isVoter) this.oracle.onSpoken(node, request.epoch)
    if (request.kind === 'vote' && !request.preVote) this.oracle.onVote(node.id, request.epoch, node.id)
    const peer = this.nodes[to - 1]
    assert(peer !== undefined, `node ${to} is one of us`)
    const { life } = node
    const copies = this.faulty && this.random.chance(this.options.duplicateChance) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      if (!this.arrives(node.id, to)) continue
      if (peer.machine === null) this.refuse(node, life, call)
      else this.deliver(peer, peer.life, this.delay(), () => this.receive(peer, { from: node, life, call }, request))
    }
  }

  /** A process that is not there is noticed at once, mostly. */
  private refuse(node: SimulatedNode, life: number, call: number): void {
    if (this.random.chance(0.9)) this.deliver(node, life, this.delay(), () => this.step(node, { kind: 'failed', call, refused: true }))
  }

  private receive(node: SimulatedNode, sender: { from: SimulatedNode; life: number; call: number }, request: RaftRequest): void {
    this.lastTicket += 1
    this.tickets.set(this.lastTicket, sender)
    if (request.kind === 'fetch' || request.kind === 'fetchSnapshot')
      this.lastFetches.set(`${node.id}/${request.epoch}/${sender.from.id}`, this.now)
    this.step(node, { kind: 'request', ticket: this.lastTicket, request })
  }

  private reply(node: SimulatedNode, ticket: number, reply: RaftReply): void {
    const asker = this.tickets.get(ticket)
    assert(asker !== undefined, `ticket ${ticket} is answered once`)
    this.tickets.delete(ticket)
    if (node.isVoter) this.oracle.onSpoken(node, reply.epoch)
    if (reply.kind === 'vote' && reply.granted) this.onGranted(node, reply.epoch, asker)
    const response = this.respond(node, reply)
    // The moment after a vote is the best one to forget it in.
    const forgetful = this.faulty && this.options.crashEveryMs > 0 && reply.kind === 'vote' && reply.granted && this.random.chance(0.1)
    if (forgetful) this.after(0, () => this.crash(node))
    if (!this.arrives(node.id, asker.from.id)) return
    const copies = this.faulty && this.random.chance(this.options.duplicateChance) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      this.deliver(asker.from, asker.life, this.delay(), () => this.answered(asker.from, asker.call, response))
    }
  }

  /** Pre-votes bind nobody; which kind this was, the asker's state says: it has voted for itself in this epoch, or not. */
  private onGranted(node: SimulatedNode, epoch: number, asker: { from: SimulatedNode }): void {
    if (node.written.state.voted?.id === asker.from.id && node.written.state.epoch === epoch)
      this.oracle.onVote(node.id, epoch, asker.from.id)
  }

  private fetched: { readonly from: number; readonly entries: readonly { readonly epoch: number; readonly value: number }[] } | null = null
  private chunk: Snapshot | null = null

  private answered(node: SimulatedNode, call: number, answer: Response): void {
    this.fetched = answer.fetched
    this.chunk = answer.chunk
    this.step(node, { kind: 'response', call, response: answer.response })
    this.fetched = null
    this.chunk = null
  }

  private respond(node: SimulatedNode, reply: RaftReply): Response {
    if (reply.kind === 'fetch') return this.respondFetch(node, reply)
    if (reply.kind === 'fetchSnapshot') return respondSnapshot(node, reply)
    return { response: reply, fetched: null, chunk: null }
  }

  private respondFetch(node: SimulatedNode, reply: FetchReply): Response {
    const { range, ...rest } = reply
    const limit = this.random.between(1, this.options.recordsPerFetchMax)
    const entries = range === null ? [] : node.written.slice(range.from, Math.min(range.to, range.from + limit))
    const from = range?.from ?? 0
    const batches = entries.map((entry, at) => ({ epoch: entry.epoch, baseOffset: from + at, endOffset: from + at + 1 }))
    return { response: { ...rest, batches }, fetched: { from, entries: [...entries] }, chunk: null }
  }

  // --- faults and load ---

  private propose(): void {
    if (!this.proposing) return
    const leaders = this.voters.filter((node) => node.machine?.role === 'leader' && node.pausedUntil <= this.now)
    for (const node of leaders) {
      const epoch = node.machine?.leaderEpoch() ?? null
      if (epoch !== null) this.step(node, { kind: 'propose', epoch, count: this.random.between(1, 3) })
    }
  }

  private crashOne(): void {
    if (!this.faulty) return
    const leader = this.voters.find((node) => node.machine?.role === 'leader')
    this.crash(leader !== undefined && this.random.chance(0.5) ? leader : this.random.pick(this.nodes))
  }

  private crash(node: SimulatedNode): void {
    if (node.machine === null) return
    this.tell(`${node.name} crashes with ${node.pending.length} writes under way: ${node.machine.describe()}`)
    this.note(node.id, 3)
    node.crash(this.random.chance(0.5) ? 0 : this.random.below(node.pending.length + 1))
    node.life += 1
    this.after(this.random.chance(0.5) ? this.random.below(10) : this.random.between(50, 3000), () => this.start(node))
  }

  private pauseOne(): void {
    if (!this.faulty) return
    const node = this.random.pick(this.nodes)
    const forMs = this.random.chance(0.5) ? this.random.below(500) : this.random.between(500, 4000)
    node.pausedUntil = Math.max(node.pausedUntil, this.now + forMs)
    this.tell(`${node.name} pauses until ${node.pausedUntil.toFixed(0)}`)
  }

  /** Any set of directed links, an isolated node, or a bridge: two sides that only one node sees both of. */
  private partition(): void {
    this.cut.clear()
    if (!this.faulty || this.random.chance(0.4)) return
    const shape = this.random.pick(['links', 'isolate', 'oneWay', 'bridge'] as const)
    const chosen = this.random.pick(this.nodes)
    for (const a of this.nodes) {
      for (const b of this.nodes) {
        if (a !== b && this.isCut(shape, chosen, a, b)) this.cut.add(`${a.id}>${b.id}`)
      }
    }
    this.tell(`partition ${shape} around ${chosen.name}: ${[...this.cut].join(' ')}`)
  }

  private isolateFollower(): void {
    this.cut.clear()
    const leader = this.voters.find((node) => node.machine?.role === 'leader')
    if (!this.faulty || leader === undefined || this.now < settledAfterMs || this.random.chance(0.3)) return
    const follower = this.random.pick(this.voters.filter((node) => node !== leader))
    const others = this.random.chance(0.5) ? [leader] : this.nodes
    for (const other of others) {
      this.cut.add(`${follower.id}>${other.id}`)
      this.cut.add(`${other.id}>${follower.id}`)
    }
    this.tell(`${follower.name} is cut off from ${others.length === 1 ? 'the leader' : 'all'}`)
  }

  private isCut(shape: 'links' | 'isolate' | 'oneWay' | 'bridge', chosen: SimulatedNode, a: SimulatedNode, b: SimulatedNode): boolean {
    if (shape === 'links') return this.random.chance(0.3)
    if (shape === 'isolate') return a === chosen || b === chosen
    if (shape === 'oneWay') return a === chosen
    return a !== chosen && b !== chosen && a.id % 2 !== b.id % 2
  }

  private snapshotOne(): void {
    const node = this.random.pick(this.voters)
    const { machine, applied } = node
    if (machine === null || applied.offset === 0 || applied.offset <= (node.written.snapshots.at(-1)?.id.offset ?? 0)) return
    if (applied.offset > node.durable.endOffset) return
    const snapshot: Snapshot = { id: { offset: applied.offset, epoch: machine.epochBefore(applied.offset) }, hash: applied.hash }
    for (const store of [node.written, node.durable]) store.snapshots.push(snapshot)
    this.tell(`${node.name} makes a snapshot at ${applied.offset}`)
    this.step(node, { kind: 'snapshotCreated', snapshotId: snapshot.id })
  }

  private resignOne(): void {
    if (!this.faulty) return
    const leader = this.voters.find((node) => node.machine?.role === 'leader' && node.pausedUntil <= this.now)
    const epoch = leader?.machine?.leaderEpoch() ?? null
    if (leader === undefined || epoch === null) return
    const leaves = this.random.chance(0.5)
    this.tell(`${leader.name} is asked to ${leaves ? 'leave' : 'resign'}`)
    this.step(leader, leaves ? { kind: 'shutdown' } : { kind: 'resign', epoch })
  }

  private heal(): void {
    this.faulty = false
    this.cut.clear()
    this.tell('all is healed')
    for (const node of this.nodes) {
      node.pausedUntil = Math.min(node.pausedUntil, this.now)
      this.start(node)
      this.afterEvent(node)
    }
  }
}

interface Response {
  readonly response: RaftResponse
  readonly fetched: { readonly from: number; readonly entries: readonly { readonly epoch: number; readonly value: number }[] } | null
  readonly chunk: Snapshot | null
}

function respondSnapshot(node: SimulatedNode, reply: FetchSnapshotReply): Response {
  const nothing = { size: 0, position: reply.position, length: 0 }
  if (reply.error !== 'NONE') return { response: { ...reply, ...nothing }, fetched: null, chunk: null }
  const { snapshotId } = reply
  const found = node.written.snapshots.find(
    (snapshot) => snapshot.id.offset === snapshotId.offset && snapshot.id.epoch === snapshotId.epoch,
  )
  if (found === undefined) return { response: { ...reply, ...nothing, error: 'SNAPSHOT_NOT_FOUND' }, fetched: null, chunk: null }
  return { response: { ...reply, size: chunksPerSnapshot, length: 1 }, fetched: null, chunk: found }
}
