import type { Disk } from '../base/ports.ts'
import type { Offset, Timestamp } from '../base/units.ts'
import { decode } from '../protocol/codec.ts'
import { snapshotHeaderRecord } from '../protocol/messages/control-records.ts'
import { MalformedError } from '../protocol/reader.ts'
import { batchHeaderBytes, batchSizeAt } from '../protocol/records/batch-header.ts'
import type { OffsetAndEpoch } from '../raft/log-shape.ts'
import {
  batchesIn,
  controlRecordsOf,
  controlType,
  cutIntoBatches,
  dataBatch,
  metadataBatchBytesMax,
  snapshotFooterBatch,
  snapshotHeaderBatch,
  valuesOf,
} from './metadata-batch.ts'
import type { MetadataSnapshot } from './metadata-quorum.ts'

/**
 * Snapshots of the metadata log (KIP-630): `<20 digits of the end offset>-<10 of the epoch>.checkpoint`, batches with a SNAPSHOT_HEADER first
 * and a SNAPSHOT_FOOTER last. A file under that name is whole and durable; while it is written or fetched it ends in `.part`.
 */

const snapshotName = /^(\d{20})-(\d{10})\.checkpoint$/
const leftoverName = /^\d{20}-\d{10}\.checkpoint\.(part|deleted)$/

export function snapshotFileName({ offset, epoch }: OffsetAndEpoch): string {
  return `${String(offset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`
}

/** Those in the directory, oldest first. What an interrupted writing left is removed. */
export function listSnapshots(disk: Disk, directory: string): OffsetAndEpoch[] {
  const found: OffsetAndEpoch[] = []
  for (const name of disk.list(directory)) {
    const match = snapshotName.exec(name)
    if (match !== null) found.push({ offset: Number(match[1]), epoch: Number(match[2]) })
    else if (leftoverName.test(name)) disk.remove(`${directory}/${name}`)
  }
  return found.sort((a, b) => a.offset - b.offset || a.epoch - b.epoch)
}

/** Bytes of a snapshot, on disk or in memory. */
export interface SnapshotBytes {
  readonly size: number
  /** Exactly these bytes. */
  slice(from: number, to: number): Buffer
}

export function snapshotOnDisk(disk: Disk, path: string): SnapshotBytes & { close(): void } {
  const file = disk.open(path, { create: false })
  const size = file.size()
  return {
    size,
    slice(from, to) {
      const bytes = Buffer.allocUnsafe(to - from)
      const read = file.read(from, bytes)
      if (read !== bytes.length) throw new MalformedError(`${path} ends at ${from + read}`)
      return bytes
    },
    close: () => file.close(),
  }
}

export function snapshotInMemory(bytes: Buffer): SnapshotBytes {
  return { size: bytes.length, slice: (from, to) => bytes.subarray(from, to) }
}

/** The batches of a snapshot, one in memory at a time. @throws MalformedError for one that is not whole */
function* batchesOf(source: SnapshotBytes) {
  for (let at = 0; at < source.size;) {
    if (source.size - at < batchHeaderBytes) throw new MalformedError('a snapshot ends within a batch')
    const size = batchSizeAt(source.slice(at, at + batchHeaderBytes), 0)
    if (size === null || size > source.size - at || size > 2 * metadataBatchBytesMax) {
      throw new MalformedError(`a batch of ${size} bytes at ${at} of a snapshot of ${source.size}`)
    }
    yield* batchesIn(source.slice(at, at + size))
    at += size
  }
}

/** @throws MalformedError when the snapshot has no header; its batches are checked as they are read */
export function readSnapshot(source: SnapshotBytes, id: OffsetAndEpoch): MetadataSnapshot {
  const first = batchesOf(source).next()
  const header = first.done === true ? undefined : controlRecordsOf(first.value)[0]
  if (header?.type !== controlType.snapshotHeader) throw new MalformedError(`snapshot ${snapshotFileName(id)} has no header`)
  const { lastContainedLogTimestamp } = decode(snapshotHeaderRecord, 0, header.value)
  return { endOffset: id.offset, epoch: id.epoch, lastContainedTimestamp: lastContainedLogTimestamp, batches: () => dataOf(source) }
}

/** Reads all of it; what is wrong with it, or null. Throws DiskError. */
export function snapshotProblem(disk: Disk, path: string, id: OffsetAndEpoch): string | null {
  const bytes = snapshotOnDisk(disk, path)
  try {
    const batches = readSnapshot(bytes, id).batches()[Symbol.iterator]()
    while (batches.next().done !== true);
    return null
  } catch (error) {
    if (error instanceof MalformedError) return error.message
    throw error
  } finally {
    bytes.close()
  }
}

function* dataOf(source: SnapshotBytes): Generator<readonly Buffer[]> {
  let footer = false
  for (const batch of batchesOf(source)) {
    if (footer) throw new MalformedError('a snapshot goes on after its footer')
    footer = controlRecordsOf(batch).some((record) => record.type === controlType.snapshotFooter)
    const values = valuesOf(batch)
    if (values.length > 0) yield values
  }
  if (!footer) throw new MalformedError('a snapshot has no footer')
}

export interface SnapshotContent {
  readonly id: OffsetAndEpoch
  readonly lastContainedTimestamp: Timestamp
  readonly writtenAt: Timestamp
  readonly batches: Iterable<readonly Buffer[]>
}

/** Header, data, footer, as RecordsSnapshotWriter writes them: offsets count from 0, the epoch is that of the snapshot. */
export function* encodeSnapshot(content: SnapshotContent): Generator<Buffer> {
  const { epoch } = content.id
  let baseOffset: Offset = 0
  const stamp = () => ({ baseOffset, epoch, timestamp: content.writtenAt })
  yield snapshotHeaderBatch(stamp(), content.lastContainedTimestamp)
  baseOffset += 1
  for (const values of content.batches) {
    for (const list of cutIntoBatches(values)) {
      yield dataBatch(stamp(), list)
      baseOffset += list.length
    }
  }
  yield snapshotFooterBatch(stamp())
}

/** Bytes written between two turns of the event loop: a large snapshot must not hold up votes and fetches. */
const bytesPerTurn = 1024 * 1024

export interface SnapshotWriting {
  /** Awaited now and then. */
  yieldTurn(): Promise<void>
  /** A sync failed: nothing in the directory may be trusted any more (S-6). That a write fails is no harm, there is no snapshot then. */
  onSyncFailed(error: unknown): void
}

/** Writes a snapshot file durably under its final name. Rejects with DiskError. */
export async function writeSnapshotFile(disk: Disk, directory: string, content: SnapshotContent, writing: SnapshotWriting): Promise<void> {
  const path = `${directory}/${snapshotFileName(content.id)}`
  const part = `${path}.part`
  disk.remove(part)
  const file = disk.open(part, { create: true })
  try {
    let position = 0
    let yieldAt = bytesPerTurn
    for (const batch of encodeSnapshot(content)) {
      file.write(position, [batch])
      position += batch.length
      if (position < yieldAt) continue
      yieldAt = position + bytesPerTurn
      await writing.yieldTurn()
    }
    await synced(file.sync(), writing)
  } finally {
    file.close()
  }
  disk.rename(part, path)
  await synced(disk.syncDirectory(directory), writing)
}

async function synced(work: Promise<void>, writing: SnapshotWriting): Promise<void> {
  try {
    await work
  } catch (error) {
    writing.onSyncFailed(error)
    throw error
  }
}
