import { assert } from '../../base/assert.ts'
import type { Offset } from '../../base/units.ts'
import { IndexFile } from './index-file.ts'
import type { OpenFiles } from '../open-files.ts'

export const offsetIndexEntryBytes = 8

const positionAt = 4

/**
 * `.index`: last offset of a batch (relative to the segment's base) → the byte at which that batch starts. Sparse, rising
 * (org.apache.kafka.storage.internals.log.OffsetIndex).
 */
export class OffsetIndex {
  readonly file: IndexFile
  private readonly baseOffset: Offset

  constructor(files: OpenFiles, path: string, baseOffset: Offset, entriesWritten: number) {
    this.file = new IndexFile(files, path, offsetIndexEntryBytes, entriesWritten)
    this.baseOffset = baseOffset
  }

  append(offset: Offset, position: number): void {
    const relative = offset - this.baseOffset
    assert(relative >= 0 && relative <= 0x7fff_ffff, 'offset beyond what an index can hold')
    this.file.append((bytes, at) => {
      bytes.writeUInt32BE(relative, at)
      bytes.writeUInt32BE(position, at + positionAt)
    })
  }

  /** Where to start looking for the batch that holds `offset`: the last entry at or below it, or the start of the segment. */
  lookup(offset: Offset): { readonly offset: Offset; readonly position: number } {
    return this.at(this.file.floor(offset - this.baseOffset, relativeOffset))
  }

  last(): { readonly offset: Offset; readonly position: number } {
    return this.at(this.file.entries - 1)
  }

  /** Drops entries at or above `offset`. */
  truncateTo(offset: Offset): void {
    this.file.truncate(this.file.floor(offset - this.baseOffset - 1, relativeOffset) + 1)
  }

  private at(entry: number): { readonly offset: Offset; readonly position: number } {
    if (entry < 0) return { offset: this.baseOffset, position: 0 }
    const { bytes, at } = this.file.entry(entry)
    return { offset: this.baseOffset + bytes.readUInt32BE(at), position: bytes.readUInt32BE(at + positionAt) }
  }
}

function relativeOffset(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at)
}
