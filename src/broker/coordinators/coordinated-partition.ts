import { assert } from '../../base/assert.ts'
import { type Clock, DiskError, type Log } from '../../base/ports.ts'
import { type Epoch, type Millis, NEVER, NO_EPOCH, type Offset, type Timestamp } from '../../base/units.ts'
import { type HostedLedger, LedgerHost, type LedgerLog } from '../../ledger/ledger-host.ts'
import type { AppendOutcome } from '../../log/outcomes.ts'
import { ErrorCode, type ErrorName } from '../../protocol/errors.ts'
import type { BatchHeader } from '../../protocol/records/batch-header.ts'
import type { Sleeper, WakeQueue } from '../wake-queue.ts'
import { loadLog, type ReadableLog } from './log-loading.ts'

/** What a kind of coordinator makes of a partition of its topic. */
export interface LedgerKind<Command, Fact, Reply> {
  make(): HostedLedger<Command, Fact, Reply>
  /** @throws what makes the batch unreadable: the partition is not coordinated then */
  facts(header: BatchHeader, bytes: Buffer, at: number): readonly Fact[]
  /** One batch. */
  batch(facts: readonly Fact[]): Buffer
  /** `max.message.bytes` of the topic. */
  batchBytesMax(): number
  refuse(command: Command, error: ErrorName): Reply
  /** Commands that can be answered while too few replicas are in sync to write anything. */
  isRead(command: Command): boolean
  /** Commands that tell what others may rely on, and write nothing by which a leader that was deposed would find that out. */
  mustBeFresh(command: Command): boolean
  /** The first command after the log has been read. */
  readonly activate: Command
}

/** The replica under a coordinator; `HostedPartition` is one. */
export interface CoordinatedReplica {
  readonly name: string
  readonly isLeader: boolean
  readonly replica: {
    readonly leaderEpoch: Epoch
    readonly highWatermark: Offset
    /** NONE, NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS */
    appendError(acks: number): ErrorCode
  }
  readonly log: ReadableLog
  /** @throws DiskError, with nothing changed */
  appendAsLeader(records: Buffer, now: Timestamp): AppendOutcome
}

export interface CoordinatedPartitionOptions {
  readonly clock: Clock
  readonly log: Log
  readonly wakeQueue: WakeQueue
  /** Until a decision's records are committed; then COORDINATOR_NOT_AVAILABLE (`offsets.commit.timeout.ms`). */
  readonly commitTimeoutMs: Millis
  readonly loadChunkBytes: number
  /** Until then nobody else can lead what this broker leads. */
  leaseUntil(): Millis
  onDiskError(error: DiskError): void
}

/** While too few replicas are in sync, what is due waits for so long before it is looked at again. */
const writeRetryMs: Millis = 100
/** After a write has failed the log is read anew, but not more often than this: a full disk may stay full for long. */
const readAnewMs: Millis = 500
/** A load that takes longer is worth a line at the level of information. */
const slowLoadMs: Millis = 1_000

type Standing =
  | { readonly kind: 'idle' }
  | { readonly kind: 'loading'; readonly epoch: Epoch }
  | { readonly kind: 'active'; readonly epoch: Epoch }
  /** The log cannot be read, or a write has failed. Another leader may do better; here nothing is said rather than something wrong. */
  | { readonly kind: 'failed'; readonly epoch: Epoch }

/**
 * One partition of a coordinator's topic on this broker.
 *
 *   idle --led here in epoch e--> loading(e) --all read--> active(e) --not led here, or in another epoch--> idle
 *                                     `--unreadable--> failed(e) --------------------------------------------^
 *                                                      failed(e) <--a write fails-- active(e);  failed(e) --after a while--> loading(e)
 *
 *  1. Commands are decided only in `active`, by the ledger that has replayed the whole log; the log grows only by its decisions (and by what an
 *     administrator writes there by hand, which counts from the next load on).
 *  2. `active(e)` and `loading(e)` end as soon as the replica is not the leader in e any more; every command checks that itself.
 *  3. What the ledger has replayed may still be lost with this leader: no answer leaves before the high watermark has passed all it has seen.
 *  4. A broker that stood still may have been replaced without knowing it. What it then writes is never committed; what it would merely tell is told
 *     only while its lease with the controller lasts (`leaseUntil`).
 *  5. A decision changes what no log holds (sessions, deadlines, who waits) before its records are written: a ledger whose write has failed is thrown
 *     away, or a member whose time is up would never be put out.
 *  6. A change of epoch throws the ledger away, also when the leader stays: in between another may have written.
 */
