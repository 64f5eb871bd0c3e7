import { assert } from '../base/assert.ts'
import { DiskError, type Ports, type Timer } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import { type Epoch, type Millis, NEVER, NO_NODE, NO_UUID, type NodeId, type Offset, type Timestamp } from '../base/units.ts'
import type { LogOutline, OffsetAndEpoch } from '../raft/log-shape.ts'
import type { RaftEffect, RaftInput, RaftReply, RaftRequest, ReplicaStanding } from '../raft/messages.ts'
import { Raft } from '../raft/raft.ts'
import { VoterSet } from '../raft/voters.ts'
import { cutIntoBatches } from './metadata-batch.ts'
import type { MetadataLog } from './metadata-log.ts'
import type { ControllerQuorum } from './metadata-log-server.ts'
import type { QuorumEndpoint, QuorumLeader, QuorumListener } from './metadata-quorum.ts'
import { QuorumDelivery } from './quorum-delivery.ts'
import { QuorumStorage } from './quorum-storage.ts'
import { RaftAnswers } from './raft-answers.ts'
import {
  type DescribedReplica,
  type QuorumDescription,
  type RaftNodeOptions,
  type RaftOutcome,
  type RaftVoter,
  timingOf,
} from './raft-node-options.ts'
import { RaftPeers } from './raft-peers.ts'
import type { RaftAnswer } from './raft-wire.ts'
import { writeSnapshotFile } from './snapshot-file.ts'

/** Of appended and not yet committed records: a leader without followers must not fill its memory. */
const uncommittedBytesMax = 64 * 1024 * 1024
const noBytes = Buffer.alloc(0)

/**
 * KRaft: `MetadataQuorum` over a Raft machine. Its request handlers are made by `raftHandlers(node)` in raft-handlers.ts.
 *
 * A turn: inputs go to the machine, its effects are carried out at once (appends into the page cache, requests to the peers), and at the end of
 * the turn one fdatasync makes all of it durable, which the machine is told. The listener is told last, when the machine is at rest.
 */
export class RaftNode implements ControllerQuorum {
  readonly votes = true
  readonly brokerSessions = null
  private readonly ports: Ports
  private readonly options: RaftNodeOptions
  private readonly peers: RaftPeers
  private readonly storage: QuorumStorage
  private readonly answers: RaftAnswers
  private readonly delivery: QuorumDelivery
  private machine: Raft | null = null
  private known: QuorumLeader = { id: NO_NODE, epoch: 0, endpoint: null }
  private timer: Timer | null = null
  private timerAt: Millis = NEVER
  /** Values of the proposal that is being made. */
  private proposed: readonly Buffer[] = []
  /** The peer's answer that is being taken. */
  private answer: RaftAnswer | null = null
  private snapshotting = false
  private status: 'new' | 'running' | 'stopping' | 'stopped' = 'new'
  private stopping: Promise<void> | null = null
  private onShutdown: (() => void) | null = null

  constructor(ports: Ports, options: RaftNodeOptions) {
    this.ports = ports
    this.options = options
    this.storage = new QuorumStorage(ports, options, () => this.flush())
    this.delivery = new QuorumDelivery(() => this.log, this.isVoter)
    this.answers = new RaftAnswers({
      leads: (epoch) => this.machine?.leaderEpoch() === epoch,
      onError: (error) => this.onError(error),
    })
    const endpoint = this.isVoter ? this.endpointOf(options.nodeId) : null
    const speaker = { clusterId: options.clusterId, listenerName: options.listenerName, endpoint }
    this.peers = new RaftPeers(ports, speaker, `raft-client-${options.nodeId}`, options.voters, {
      onAnswer: (call, answer) => {
        this.answer = answer
        this.input({ kind: 'response', call, response: answer.response })
        this.answer = null
      },
      onFailed: (call, refused) => this.input({ kind: 'failed', call, refused }),
    })
  }

  get isVoter(): boolean {
    return this.options.directory !== null
  }

  get clusterId(): string {
    return this.options.clusterId
  }

  get listenerName(): string {
    return this.options.listenerName
  }

  get voters(): readonly RaftVoter[] {
    return this.options.voters
  }

  get leader(): QuorumLeader {
    return this.known
  }

  /** The highest that this node has heard of; -1 before the log is open. */
  get epoch(): Epoch {
    return this.machine?.epoch ?? -1
  }

  get highWatermark(): Offset {
    return this.machine?.highWatermark ?? 0
  }

  get logEndOffset(): Offset {
    return this.log.endOffset
  }

  get bytesSinceSnapshot(): number {
    return this.delivery.bytesSinceSnapshot
  }

  private get log(): MetadataLog {
    return this.storage.log
  }

  // --- start and stop ---

