import type { Disk } from '../../base/ports.ts'
import { DiskError } from '../../base/ports.ts'
import type { Offset } from '../../base/units.ts'
import { crc32c } from '../../protocol/records/crc32c.ts'
import type { ProducerEntry } from './producer-state.ts'
import { lastEntrySequence } from './producer-state.ts'
import { segmentName, segmentSuffix } from '../segments/segment.ts'

const snapshotVersion = 1
const crcAt = 2
const countAt = 6
const entriesAt = 10
const entryBytes = 46

/** A snapshot that does not check; an older one, or the log itself, takes its place. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

/** ProducerSnapshot.json of Kafka's storage module, version 1. */
export function encodeProducers(entries: readonly ProducerEntry[]): Buffer {
  const bytes = Buffer.alloc(entriesAt + entries.length * entryBytes)
  bytes.writeInt16BE(snapshotVersion, 0)
  bytes.writeInt32BE(entries.length, countAt)
  let at = entriesAt
  for (const entry of entries) {
    const last = entry.batches.at(-1)
    bytes.writeBigInt64BE(BigInt(entry.producerId), at)
    bytes.writeInt16BE(entry.epoch, at + 8)
    bytes.writeInt32BE(lastEntrySequence(entry), at + 10)
    bytes.writeBigInt64BE(BigInt(last?.lastOffset ?? -1), at + 14)
    bytes.writeInt32BE(last?.offsetDelta ?? 0, at + 22)
    bytes.writeBigInt64BE(BigInt(entry.lastTimestamp), at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    bytes.writeBigInt64BE(BigInt(entry.currentTxnFirstOffset), at + 38)
    at += entryBytes
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(countAt)), crcAt)
  return bytes
}

/** Throws SnapshotError. */
export function decodeProducers(bytes: Buffer): readonly ProducerEntry[] {
  if (bytes.length < entriesAt) throw new SnapshotError(`${bytes.length} bytes`)
  if (bytes.readInt16BE(0) !== snapshotVersion) throw new SnapshotError(`version ${bytes.readInt16BE(0)}`)
  if (bytes.readUInt32BE(crcAt) !== crc32c(bytes.subarray(countAt))) throw new SnapshotError('CRC-32C does not match')
  const count = bytes.readInt32BE(countAt)
  if (bytes.length !== entriesAt + count * entryBytes) throw new SnapshotError(`${count} producers in ${bytes.length} bytes`)
  return Array.from({ length: count }, (_, i) => decodeEntry(bytes, entriesAt + i * entryBytes))
}

function decodeEntry(bytes: Buffer, at: number): ProducerEntry {
  const lastSequence = bytes.readInt32BE(at + 10)
  const lastOffset = Number(bytes.readBigInt64BE(at + 14))
  const lastTimestamp = Number(bytes.readBigInt64BE(at + 26))
  const batch = { lastSequence, lastOffset, offsetDelta: bytes.readInt32BE(at + 22), timestamp: lastTimestamp }
  return {
    producerId: Number(bytes.readBigInt64BE(at)),
    epoch: bytes.readInt16BE(at + 8),
    batches: lastOffset >= 0 ? [batch] : [],
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    lastTimestamp,
    currentTxnFirstOffset: Number(bytes.readBigInt64BE(at + 38)),
  }
}

/** The `.snapshot` files of one partition: the producers as they were just before an offset. They are a short cut, never the truth. */
export class ProducerSnapshots {
  private readonly disk: Disk
  private readonly directory: string
  /** Rising. */
  private offsets: Offset[]

  constructor(disk: Disk, directory: string, names: Iterable<string>) {
    this.disk = disk
    this.directory = directory
    this.offsets = [...names].filter((name) => /^\d{20}\.snapshot$/.test(name)).map((name) => Number(name.slice(0, 20)))
    this.offsets.sort((a, b) => a - b)
  }

  get latest(): Offset {
    return this.offsets.at(-1) ?? -1
  }

  /** Throws DiskError. A snapshot torn by a crash is told by its CRC. */
  write(offset: Offset, entries: readonly ProducerEntry[]): void {
    const file = this.disk.open(this.path(offset), { create: true })
    try {
      file.truncate(0)
      file.write(0, [encodeProducers(entries)])
    } catch (error) {
      this.disk.remove(this.path(offset))
      throw error
    } finally {
      file.close()
    }
    this.offsets = [...this.offsets.filter((known) => known !== offset), offset].sort((a, b) => a - b)
  }

  /** The newest one at or below `offset` that checks; those that do not are removed. Null: there is none, start from nothing. */
  readNewest(offset: Offset): { readonly offset: Offset; readonly entries: readonly ProducerEntry[] } | null {
    for (;;) {
      const newest = this.offsets.findLast((known) => known <= offset)
      if (newest === undefined) return null
      try {
        return { offset: newest, entries: decodeProducers(this.disk.readSmall(this.path(newest))) }
      } catch (error) {
        if (!(error instanceof SnapshotError) && !(error instanceof DiskError)) throw error
        this.removeWhere((known) => known === newest)
      }
    }
  }

  removeAbove(offset: Offset): void {
    this.removeWhere((known) => known > offset)
  }

  removeAt(offsets: ReadonlySet<Offset>): void {
    this.removeWhere((known) => offsets.has(known))
  }

  removeBelow(offset: Offset): void {
    this.removeWhere((known) => known < offset)
  }

  /** Only those at the base of a segment, and the newest, are of use. */
  removeStray(segmentBases: ReadonlySet<Offset>): void {
    const newest = this.latest
    this.removeWhere((known) => known !== newest && !segmentBases.has(known))
  }

  private removeWhere(condition: (offset: Offset) => boolean): void {
    for (const offset of this.offsets.filter(condition)) this.disk.remove(this.path(offset))
    this.offsets = this.offsets.filter((offset) => !condition(offset))
  }

  private path(offset: Offset): string {
    return `${this.directory}/${segmentName(offset)}${segmentSuffix.snapshot}`
  }
}
