import { crc32c } from '../protocol/records/crc32c.ts'
import type { Disk, File } from '../base/ports.ts'
import { DiskError } from '../base/ports.ts'
import type { Offset } from '../base/units.ts'
import type { LogLoss } from '../raft/messages.ts'

/** A file of our own beside the log; Kafka does not look at it. */
export const durablePointFileName = 'odradek-durable-point'

const magic = 0x4f_44_50_31
const bytes = 36
const noLoss = -1

interface Content {
  readonly offset: Offset
  readonly loss: LogLoss | null
}

/**
 * How far the metadata log has been synced, so that a start can tell rot (bad bytes below) from a torn tail (bad bytes above); and whether this voter lacks
 * records that it has acknowledged.
 *
 * One sector, written in place. That the point has risen is not synced: it is told after the log was, so an older point that a loss of power
 * brings back is true too. That it falls, and a loss, are durable before anything happens to the log.
 */
export class DurablePoint {
  private readonly file: File
  private content: Content

  private constructor(file: File, content: Content) {
    this.file = file
    this.content = content
  }

  /** `isReadable`: false for a file that is there and does not check. Throws DiskError. */
  static open(disk: Disk, directory: string): { readonly point: DurablePoint; readonly isReadable: boolean } {
    const path = `${directory}/${durablePointFileName}`
    const known = read(disk, path)
    const content = known ?? { offset: 0, loss: null }
    if (known === null || !disk.exists(path)) disk.replaceSmallSync(path, format(content))
    return { point: new DurablePoint(disk.open(path, { create: false }), content), isReadable: known !== null }
  }

  get offset(): Offset {
    return this.content.offset
  }

  get loss(): LogLoss | null {
    return this.content.loss
  }

  /** All below has been synced. Throws DiskError. */
  advance(offset: Offset): void {
    if (offset > this.offset) this.put({ ...this.content, offset })
  }

  /** The log is about to be cut here. Durable when it returns. Throws DiskError. */
  lower(offset: Offset): void {
    if (offset >= this.offset) return
    this.put({ ...this.content, offset })
    this.file.syncNow()
  }

  /** The log is about to be thrown away. Durable when it returns. Throws DiskError. */
  lose(loss: LogLoss): void {
    this.put({ offset: 0, loss })
    this.file.syncNow()
  }

  /** Throws DiskError. */
  restored(): void {
    this.put({ ...this.content, loss: null })
    this.file.syncNow()
  }

  close(): void {
    this.file.close()
  }

  private put(content: Content): void {
    this.content = content
    this.file.write(0, [format(content)])
  }
}

function format({ offset, loss }: Content): Buffer {
  const content = Buffer.alloc(bytes)
  content.writeUInt32BE(magic, 0)
  content.writeBigInt64BE(BigInt(offset), 4)
  content.writeBigInt64BE(BigInt(loss?.endOffset ?? noLoss), 12)
  content.writeInt32BE(loss?.epoch ?? noLoss, 20)
  content.writeUInt32BE(crc32c(content.subarray(0, bytes - 4)), bytes - 4)
  return content
}

/** Null: it does not check. */
function read(disk: Disk, path: string): Content | null {
  try {
    const content = disk.readSmall(path)
    const checks =
      content.length === bytes &&
      content.readUInt32BE(0) === magic &&
      content.readUInt32BE(bytes - 4) === crc32c(content.subarray(0, bytes - 4))
    if (!checks) return null
    const endOffset = Number(content.readBigInt64BE(12))
    return {
      offset: Number(content.readBigInt64BE(4)),
      loss: endOffset === noLoss ? null : { endOffset, epoch: content.readInt32BE(20) },
    }
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return { offset: 0, loss: null }
    throw error
  }
}
