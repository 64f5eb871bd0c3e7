import { assert } from '../base/assert.ts'
import { DiskError, type Ports, type Timer } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import { type Epoch, type Millis, NEVER, NO_NODE, NO_UUID, type NodeId, type Offset, type Timestamp, type Uuid } from '../base/units.ts'
import { MalformedError } from '../protocol/reader.ts'
import type { LogOutline, OffsetAndEpoch } from '../raft/log-shape.ts'
import { EMPTY_LOG } from '../raft/log-shape.ts'
import type { DurableState, RaftEffect, RaftInput, RaftReply, RaftRequest, ReplicaStanding } from '../raft/messages.ts'
import { Raft } from '../raft/raft.ts'
import { defaultTiming, type RaftTiming } from '../raft/roles.ts'
import { VoterSet } from '../raft/voters.ts'
import { cutIntoBatches, dataBatch, leaderChangeBatch, type MetadataBatch, metadataBatchBytesMax, valuesOf } from './metadata-batch.ts'
import { MetadataLog, metadataTopic } from './metadata-log.ts'
import type { MetadataQuorum, MetadataSnapshot, QuorumEndpoint, QuorumLeader, QuorumListener } from './metadata-quorum.ts'
import { formatQuorumState, quorumStateFileName, readQuorumState } from './quorum-state.ts'
import { RaftPeers } from './raft-peers.ts'
import type { RaftAnswer } from './raft-wire.ts'
import { writeSnapshotFile } from './snapshot-file.ts'

/** One entry of `controller.quorum.voters`. */
export interface RaftVoter {
  readonly id: NodeId
  readonly host: string
  readonly port: number
}

export interface RaftNodeOptions {
  readonly nodeId: NodeId
  readonly clusterId: string
  /** `directory.id` of meta.properties of the metadata log directory; NO_UUID for an observer in memory. */
  readonly directoryId: Uuid
  readonly voters: readonly RaftVoter[]
  /** A voter keeps its log in `<directory>/__cluster_metadata-0`; null: an observer, whose log is in memory only. */
  readonly directory: string | null
  /** Name of the controller listener, as `controller.listener.names`. */
  readonly listenerName: string
  /** `controller.quorum.fetch.timeout.ms`; what is left out is as in `defaultTiming`. */
  readonly fetchTimeoutMs?: number
  /** `controller.quorum.election.timeout.ms` */
  readonly electionTimeoutMs?: number
  /** `controller.quorum.election.backoff.max.ms` */
  readonly electionBackoffMaxMs?: number
  /** `controller.quorum.request.timeout.ms` */
  readonly requestTimeoutMs?: number
  /** `metadata.log.segment.bytes` */
  readonly segmentBytes?: number
  /** The disk has failed: this node has stopped taking part and must not be used any more. Without it the error is thrown. */
  readonly onFailure?: (error: DiskError) => void
}

/** What a peer's request is answered with: the machine's words and the bytes that go along. */
export interface RaftOutcome {
  readonly reply: RaftReply
  readonly records: readonly Buffer[]
  readonly piece: { readonly size: number; readonly bytes: Buffer } | null
}

export interface QuorumDescription {
  readonly leader: QuorumLeader
  readonly highWatermark: Offset
  readonly voters: readonly DescribedReplica[]
  readonly observers: readonly DescribedReplica[]
}

export interface DescribedReplica {
  readonly id: NodeId
  readonly directoryId: Uuid
  readonly logEndOffset: Offset
  /** Wall-clock milliseconds; -1 when unknown. */
  readonly lastFetchAt: Timestamp
  readonly lastCaughtUpAt: Timestamp
}

interface Asked {
  readonly maxBytes: number
  readonly answer: (outcome: RaftOutcome) => void
}

const segmentBytesDefault = 1024 * 1024 * 1024
/** Of appended and not yet committed records: a leader without followers must not fill its memory. */
const uncommittedBytesMax = 64 * 1024 * 1024

/**
 * KRaft: `MetadataQuorum` over a Raft machine. Its request handlers are made by `raftHandlers(node)` in raft-handlers.ts.
 *
 * A turn: inputs go to the machine, its effects are carried out at once (appends into the page cache, requests to the peers), and at the end of
 * the turn one fdatasync makes all of it durable, which the machine is told. The listener is told last, when the machine is at rest, so that it
 * may append from within.
 */