export class CoordinatedPartition<Command, Fact, Reply> implements Sleeper {
  private readonly hosted: CoordinatedReplica
  private readonly kind: LedgerKind<Command, Fact, Reply>
  private readonly options: CoordinatedPartitionOptions
  private standing: Standing = { kind: 'idle' }
  private host: LedgerHost<Command, Fact, Reply>
  private retryWriteAt: Millis = 0
  private writeFailed = false
  /** What a command is answered with whose records could not be written. */
  private whyNotWritten: ErrorName = 'NOT_COORDINATOR'

  constructor(hosted: CoordinatedReplica, kind: LedgerKind<Command, Fact, Reply>, options: CoordinatedPartitionOptions) {
    this.hosted = hosted
    this.kind = kind
    this.options = options
    this.host = this.newHost()
  }

  get isActive(): boolean {
    return this.standing.kind === 'active' && this.leadsIn(this.standing.epoch)
  }

  get isLoading(): boolean {
    return this.standing.kind === 'loading'
  }

  get isIdle(): boolean {
    return this.standing.kind === 'idle'
  }

  /** Commands and answers that wait. */
  get waiting(): number {
    return this.host.waiting
  }

  private newHost(): LedgerHost<Command, Fact, Reply> {
    return new LedgerHost<Command, Fact, Reply>({
      make: () => this.kind.make(),
      refuse: (command) => this.kind.refuse(command, this.whyNotWritten),
      commitTimeout: {
        afterMs: this.options.commitTimeoutMs,
        answer: (command) => this.kind.refuse(command, 'COORDINATOR_NOT_AVAILABLE'),
      },
    })
  }

  /** To be called after anything that may concern it has changed: leadership, epoch, high watermark. */
  look(): void {
    const { replica, isLeader } = this.hosted
    const epoch = isLeader ? replica.leaderEpoch : NO_EPOCH
    if (this.standing.kind !== 'idle' && this.standing.epoch !== epoch) this.resign()
    if (epoch !== NO_EPOCH && this.standing.kind === 'idle') void this.load(epoch)
    if (this.standing.kind === 'active') this.host.commitTo(replica.highWatermark)
  }

  private leadsIn(epoch: Epoch): boolean {
    return this.hosted.isLeader && this.hosted.replica.leaderEpoch === epoch
  }

  private resign(): void {
    const { standing, host } = this
    this.whyNotWritten = 'NOT_COORDINATOR'
    this.standing = { kind: 'idle' }
    this.host = this.newHost()
    this.options.wakeQueue.forget(this)
    host.resign()
    if (standing.kind === 'active') this.say('debug', 'coordinator-unloaded', 'is not coordinated here any more')
  }

  private async load(epoch: Epoch): Promise<void> {
    const { clock, loadChunkBytes } = this.options
    const { host } = this
    const started = clock.mono()
    this.standing = { kind: 'loading', epoch }
    const cancelled = (): boolean => this.host !== host || !this.leadsIn(epoch)
    try {
      const loaded = await loadLog(this.hosted.log, { clock, chunkBytes: loadChunkBytes, cancelled }, (header, bytes, at) =>
        host.onTail(header.baseOffset, header.lastOffset, this.kind.facts(header, bytes, at)),
      )
      if (loaded === null || cancelled()) return this.look()
      this.activate(epoch)
      const ms = Math.round(clock.mono() - started)
      this.say(ms < slowLoadMs ? 'debug' : 'info', 'coordinator-loaded', `is coordinated here: ${loaded.bytes} bytes read in ${ms} ms`)
    } catch (error) {
      if (cancelled()) return this.look()
      this.fail(epoch, error)
    }
  }

