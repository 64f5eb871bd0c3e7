import { assert } from '../../base/assert.ts'
import type { Epoch, Offset, Timestamp } from '../../base/units.ts'
import type { OffsetAndEpoch } from '../../raft/log-shape.ts'
import { cutIntoBatches, dataBatch } from '../metadata-batch.ts'
import type { CommittedBatch, MetadataSnapshot } from '../metadata-quorum.ts'
import { encodeSnapshot, readSnapshot, snapshotInMemory } from '../snapshot-file.ts'

interface FeedBatch extends CommittedBatch {
  readonly bytes: Buffer
}

export interface SnapshotToServe {
  readonly id: OffsetAndEpoch
  readonly bytes: Buffer
}

/**
 * The metadata log as an active controller serves it, in memory: a snapshot, and every committed batch since. Nothing in it is ever taken back, so who
 * reads it needs no word of a high watermark: it is the end.
 *
 *  1. Batches follow each other without a gap, the first one at or before the end of the latest snapshot.
 *  2. A reader whose position (offset, and epoch of the record before it) is one of this log is given what comes after it; every other one the snapshot.
 *  3. The snapshot before the latest one is kept: somebody may be reading it.
 */
export class MetadataFeed {
  private snapshot: SnapshotToServe
  private former: SnapshotToServe | null = null
  private batches: FeedBatch[] = []
  private bytesSince = 0

  constructor(id: OffsetAndEpoch, lastContainedTimestamp: Timestamp, batches: Iterable<readonly Buffer[]>) {
    this.snapshot = encoded(id, lastContainedTimestamp, batches)
  }

  get startOffset(): Offset {
    return this.batches[0]?.baseOffset ?? this.snapshot.id.offset
  }

  get endOffset(): Offset {
    const last = this.batches.at(-1)
    return last === undefined ? this.snapshot.id.offset : last.lastOffset + 1
  }

  /** Of the last record. */
  get endEpoch(): Epoch {
    return this.batches.at(-1)?.epoch ?? this.snapshot.id.epoch
  }

  get snapshotId(): OffsetAndEpoch {
    return this.snapshot.id
  }

  get bytesSinceSnapshot(): number {
    return this.bytesSince
  }

  get latestSnapshot(): MetadataSnapshot {
    return readSnapshot(snapshotInMemory(this.snapshot.bytes), this.snapshot.id)
  }

  /** Batches after the latest snapshot. */
  *sinceSnapshot(): Iterable<CommittedBatch> {
    for (const batch of this.batches) if (batch.baseOffset >= this.snapshot.id.offset) yield batch
  }

  append(epoch: Epoch, appendTime: Timestamp, values: readonly Buffer[]): readonly CommittedBatch[] {
    return cutIntoBatches(values).map((list) => {
      const baseOffset = this.endOffset
      const bytes = dataBatch({ baseOffset, epoch, timestamp: appendTime }, list)
      const batch = { baseOffset, lastOffset: baseOffset + list.length - 1, epoch, appendTime, values: list, bytes }
      this.batches.push(batch)
      this.bytesSince += bytes.length
      return batch
    })
  }

  /** The state after `endOffset` stands in for what is before it. */
  putSnapshot(endOffset: Offset, batches: Iterable<readonly Buffer[]>): void {
    if (endOffset <= this.snapshot.id.offset) return
    assert(endOffset <= this.endOffset, 'a snapshot is of what was committed')
    const last = this.batches.findLast((it) => it.lastOffset < endOffset)
    assert(last !== undefined, 'a snapshot ends where a batch does')
    this.former = this.snapshot
    this.snapshot = encoded({ offset: endOffset, epoch: last.epoch }, last.appendTime, batches)
    this.batches = this.batches.filter((it) => it.lastOffset >= (this.former?.id.offset ?? 0))
    this.bytesSince = this.batches.filter((it) => it.baseOffset >= endOffset).reduce((sum, it) => sum + it.bytes.length, 0)
  }

  /** Bytes of batches from `offset` on, at least one unless there is none; null when the position is not of this log. */
  read(offset: Offset, lastEpoch: Epoch, maxBytes: number): readonly Buffer[] | null {
    const at = this.indexOf(offset, lastEpoch)
    if (at === null) return null
    const found: Buffer[] = []
    let room = maxBytes
    for (const { bytes } of this.batches.slice(at)) {
      if (found.length > 0 && bytes.length > room) break
      found.push(bytes)
      room -= bytes.length
    }
    return found
  }

  snapshotPiece({ offset, epoch }: OffsetAndEpoch): SnapshotToServe | null {
    const found = [this.snapshot, this.former].find((it) => it?.id.offset === offset && it.id.epoch === epoch)
    return found ?? null
  }

  /** Where in `batches` the position is. */
  private indexOf(offset: Offset, lastEpoch: Epoch): number | null {
    if (offset === 0 && this.startOffset === 0) return 0
    const before = this.batches.findLastIndex((it) => it.lastOffset < offset)
    const end = before < 0 ? this.boundaryAt(offset) : this.batches[before]
    const [endOffset, epoch] =
      end === undefined || end === null ? [-1, -1] : 'bytes' in end ? [end.lastOffset + 1, end.epoch] : [end.offset, end.epoch]
    return endOffset === offset && epoch === lastEpoch ? before + 1 : null
  }

  /** The end of a snapshot is a position even when the batches before it are gone. */
  private boundaryAt(offset: Offset): OffsetAndEpoch | null {
    const ids = [this.snapshot.id, ...(this.former === null ? [] : [this.former.id])]
    return ids.find((it) => it.offset === offset && it.offset === this.startOffset) ?? null
  }
}

function encoded(id: OffsetAndEpoch, lastContainedTimestamp: Timestamp, batches: Iterable<readonly Buffer[]>): SnapshotToServe {
  const writtenAt = Math.max(0, lastContainedTimestamp)
  return { id, bytes: Buffer.concat([...encodeSnapshot({ id, lastContainedTimestamp, writtenAt, batches })]) }
}