export class RaftNode implements MetadataQuorum {
  private readonly ports: Ports
  private readonly options: RaftNodeOptions
  private readonly peers: RaftPeers
  private readonly logDirectory: string | null
  private machine: Raft | null = null
  private log: MetadataLog
  private listener: QuorumListener | null = null
  private known: QuorumLeader = { id: NO_NODE, epoch: 0, endpoint: null }
  private timer: Timer | null = null
  private timerAt: Millis = NEVER
  private lastWrite = 0
  private writesGathered = false
  private unwrittenState: DurableState | null = null
  private state: DurableState = { epoch: 0, leaderId: NO_NODE, voted: null }
  private delivered: Offset = 0
  private deliveredBytes = 0
  private readonly news: (() => void)[] = []
  private telling = false
  private readonly asked = new Map<number, Asked>()
  private lastTicket = 0
  /** Values of the proposals being made, by order. */
  private proposed: readonly Buffer[] = []
  private answer: RaftAnswer | null = null
  private snapshotting = false
  private status: 'new' | 'running' | 'stopping' | 'stopped' = 'new'
  private stopped: (() => void) | null = null
  private stopping: Promise<void> | null = null

  constructor(ports: Ports, options: RaftNodeOptions) {
    this.ports = ports
    this.options = options
    this.log = MetadataLog.inMemory(ports)
    this.logDirectory = options.directory === null ? null : `${options.directory}/${metadataTopic}-0`
    const endpoint = options.directory === null ? null : this.endpointOf(options.nodeId)
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

  get highWatermark(): Offset {
    return this.machine?.highWatermark ?? 0
  }

  get logEndOffset(): Offset {
    return this.log.endOffset
  }

  get bytesSinceSnapshot(): number {
    return this.deliveredBytes
  }

  async start(listener: QuorumListener): Promise<void> {
    assert(this.status === 'new', 'a node starts once')
    this.listener = listener
    const outline = await this.open()
    this.machine = this.makeMachine(outline)
    this.status = 'running'
    const snapshot = this.log.latestSnapshot
    if (snapshot !== null) this.tell(() => this.deliverSnapshot(snapshot))
    this.input({ kind: 'start' })
  }

  private async open(): Promise<LogOutline> {
    if (this.logDirectory === null) return EMPTY_LOG
    const { log, outline } = await MetadataLog.onDisk(this.ports, this.logDirectory, this.options.segmentBytes ?? segmentBytesDefault)
    this.log = log
    this.state = readQuorumState(this.ports.disk, this.logDirectory)
    return outline
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
      timing: this.timing(),
      state: this.state,
      log,
      random: new Prng(this.ports.entropy.uint32()),
    })
  }

  private timing(): RaftTiming {
    const { fetchTimeoutMs, electionTimeoutMs, electionBackoffMaxMs, requestTimeoutMs } = this.options
    const fetchTimeout = fetchTimeoutMs ?? defaultTiming.fetchTimeoutMs
    return {
      ...defaultTiming,
      fetchTimeoutMs: fetchTimeout,
      fetchMaxWaitMs: Math.min(500, Math.floor(fetchTimeout / 4)),
      electionTimeoutMs: electionTimeoutMs ?? defaultTiming.electionTimeoutMs,
      electionBackoffMaxMs: electionBackoffMaxMs ?? defaultTiming.electionBackoffMaxMs,
      requestTimeoutMs: requestTimeoutMs ?? defaultTiming.requestTimeoutMs,
    }
  }

  stop(): Promise<void> {
    this.stopping ??= this.handOver()
    return this.stopping
  }

  private async handOver(): Promise<void> {
    if (this.status !== 'running') return this.close()
    this.status = 'stopping'
    const done = new Promise<void>((resolve) => (this.stopped = resolve))
    this.input({ kind: 'shutdown' })
    await done
    if (this.isStopped()) return
    this.close()
    await this.log.close()
  }

  /** Stops at once, without a word to anyone and without touching the disk: as if the process had died. */
  abandon(): void {
    this.machine = null
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
    for (const ticket of [...this.asked.keys()]) this.settle(ticket, { reply: this.gone(), records: [], piece: null })
  }

  private gone(): RaftReply {
    const standing = { error: 'BROKER_NOT_AVAILABLE' as const, epoch: this.known.epoch, leaderId: NO_NODE }
    return { kind: 'fetch', ...standing, highWatermark: -1, logStartOffset: -1, diverging: null, snapshotId: null, range: null }
  }

  append(epoch: Epoch, values: readonly Buffer[]): Offset | null {
    assert(values.length > 0, 'an append has records')
    const { machine } = this
    if (machine === null || this.status !== 'running' || machine.leaderEpoch() !== epoch) return null
    if (this.log.bytesBetween(machine.highWatermark, machine.logEndOffset) > uncommittedBytesMax) return null
    for (const list of cutIntoBatches(values)) {
      this.proposed = list
      this.input({ kind: 'propose', epoch, count: list.length })
    }
    return this.log.endOffset - 1
  }

  resign(epoch: Epoch): void {
    this.input({ kind: 'resign', epoch })
  }

  async writeSnapshot(endOffset: Offset, batches: Iterable<readonly Buffer[]>): Promise<void> {
    const { machine, logDirectory } = this
    const latest = this.log.latestSnapshot?.offset ?? 0
    if (machine === null || logDirectory === null || this.snapshotting || endOffset <= latest) return
    assert(endOffset <= this.delivered, 'a snapshot is of what was delivered')
    const id = { offset: endOffset, epoch: machine.epochBefore(endOffset) }
    const writtenAt = this.ports.clock.wall()
    const content = { id, lastContainedTimestamp: this.log.timestampBefore(endOffset), writtenAt, batches }
    this.snapshotting = true
    try {
      await writeSnapshotFile(this.ports.disk, logDirectory, content, () => this.nextTurn())
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
    this.deliveredBytes = this.log.bytesBetween(id.offset, this.delivered)
    this.input({ kind: 'snapshotCreated', snapshotId: id })
  }

  private nextTurn(): Promise<void> {
    return new Promise((resolve) => this.ports.clock.after(0, resolve))
  }

  /** A voter's only: an observer keeps nothing that it has delivered. */
  redeliver(): void {
    assert(this.isVoter, 'an observer keeps no log')
    const upTo = this.delivered
    const { latestSnapshot } = this.log
    if (latestSnapshot === null) this.listener?.onSnapshot(emptySnapshot)
    else this.deliverSnapshot(latestSnapshot)
    this.delivered = latestSnapshot?.offset ?? 0
    this.deliveredBytes = 0
    this.deliver(upTo)
  }

  /** The answer to a peer's request. */
  ask(request: RaftRequest, maxBytes: number): Promise<RaftOutcome> {
    if (this.machine === null || this.status !== 'running') return Promise.resolve({ reply: this.gone(), records: [], piece: null })
    this.lastTicket += 1
    const ticket = this.lastTicket
    return new Promise((answer) => {
      this.asked.set(ticket, { maxBytes: Math.min(maxBytes, metadataBatchBytesMax), answer })
      this.input({ kind: 'request', ticket, request })
    })
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
    return {
      leader: this.known,
      highWatermark: this.highWatermark,
      voters: found.voters.map(described),
      observers: found.observers.map(described),
    }
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
    const { machine } = this
    if (machine === null || this.isStopped()) return
    this.run(() => machine.step(this.ports.clock.mono(), input))
  }

  private onTimer(): void {
    const { machine } = this
    this.timer = null
    this.timerAt = NEVER
    if (machine === null || this.isStopped()) return
    this.run(() => machine.wake(this.ports.clock.mono()))
  }

  private run(turn: () => readonly RaftEffect[]): void {
    try {
      for (const effect of turn()) this.perform(effect)
      this.arm()
    } catch (error) {
      this.onError(error)
    }
    this.tellNews()
  }

  private onError(error: unknown): void {
    if (!(error instanceof DiskError)) throw error
    this.ports.log.write('error', 'metadata-log-failed', `the metadata log in ${error.path} failed: ${error.message}`, { code: error.code })
    this.close()
    this.log.abandon()
    this.stopped?.()
    if (this.options.onFailure === undefined) throw error
    this.options.onFailure(error)
  }

  private arm(): void {
    const at = this.machine?.wakeAt() ?? NEVER
    if (at === this.timerAt && this.timer !== null) return
    this.timer?.cancel()
    this.timer = null
    this.timerAt = at
    if (at !== NEVER) this.timer = this.ports.clock.after(Math.max(0, at - this.ports.clock.mono()), () => this.onTimer())
  }

  private perform(effect: RaftEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.peers.send(effect.call, effect.to, effect.request, effect.timeoutMs)
      case 'reply':
        return this.reply(effect.ticket, effect.reply)
      case 'persistState':
        this.unwrittenState = effect.state
        return this.gatherWrite(effect.write)
      case 'append':
        return this.appendOwn(effect, dataBatch(this.stampAt(effect.baseOffset, effect.epoch), this.proposed))
      case 'appendLeaderChange':
        return this.appendOwn(effect, this.leaderChange(effect))
      case 'appendFetched':
        this.log.append(this.fetchedBytes(effect.endOffset), this.machine?.epoch ?? 0)
        return this.gatherWrite(effect.write)
      case 'truncate':
        this.log.truncate(effect.endOffset)
        return this.gatherWrite(effect.write)
      case 'snapshotChunk':
        assert(this.answer?.piece != null, 'the piece is at hand')
        return this.log.receive(effect.snapshotId, effect.position, this.answer.piece)
      case 'installSnapshot':
        this.log.install(effect.snapshotId, () => this.writeState(this.unwrittenState ?? this.state))
        this.tell(() => this.deliverSnapshot(effect.snapshotId))
        return this.gatherWrite(effect.write)
      case 'deletePrefix':
        return this.log.deletePrefix(effect.start)
      case 'highWatermark':
        return this.tell(() => this.deliver(effect.offset))
      case 'leaderChange':
        return this.onLeaderChange(effect.leaderId, effect.epoch)
      case 'leading':
        return this.tell(() => this.listener?.onLeader(effect.epoch))
      case 'resigned':
        return this.tell(() => this.listener?.onResigned(effect.epoch))
      case 'shutdownComplete':
        return this.stopped?.()
    }
  }

  // --- writes: done in the turn, durable at its end ---

  private appendOwn(effect: { readonly write: number; readonly epoch: Epoch }, bytes: Buffer): void {
    this.log.append(bytes, effect.epoch)
    this.gatherWrite(effect.write)
  }

  private stampAt(baseOffset: Offset, epoch: Epoch) {
    return { baseOffset, epoch, timestamp: this.ports.clock.wall() }
  }

  private leaderChange(effect: Extract<RaftEffect, { kind: 'appendLeaderChange' }>): Buffer {
    const voters = effect.voters.map((voter) => ({ voterId: voter.id }))
    const grantingVoters = effect.granting.map((voter) => ({ voterId: voter.id }))
    const message = { version: 0, leaderId: this.options.nodeId, voters, grantingVoters }
    return leaderChangeBatch(this.stampAt(effect.offset, effect.epoch), message)
  }

  private fetchedBytes(endOffset: Offset): Buffer {
    const batches: readonly MetadataBatch[] = this.answer?.batches ?? []
    const taken = batches.filter((batch) => batch.header.lastOffset < endOffset)
    // A copy: the batches are views of the received frame, which would be kept whole.
    return Buffer.concat(taken.map((batch) => batch.bytes))
  }

  private gatherWrite(write: number): void {
    this.lastWrite = write
    if (this.writesGathered) return
    this.writesGathered = true
    this.ports.clock.endOfTurn(() => this.flush())
  }

  private flush(): void {
    this.writesGathered = false
    if (this.isStopped()) return
    const write = this.lastWrite
    try {
      this.log.flush()
      if (this.unwrittenState !== null) this.writeState(this.unwrittenState)
    } catch (error) {
      this.onError(error)
    }
    this.input({ kind: 'persisted', write })
  }

  private writeState(state: DurableState): void {
    this.state = state
    this.unwrittenState = null
    if (this.logDirectory === null) return
    const voters = this.options.voters.map((voter) => voter.id)
    this.ports.disk.replaceSmallSync(`${this.logDirectory}/${quorumStateFileName}`, formatQuorumState(state, voters))
  }

  // --- answers to peers ---

  private reply(ticket: number, reply: RaftReply): void {
    const asked = this.asked.get(ticket)
    if (asked === undefined) return
    if (reply.kind === 'fetch' && reply.range !== null) {
      const found = this.log.read(reply.range.from, reply.range.to, asked.maxBytes)
      if (found instanceof Promise) this.replyLater(ticket, reply, found)
      else this.settle(ticket, { reply, records: found, piece: null })
    } else if (reply.kind === 'fetchSnapshot' && reply.error === 'NONE') {
      this.settle(ticket, this.piece(reply, asked.maxBytes))
    } else this.settle(ticket, { reply, records: [], piece: null })
  }

  /** What was read from disk is a leader's word only if it still leads. */
  private replyLater(ticket: number, reply: RaftReply, found: Promise<readonly Buffer[]>): void {
    found.then(
      (records) => {
        const leads = this.machine?.leaderEpoch() === reply.epoch
        this.settle(ticket, {
          reply: leads ? reply : { ...reply, error: 'NOT_LEADER_OR_FOLLOWER' },
          records: leads ? records : [],
          piece: null,
        })
      },
      (error: unknown) => this.onError(error),
    )
  }

  private piece(reply: Extract<RaftReply, { kind: 'fetchSnapshot' }>, maxBytes: number): RaftOutcome {
    const found = this.log.snapshotPiece(reply.snapshotId, reply.position, maxBytes)
    if (found === null) return { reply: { ...reply, error: 'SNAPSHOT_NOT_FOUND' }, records: [], piece: null }
    if (found.bytes === null) return { reply: { ...reply, error: 'POSITION_OUT_OF_RANGE' }, records: [], piece: null }
    return { reply, records: [], piece: { size: found.size, bytes: found.bytes } }
  }

  private settle(ticket: number, outcome: RaftOutcome): void {
    const asked = this.asked.get(ticket)
    this.asked.delete(ticket)
    asked?.answer(outcome)
  }

  // --- telling the listener ---

  private onLeaderChange(id: NodeId, epoch: Epoch): void {
    const leader = { id, epoch, endpoint: this.endpointOf(id) }
    this.known = leader
    this.ports.log.write(
      'info',
      'quorum-leader',
      id === NO_NODE ? `quorum epoch ${epoch}: no leader` : `quorum epoch ${epoch}: node ${id} leads`,
    )
    this.tell(() => this.listener?.onLeaderChange(leader))
  }

  private tell(news: () => void): void {
    this.news.push(news)
  }

  /** The machine is at rest: what a listener appends from within is a turn of its own, and its news come after those that wait. */
  private tellNews(): void {
    if (this.telling) return
    this.telling = true
    try {
      for (let news = this.news.shift(); news !== undefined; news = this.news.shift()) news()
    } finally {
      this.telling = false
    }
  }

  private deliverSnapshot(id: OffsetAndEpoch): void {
    const found = this.log.withSnapshot((snapshot) => {
      this.listener?.onSnapshot(snapshot)
      return snapshot.endOffset
    })
    if (found !== id.offset) throw new MalformedError(`snapshot ${id.offset} is not there any more`)
    this.delivered = id.offset
    this.deliveredBytes = 0
    if (!this.isVoter) this.log.release(id.offset)
  }

  private deliver(upTo: Offset): void {
    for (const batch of this.log.committed(this.delivered, upTo)) {
      const { header } = batch
      this.delivered = header.lastOffset + 1
      this.deliveredBytes += batch.bytes.length
      this.listener?.onCommitted({
        baseOffset: header.baseOffset,
        lastOffset: header.lastOffset,
        epoch: header.leaderEpoch,
        appendTime: header.maxTimestamp,
        values: valuesOf(batch),
      })
    }
    if (!this.isVoter) this.log.release(this.delivered)
  }
}

const emptySnapshot: MetadataSnapshot = { endOffset: 0, epoch: 0, lastContainedTimestamp: -1, batches: () => [] }
