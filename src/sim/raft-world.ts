import { assert } from '../base/assert.ts'
import { Heap } from '../base/heap.ts'
import { Prng } from '../base/prng.ts'
import { NO_UUID, type NodeId } from '../base/units.ts'
import type { FetchReply, FetchSnapshotReply, RaftEffect, RaftInput, RaftReply, RaftRequest, RaftResponse } from '../raft/messages.ts'
import { Raft } from '../raft/raft.ts'
import { defaultTiming } from '../raft/roles.ts'
import { VoterSet } from '../raft/voters.ts'
import { Oracle } from './raft-oracle.ts'
import { SimulatedNode, type Snapshot, type StoreChange } from './raft-simulated-node.ts'
import type { SimulationOptions } from './raft-simulation-options.ts'

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

const chunksPerSnapshot = 3
const storyLines = 80

/** The nodes, the network between them and their disks, on one scheduler. */
export class RaftWorld {
  readonly options: SimulationOptions
  now = 0
  readonly random: Prng
  private readonly queue = new Heap<Event>((a, b) => a.at - b.at || a.order - b.order)
  private order = 0
  events = 0
  digest = 1
  readonly nodes: SimulatedNode[] = []
  readonly voters: SimulatedNode[] = []
  readonly oracle: Oracle
  private readonly voterSet: VoterSet
  /** Directed: `from>to`. */
  readonly cut = new Set<string>()
  private readonly tickets = new Map<number, { readonly from: SimulatedNode; readonly life: number; readonly call: number }>()
  private lastTicket = 0
  /** Until all is healed. */
  faulty = true
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

  // --- scheduler ---

  after(delay: number, run: () => void): void {
    this.order += 1
    this.queue.push({ at: this.now + delay, order: this.order, run })
  }

  every(period: number, run: () => void): void {
    if (period <= 0) return
    const next = (): void =>
      this.after(this.random.between(1, 2 * period), () => {
        run()
        next()
      })
    next()
  }

  runUntil(until: number, done: () => boolean): boolean {
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

  tell(line: string): void {
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

  start(node: SimulatedNode): void {
    if (node.machine !== null) return
    node.life += 1
    node.machine = new Raft({
      local: { id: node.id, directoryId: NO_UUID },
      voters: this.voterSet,
      observer: !node.isVoter,
      timing: { ...defaultTiming, parkedFetchesMax: 4 },
      state: node.written.state,
      log: node.written.outline(),
      loss: node.loss,
      random: new Prng(this.random.uint32()),
    })
    this.tell(`${node.name} starts: ${node.machine.describe()}`)
    this.step(node, { kind: 'start' })
  }

  step(node: SimulatedNode, input: RaftInput): void {
    const { machine } = node
    if (machine === null) return
    this.note(node.id, input.kind.length * 31 + (input.kind === 'request' ? input.request.kind.length : 0))
    this.perform(node, machine.step(node.localTime(this.now), input))
    this.afterEvent(node)
  }

  afterEvent(node: SimulatedNode): void {
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

  crash(node: SimulatedNode): void {
    if (node.machine === null) return
    this.tell(`${node.name} crashes with ${node.pending.length} writes under way: ${node.machine.describe()}`)
    this.note(node.id, 3)
    node.crash(this.random.chance(0.5) ? 0 : this.random.below(node.pending.length + 1))
    node.life += 1
    this.after(this.random.chance(0.5) ? this.random.below(10) : this.random.between(50, 3000), () => this.start(node))
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
      case 'restored':
        this.tell(`${node.name} has all again`)
        node.loss = null
        return
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
