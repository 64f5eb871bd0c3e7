import { assert } from '../base/assert.ts'
import type { Clock, Disk, Log } from '../base/ports.ts'
import { type Epoch, NO_NODE, type Offset } from '../base/units.ts'
import { EMPTY_LOG, type LogOutline } from '../raft/log-shape.ts'
import type { DurableState, RaftEffect } from '../raft/messages.ts'
import { dataBatch, leaderChangeBatch } from './metadata-batch.ts'
import { MetadataLog, metadataTopic } from './metadata-log.ts'
import { formatQuorumState, quorumStateFileName, readQuorumState } from './quorum-state.ts'
import type { RaftNodeOptions } from './raft-node-options.ts'
import type { RaftAnswer } from './raft-wire.ts'

export interface StoragePorts {
  readonly clock: Clock
  readonly disk: Disk
  readonly log: Log
}

type WriteEffect = Extract<RaftEffect, { readonly write: number }>

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
    const { log, outline } = await MetadataLog.onDisk(this.ports, this.directory, this.options.segmentBytes ?? segmentBytesDefault)
    this.log = log
    this.state = readQuorumState(this.ports.disk, this.directory)
    return outline
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
