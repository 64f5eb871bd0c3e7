import { assert } from '../base/assert.ts'
import type { Clock, Disk, Log } from '../base/ports.ts'
import { type Epoch, NO_NODE, type Offset } from '../base/units.ts'
import { EMPTY_LOG, type LogOutline } from '../raft/log-shape.ts'
import type { DurableState, LogLoss, RaftEffect } from '../raft/messages.ts'
import { dataBatch, leaderChangeBatch } from './metadata-batch.ts'
import { DurablePoint, durablePointFileName } from './durable-point.ts'
import { discardLog, isRot, MetadataLog, MetadataLogError, metadataTopic } from './metadata-log.ts'
import { formatQuorumState, quorumStateFileName, readQuorumState } from './quorum-state.ts'
import type { RaftNodeOptions } from './raft-node-options.ts'
import type { RaftAnswer } from './raft-wire.ts'

export interface StoragePorts {
  readonly clock: Clock
  readonly disk: Disk
  readonly log: Log
}

type WriteEffect = Extract<RaftEffect, { readonly write: number }>

function onlyVoter(directory: string): string {
  return (
    `This is the only voter, so nobody else has what the disk has spoilt, and no record was cut: restore ${directory} from a copy; or, to go on with ` +
    `what is before it and lose what the cluster was told since, remove ${durablePointFileName} there`
  )
}

const segmentBytesDefault = 1024 * 1024 * 1024

/**
 * The log and `quorum-state`. What the machine wants written is in the page cache when `write` returns; all that a turn wrote is made durable
 * together at its end, with one fdatasync, log first.
 */
export class QuorumStorage {
  /** Null: an observer, in memory only. */
  readonly directory: string | null
  log: MetadataLog
  state: DurableState = { epoch: 0, leaderId: NO_NODE, voted: null }
  private readonly ports: StoragePorts
  private readonly options: RaftNodeOptions
  private readonly flushAtEndOfTurn: () => void
  private point: DurablePoint | null = null
  private lastWrite = 0
  private gathered = false
  private unwrittenState: DurableState | null = null

  /** `flushAtEndOfTurn` is called once at the end of a turn that has written; it is to call `flush`. */
  constructor(ports: StoragePorts, options: RaftNodeOptions, flushAtEndOfTurn: () => void) {
    this.ports = ports
    this.options = options
    this.flushAtEndOfTurn = flushAtEndOfTurn
    this.directory = options.directory === null ? null : `${options.directory}/${metadataTopic}-0`
    this.log = MetadataLog.inMemory(ports)
  }

  /** Rejects with DiskError, CorruptLogError, MetadataLogError, QuorumStateError. */
  async open(): Promise<LogOutline> {
    if (this.directory === null) return EMPTY_LOG
    await makeDurably(this.ports.disk, this.directory)
    this.state = readQuorumState(this.ports.disk, this.directory)
    const { point, isReadable } = DurablePoint.open(this.ports.disk, this.directory)
    this.point = point
    const { log, outline } = await this.openLog(this.directory, point)
    this.log = log
    if (!isReadable) this.distrust(point, outline)
    return outline
  }

  /** What this voter has acknowledged and has no more; null: it has everything. */
  get loss(): LogLoss | null {
    return this.point?.loss ?? null
  }

  /** All that is committed is here again. Throws DiskError. */
  restored(): void {
    this.point?.restored()
    this.ports.log.write('warn', 'metadata-log-restored', `${this.directory} has again all that is committed: this voter votes again`)
  }

  /**
   * A log with rot is thrown away and fetched anew: what is left of it must not be taken for all. Until it is here again this node does not vote (`LogLoss`).
   * The only voter has nobody to fetch it from, and keeps it.
   */
  private async openLog(directory: string, point: DurablePoint) {
    const open = () => MetadataLog.onDisk(this.ports, directory, this.options.segmentBytes ?? segmentBytesDefault, point)
    try {
      return await open()
    } catch (error) {
      if (!isRot(error)) throw error
      if (this.options.voters.length === 1) throw new MetadataLogError(`${error.message}. ${onlyVoter(directory)}`)
      const { message } = error
      this.ports.log.write(
        'error',
        'metadata-log-rotten',
        `${directory}: ${message}. It is fetched anew; until then this voter does not vote`,
      )
      point.lose(point.loss ?? { endOffset: point.offset, epoch: this.state.epoch })
      discardLog(this.ports.disk, directory)
      return open()
    }
  }