  async start(listener: QuorumListener): Promise<void> {
    assert(this.status === 'new', 'a node starts once')
    this.delivery.listen(listener)
    const outline = await this.storage.open()
    this.machine = this.makeMachine(outline)
    this.status = 'running'
    const snapshot = this.log.latestSnapshot
    if (snapshot !== null) this.delivery.tellSnapshot(snapshot)
    this.input({ kind: 'start' })
  }

  private makeMachine(log: LogOutline): Raft {
    const { nodeId, directoryId, voters } = this.options
    const set = new VoterSet(voters.map((voter) => ({ id: voter.id, directoryId: NO_UUID })))
    // A broker that shares its id with a voter must not be taken for it: it reads as somebody who is no replica, as Kafka's combined nodes.
    const id = this.isVoter || !set.hasId(nodeId) ? nodeId : NO_NODE
    return new Raft({
      local: { id, directoryId },
      voters: set,
      observer: !this.isVoter,
      timing: timingOf(this.options),
      state: this.storage.state,
      log,
      loss: this.storage.loss,
      random: new Prng(this.ports.entropy.uint32()),
    })
  }

  stop(): Promise<void> {
    this.stopping ??= this.handOver()
    return this.stopping
  }

  private async handOver(): Promise<void> {
    if (this.status !== 'running') return this.close()
    this.status = 'stopping'
    const done = new Promise<void>((resolve) => (this.onShutdown = resolve))
    this.input({ kind: 'shutdown' })
    await done
    if (this.isStopped()) return
    this.close()
    await this.log.close()
  }

  /** Stops at once, without a word to anyone and without touching the disk: as if the process had died. */
  abandon(): void {
    this.close()
    this.log.abandon()
  }

  private isStopped(): boolean {
    return this.status === 'stopped'
  }

  private close(): void {
    this.status = 'stopped'
    this.timer?.cancel()
    this.peers.close()
    this.answers.settleAll(this.gone())
    this.onShutdown?.()
  }

  private gone(): RaftReply {
    const standing = { error: 'BROKER_NOT_AVAILABLE' as const, epoch: this.known.epoch, leaderId: NO_NODE }
    return { kind: 'fetch', ...standing, highWatermark: -1, logStartOffset: -1, diverging: null, snapshotId: null, range: null }
  }

  // --- MetadataQuorum ---

  append(epoch: Epoch, values: readonly Buffer[]): Offset | null {
    assert(values.length > 0, 'an append has records')
    const { machine } = this
    if (machine === null || !this.leads(epoch)) return null
    if (this.log.bytesBetween(machine.highWatermark, machine.logEndOffset) > uncommittedBytesMax) return null
    for (const list of cutIntoBatches(values)) {
      this.proposed = list
      this.input({ kind: 'propose', epoch, count: list.length })
    }
    return this.log.endOffset - 1
  }

  leads(epoch: Epoch): boolean {
    return this.status === 'running' && this.machine?.leaderEpoch() === epoch
  }

  resign(epoch: Epoch): void {
    this.input({ kind: 'resign', epoch })
  }

  async writeSnapshot(endOffset: Offset, batches: Iterable<readonly Buffer[]>): Promise<void> {
    const { machine } = this
    const { directory } = this.storage
    const latest = this.log.latestSnapshot?.offset ?? 0
    if (machine === null || directory === null || this.snapshotting || endOffset <= latest) return
    assert(endOffset <= this.delivery.deliveredOffset, 'a snapshot is of what was delivered')
    const id = { offset: endOffset, epoch: machine.epochBefore(endOffset) }
    const writtenAt = this.ports.clock.wall()
    const content = { id, lastContainedTimestamp: this.log.timestampBefore(endOffset), writtenAt, batches }
    this.snapshotting = true
    try {
      await writeSnapshotFile(this.ports.disk, directory, content, {
        yieldTurn: () => this.nextTurn(),
        onSyncFailed: (error) => this.onError(error),
      })
    } finally {
      this.snapshotting = false
    }
    this.onSnapshotWritten(id)
  }

  /** Meanwhile a newer one may have been fetched, and the log have been replaced. */
  private onSnapshotWritten(id: OffsetAndEpoch): void {
    if (this.status !== 'running') return
    if (id.offset <= (this.log.latestSnapshot?.offset ?? 0)) return this.ports.disk.remove(this.log.pathOf(id))
    this.log.onSnapshotMade(id)
    this.delivery.onSnapshotMade(id.offset)
    this.input({ kind: 'snapshotCreated', snapshotId: id })
  }

  private nextTurn(): Promise<void> {
    return new Promise((resolve) => this.ports.clock.after(0, resolve))
  }

  redeliver(): void {
    assert(this.isVoter, 'an observer keeps no log')
    this.delivery.redeliver()
  }

