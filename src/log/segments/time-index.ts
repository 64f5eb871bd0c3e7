import type { Offset, Timestamp } from '../../base/units.ts'
import { IndexFile } from './index-file.ts'
import type { OpenFiles } from '../open-files.ts'
import { readable } from './segment-parts.ts'

export const timeIndexEntryBytes = 12

const relativeOffsetAt = 8

export interface TimeIndexEntry {
  readonly timestamp: Timestamp
  readonly offset: Offset
}

/**
 * `.timeindex`: the greatest timestamp so far → the last offset of the batch that brought it; timestamps rise strictly, offsets never fall
 * (org.apache.kafka.storage.internals.log.TimeIndex).
 */
export class TimeIndex {
  readonly file: IndexFile
  private readonly baseOffset: Offset

  constructor(files: OpenFiles, path: string, baseOffset: Offset, entriesWritten: number) {
    this.file = new IndexFile(files, path, timeIndexEntryBytes, entriesWritten)
    this.baseOffset = baseOffset
  }

  /** Nothing when the timestamp does not exceed the last one, or the last one cannot be told. */
  maybeAppend(timestamp: Timestamp, offset: Offset): void {
    const last = readable(() => this.last())
    if (last === null || timestamp <= last.timestamp || offset < last.offset) return
    this.file.append((bytes, at) => {
      bytes.writeBigInt64BE(BigInt(timestamp), at)
      bytes.writeUInt32BE(offset - this.baseOffset, at + relativeOffsetAt)
    })
  }

  /** Records before the entry's offset are older than or as old as its timestamp. Without an entry: (-1, base offset). */
  lookup(timestamp: Timestamp): TimeIndexEntry {
    return this.at(this.file.floor(timestamp, entryTimestamp))
  }

  last(): TimeIndexEntry {
    return this.at(this.file.entries - 1)
  }

  /** Drops entries at or above `offset`. */
  truncateTo(offset: Offset): void {
    this.file.truncate(this.file.floor(offset - this.baseOffset - 1, entryRelativeOffset) + 1)
  }

  private at(entry: number): TimeIndexEntry {
    if (entry < 0) return { timestamp: -1, offset: this.baseOffset }
    const { bytes, at } = this.file.entry(entry)
    return { timestamp: entryTimestamp(bytes, at), offset: this.baseOffset + entryRelativeOffset(bytes, at) }
  }
}

function entryTimestamp(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
}

function entryRelativeOffset(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + relativeOffsetAt)
}