  /** Whether something was lost before was written where nothing checks now. */
  private distrust(point: DurablePoint, { endOffset }: LogOutline): void {
    this.ports.log.write('error', 'durable-point-unreadable', `${this.directory}: ${durablePointFileName} does not check`)
    if (this.options.voters.length > 1) point.lose({ endOffset, epoch: this.state.epoch })
  }

  /** `proposed`: the values of a batch of our own; `answer`: what a fetched batch or snapshot came with. Throws DiskError. */
  write(effect: WriteEffect, proposed: readonly Buffer[], answer: RaftAnswer | null): void {
    switch (effect.kind) {
      case 'persistState':
        this.unwrittenState = effect.state
        break
      case 'append':
        this.log.append(dataBatch(this.stamp(effect.baseOffset, effect.epoch), proposed), effect.epoch)
        break
      case 'appendLeaderChange':
        this.log.append(this.leaderChange(effect), effect.epoch)
        break
      case 'appendFetched':
        this.appendFetched(effect.endOffset, answer)
        break
      case 'truncate':
        this.log.truncate(effect.endOffset)
        break
      case 'installSnapshot':
        // Replacing a file syncs the directory that names it.
        this.log.install(effect.snapshotId, () => this.writeState(this.unwrittenState ?? this.state))
        break
    }
    this.gather(effect.write)
  }

  private appendFetched(endOffset: Offset, answer: RaftAnswer | null): void {
    const taken = (answer?.batches ?? []).filter((batch) => batch.header.lastOffset < endOffset)
    const last = taken.at(-1)
    assert(last !== undefined, 'the fetched batches are at hand')
    // A copy: the batches are views of the received frame, which would be kept whole.
    this.log.append(Buffer.concat(taken.map((batch) => batch.bytes)), last.header.leaderEpoch)
  }

  private leaderChange(effect: Extract<RaftEffect, { kind: 'appendLeaderChange' }>): Buffer {
    const voters = effect.voters.map((voter) => ({ voterId: voter.id }))
    const grantingVoters = effect.granting.map((voter) => ({ voterId: voter.id }))
    const message = { version: 0, leaderId: this.options.nodeId, voters, grantingVoters }
    return leaderChangeBatch(this.stamp(effect.offset, effect.epoch), message)
  }

  private stamp(baseOffset: Offset, epoch: Epoch) {
    return { baseOffset, epoch, timestamp: this.ports.clock.wall() }
  }

  private gather(write: number): void {
    this.lastWrite = write
    if (this.gathered) return
    this.gathered = true
    this.ports.clock.endOfTurn(() => {
      this.gathered = false
      this.flushAtEndOfTurn()
    })
  }

  /** Makes all that was written durable, blocking; returns the number of the last write. Throws DiskError, after which nothing may be trusted. */
  flush(): number {
    const write = this.lastWrite
    this.log.flush()
    if (this.unwrittenState !== null) this.writeState(this.unwrittenState)
    return write
  }

  private writeState(state: DurableState): void {
    this.state = state
    this.unwrittenState = null
    if (this.directory === null) return
    const voters = this.options.voters.map((voter) => voter.id)
    this.ports.disk.replaceSmallSync(`${this.directory}/${quorumStateFileName}`, formatQuorumState(state, voters))
  }
}

/** The directory and those above it that are not there yet; their names are durable when it resolves. */
async function makeDurably(disk: Disk, directory: string): Promise<void> {
  const above = parentOf(directory)
  if (above === directory || disk.exists(directory)) return
  await makeDurably(disk, above)
  disk.makeDirectory(directory)
  await disk.syncDirectory(above)
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash)
}
