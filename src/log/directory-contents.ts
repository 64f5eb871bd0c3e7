import type { TopicPartition } from '../base/units.ts'
import { byName, CheckpointError, type CheckpointedOffset, parseOffsets } from './checkpoints.ts'
import { isDeletedName, parsePartitionName } from './directory-names.ts'
import type { LogPorts } from './options.ts'

const metadataTopicDirectory = '__cluster_metadata-0'

/** What a checkpoint of offsets says; nothing when there is none, or when it makes no sense, which is told. Throws DiskError. */
export function readOffsets({ disk, log }: LogPorts, path: string): Map<string, CheckpointedOffset> {
  if (!disk.exists(path)) return new Map()
  try {
    return byName(parseOffsets(disk.readSmall(path).toString()))
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    log.write('warn', 'checkpoint-unreadable', `${path}: ${error.message}; everything it spoke of is checked anew`)
    return new Map()
  }
}

/** The partitions that have a directory in this one; those on their way out go to `doomed`. Throws DiskError. */
export function findPartitions({ disk, log }: LogPorts, directory: string, doomed: string[]): readonly TopicPartition[] {
  const found: TopicPartition[] = []
  for (const name of disk.list(directory)) {
    const path = `${directory}/${name}`
    if (name === metadataTopicDirectory || !disk.isDirectory(path)) continue
    const place = parsePartitionName(name)
    if (place !== null) found.push(place)
    else if (isDeletedName(name)) doomed.push(path)
    else log.write('warn', 'log-directory-foreign', `${path} is not a partition's directory and is left alone`)
  }
  return found
}
