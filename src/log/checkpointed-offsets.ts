import type { Offset } from '../base/units.ts'
import { byName, CheckpointError, type CheckpointedOffset, parseOffsets } from './checkpoints.ts'
import type { LogPorts } from './options.ts'
import type { PartitionLog } from './partition-log.ts'

/** What a checkpoint of offsets says; nothing when it is not there or cannot be read. Throws DiskError. */
export function readOffsets(ports: LogPorts, path: string): Map<string, CheckpointedOffset> {
  if (!ports.disk.exists(path)) return new Map()
  try {
    return byName(parseOffsets(ports.disk.readSmall(path).toString()))
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    ports.log.write('warn', 'checkpoint-unreadable', `${path}: ${error.message}; everything it spoke of is checked anew`)
    return new Map()
  }
}

export function placed(log: PartitionLog, offset: Offset): CheckpointedOffset {
  return { topic: log.topic, partition: log.partition, offset }
}

export function placedIfKnown(log: PartitionLog, offset: Offset | null): readonly CheckpointedOffset[] {
  return offset === null ? [] : [placed(log, offset)]
}