  private activate(epoch: Epoch): void {
    this.standing = { kind: 'active', epoch }
    this.host.lead(this.end(epoch))
    this.host.commitTo(this.hosted.replica.highWatermark)
    this.host.submit(this.options.clock.mono(), this.kind.activate, () => {})
    this.options.wakeQueue.look(this)
    this.startAnewIfWriteFailed()
  }

  private fail(epoch: Epoch, error: unknown): void {
    this.standing = { kind: 'failed', epoch }
    if (error instanceof DiskError) this.options.onDiskError(error)
    const why = error instanceof Error ? error.message : String(error)
    this.say(
      'error',
      'coordinator-load-failed',
      `cannot be read, so its groups are not coordinated here (${why}); let another replica lead it`,
    )
  }

  private say(level: 'debug' | 'info' | 'error', event: string, text: string): void {
    this.options.log.write(level, event, `${this.hosted.name} ${text}`)
  }

  private end(epoch: Epoch): LedgerLog<Fact> {
    return {
      nextOffset: () => this.hosted.log.logEndOffset,
      append: (facts) => (this.leadsIn(epoch) ? this.append(facts) : null),
    }
  }

  private append(facts: readonly Fact[]): Offset | null {
    const records = this.kind.batch(facts)
    this.whyNotWritten = 'NOT_COORDINATOR'
    if (records.length > this.kind.batchBytesMax()) {
      // The cores keep within it where a client could bring it about; what escapes them must not end the broker
      this.whyNotWritten = 'UNKNOWN_SERVER_ERROR'
      this.say(
        'error',
        'coordinator-batch-too-large',
        `was to take a batch of ${records.length} bytes: raise max.message.bytes of its topic`,
      )
      return null
    }
    try {
      const outcome = this.hosted.appendAsLeader(records, this.options.clock.wall())
      assert(outcome.kind === 'appended', `${this.hosted.name}: what its coordinator wrote was not appended`)
      return outcome.lastOffset
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.options.onDiskError(error)
      this.writeFailed = true
      return null
    }
  }

  private startAnewIfWriteFailed(): void {
    const { standing } = this
    if (!this.writeFailed) return
    this.writeFailed = false
    if (standing.kind !== 'active') return
    this.resign()
    const failed: Standing = { kind: 'failed', epoch: standing.epoch }
    this.standing = failed
    this.options.clock.after(readAnewMs, () => {
      if (this.standing !== failed) return
      this.standing = { kind: 'idle' }
      this.look()
    })
  }

  /** `answer` is called exactly once, perhaps much later. */
  submit(command: Command, answer: (reply: Reply) => void): void {
    const refusal = this.refusal(command)
    if (refusal !== null) return answer(this.kind.refuse(command, refusal))
    this.host.submit(this.options.clock.mono(), command, answer)
    this.options.wakeQueue.look(this)
    this.startAnewIfWriteFailed()
  }

  private refusal(command: Command): ErrorName | null {
    const { standing } = this
    if (standing.kind === 'idle' || !this.leadsIn(standing.epoch)) return 'NOT_COORDINATOR'
    if (standing.kind === 'loading') return 'COORDINATOR_LOAD_IN_PROGRESS'
    if (standing.kind === 'failed') return 'COORDINATOR_NOT_AVAILABLE'
    if (this.kind.mustBeFresh(command) && this.options.clock.mono() >= this.options.leaseUntil()) return 'NOT_COORDINATOR'
    return this.canWrite() || this.kind.isRead(command) ? null : 'COORDINATOR_NOT_AVAILABLE'
  }

  /** Refused before anything is decided: what cannot be committed must not change what no log holds either. */
  private canWrite(): boolean {
    return this.hosted.replica.appendError(-1) === ErrorCode.NONE
  }

  wakeAt(): Millis {
    return this.standing.kind === 'active' ? Math.max(this.host.wakeAt(), this.retryWriteAt) : NEVER
  }

  wake(now: Millis): void {
    if (!this.isActive) return
    if (this.canWrite()) {
      this.host.wake(now)
      return this.startAnewIfWriteFailed()
    }
    this.host.giveUp(now)
    this.retryWriteAt = now + writeRetryMs
  }

  /** The replica leaves this broker, or the broker stops: everybody is told to look elsewhere. */
  stop(): void {
    this.resign()
  }
}
