import type { Clock, Log } from '../base/ports.ts'
import type { Epoch, Offset, Timestamp } from '../base/units.ts'
import type { LogConfig } from '../log/log-config.ts'
import { defaultLogConfig } from '../log/log-config.ts'
import { OpenFiles } from '../log/open-files.ts'
import type { LogPorts, PartitionLogOptions } from '../log/options.ts'
import type { Read, ReadOutcome } from '../log/outcomes.ts'
import { PartitionLog } from '../log/partition-log.ts'
import { TailBudget } from '../log/tail.ts'
import { stampCrc } from '../protocol/records/batch-header.ts'
import { MemoryDisk } from './memory-disk.ts'

export interface BatchSpec {
  readonly baseOffset?: Offset
  readonly leaderEpoch?: Epoch
  readonly records?: number
  readonly valueBytes?: number
  readonly timestamp?: Timestamp
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly fill?: number
}

/** An uncompressed batch whose record timestamps rise by one from `timestamp`. */
export function makeBatch(spec: BatchSpec = {}): Buffer {
  const count = spec.records ?? 1
  const timestamp = spec.timestamp ?? 1_000_000
  const value = Buffer.alloc(spec.valueBytes ?? 20, spec.fill ?? 0x61)
  const records = Array.from({ length: count }, (_, i) => makeRecord(i, value))
  const body = Buffer.concat(records)
  const header = Buffer.alloc(61)
  header.writeBigInt64BE(BigInt(spec.baseOffset ?? 0), 0)
  header.writeInt32BE(61 + body.length - 12, 8)
  header.writeInt32BE(spec.leaderEpoch ?? -1, 12)
  header.writeInt8(2, 16)
  header.writeInt32BE(count - 1, 23)
  header.writeBigInt64BE(BigInt(timestamp), 27)
  header.writeBigInt64BE(BigInt(timestamp + count - 1), 35)
  header.writeBigInt64BE(BigInt(spec.producerId ?? -1), 43)
  header.writeInt16BE(spec.producerEpoch ?? (spec.producerId === undefined ? -1 : 0), 51)
  header.writeInt32BE(spec.baseSequence ?? (spec.producerId === undefined ? -1 : 0), 53)
  header.writeInt32BE(count, 57)
  const batch = Buffer.concat([header, body])
  stampCrc(batch, 0, batch.length)
  return batch
}

function makeRecord(index: number, value: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from([0]), varint(index), varint(index), varint(-1), varint(value.length), value, varint(0)])
  return Buffer.concat([varint(body.length), body])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** Wall time stands still until it is moved; timers fire in the next turn. */
export class StillClock implements Clock {
  now: Timestamp = 1_000_000

  mono(): number {
    return this.now
  }

  wall(): Timestamp {
    return this.now
  }

  after(_delay: number, run: () => void): { cancel(): void } {
    const handle = setImmediate(run)
    return { cancel: () => clearImmediate(handle) }
  }

  endOfTurn(run: () => void): void {
    queueMicrotask(run)
  }
}

export const silentLog: Log = { write: () => undefined }

/** One partition log on a disk in memory, to be opened again and again. */
export class LogWorld {
  readonly disk: MemoryDisk
  readonly clock = new StillClock()
  readonly config: LogConfig
  /** The stored recovery point, as a log directory would keep it. */
  recoveryPoint: Offset = 0
  private tailBytesMax = 1 << 20

  constructor(config: Partial<LogConfig> = {}, disk: MemoryDisk = new MemoryDisk()) {
    this.disk = disk
    disk.makeDirectory('logs')
    void disk.syncDirectory('')
    this.config = { ...defaultLogConfig, segmentBytes: 4096, indexIntervalBytes: 256, ...config }
  }

  withoutTail(): this {
    this.tailBytesMax = 0
    return this
  }

  open(options: Partial<PartitionLogOptions> = {}): Promise<PartitionLog> {
    const ports: LogPorts = { clock: this.clock, disk: this.disk, log: silentLog }
    return PartitionLog.open(ports, {
      directory: 'logs/t-0',
      topic: 't',
      partition: 0,
      topicId: 'AbCdEfGhIjKlMnOpQrStUv',
      config: this.config,
      recoveryPoint: this.recoveryPoint,
      logStartOffset: 0,
      cleanShutdown: false,
      shared: {
        files: new OpenFiles(this.disk, 8),
        tail: new TailBudget({ tailBytesMax: this.tailBytesMax, tailBytesPerLogMax: this.tailBytesMax }),
      },
      producerIdExpirationMs: 86_400_000,
      onCorruption: 'refuse',
      beforeLowering: (recoveryPoint) => {
        this.recoveryPoint = Math.min(this.recoveryPoint, recoveryPoint)
      },
      ...options,
    })
  }
}

/** The whole log as one buffer, read piece by piece. */
export async function readAll(log: PartitionLog, pieceBytes = 1000): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const piece = asRead(await log.read(offset, pieceBytes, log.logEndOffset, true))
    if (piece.endOffset <= offset) break
    pieces.push(...piece.records)
    offset = piece.endOffset
  }
  return Buffer.concat(pieces)
}

export function asRead(outcome: ReadOutcome): Read {
  if (outcome.kind !== 'read') throw new Error(`read said ${outcome.kind}`)
  return outcome
}