  // --- for the request handlers ---

  ask(request: RaftRequest, maxBytes: number): Promise<RaftOutcome> {
    if (this.machine === null || this.status !== 'running') return Promise.resolve({ reply: this.gone(), records: [], piece: null })
    return this.answers.ask(maxBytes, (ticket) => this.input({ kind: 'request', ticket, request }))
  }

  /** Null when this node does not lead. */
  describeQuorum(): QuorumDescription | null {
    const now = this.ports.clock.mono()
    const found = this.machine?.standings(now) ?? null
    if (found === null) return null
    const wall = this.ports.clock.wall()
    const at = (time: Millis): Timestamp => (time < 0 ? -1 : Math.floor(wall - (now - time)))
    const described = (it: ReplicaStanding): DescribedReplica => ({
      ...it.replica,
      logEndOffset: it.logEndOffset,
      lastFetchAt: at(it.lastFetchAt),
      lastCaughtUpAt: at(it.lastCaughtUpAt),
    })
    const { voters, observers } = found
    return { leader: this.known, highWatermark: this.highWatermark, voters: voters.map(described), observers: observers.map(described) }
  }

  endpointOf(id: NodeId): QuorumEndpoint | null {
    const voter = this.options.voters.find((candidate) => candidate.id === id)
    return voter === undefined ? null : { host: voter.host, port: voter.port }
  }

  describe(): string {
    return this.machine?.describe() ?? this.status
  }

  // --- driving the machine ---

  private input(input: RaftInput): void {
    this.drive((machine, now) => machine.step(now, input))
  }

  private drive(turn: (machine: Raft, now: Millis) => readonly RaftEffect[]): void {
    const { machine } = this
    if (machine === null || this.isStopped()) return
    try {
      for (const effect of turn(machine, this.ports.clock.mono())) this.perform(effect)
      this.arm(machine.wakeAt())
    } catch (error) {
      this.onError(error)
    }
    this.delivery.run()
  }

  private flush(): void {
    if (this.isStopped()) return
    try {
      const write = this.storage.flush()
      this.input({ kind: 'persisted', write })
    } catch (error) {
      this.onError(error)
    }
  }

  private onError(error: unknown): void {
    if (!(error instanceof DiskError)) throw error
    this.ports.log.write('error', 'metadata-log-failed', `the metadata log in ${error.path} failed: ${error.message}`, { code: error.code })
    this.abandon()
    if (this.options.onFailure === undefined) throw error
    this.options.onFailure(error)
  }

  private arm(at: Millis): void {
    if (this.isStopped() || (at === this.timerAt && this.timer !== null)) return
    this.timer?.cancel()
    this.timer = null
    this.timerAt = at
    if (at !== NEVER) this.timer = this.ports.clock.after(Math.max(0, at - this.ports.clock.mono()), () => this.onTimer())
  }

  private onTimer(): void {
    this.timer = null
    this.timerAt = NEVER
    this.drive((machine, now) => machine.wake(now))
  }

  private perform(effect: RaftEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.peers.send(effect.call, effect.to, effect.request, effect.timeoutMs)
      case 'reply':
        return this.answers.reply(this.log, effect.ticket, effect.reply)
      case 'persistState':
      case 'append':
      case 'appendLeaderChange':
      case 'appendFetched':
      case 'truncate':
        return this.storage.write(effect, this.proposed, this.answer)
      case 'installSnapshot':
        this.storage.write(effect, this.proposed, this.answer)
        return this.delivery.tellSnapshot(effect.snapshotId)
      case 'snapshotChunk':
        return this.log.receive(effect.snapshotId, effect.position, this.answer?.piece ?? noBytes)
      case 'deletePrefix':
        return this.log.deletePrefix(effect.start)
      case 'highWatermark':
        return this.delivery.tellCommitted(effect.offset)
      case 'leaderChange':
        return this.onLeaderChange(effect.leaderId, effect.epoch)
      case 'leading':
        return this.delivery.tell((listener) => listener.onLeader(effect.epoch))
      case 'resigned':
        return this.delivery.tell((listener) => listener.onResigned(effect.epoch))
      case 'restored':
        return this.storage.restored()
      case 'shutdownComplete':
        return this.onShutdown?.()
    }
  }

  private onLeaderChange(id: NodeId, epoch: Epoch): void {
    const leader = { id, epoch, endpoint: this.endpointOf(id) }
    this.known = leader
    const text = id === NO_NODE ? `quorum epoch ${epoch}: no leader` : `quorum epoch ${epoch}: node ${id} leads`
    this.ports.log.write('info', 'quorum-leader', text, { nodeId: this.options.nodeId, leader: id, epoch })
    this.delivery.tell((listener) => listener.onLeaderChange(leader))
  }
}
