import { type Disk, DiskError } from '../base/ports.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import type { ServedDirectory } from './handlers/context.ts'
import type { HostedPartitions } from './hosted-partitions.ts'
import type { ReplicaMoves } from './moves/replica-moves.ts'

/** The entries of `log.dirs` as DescribeLogDirs wants to see them. */
export function servedDirectories(
  disk: Disk,
  directories: readonly LogDirectory[],
  hosted: HostedPartitions,
  moves: ReplicaMoves,
): readonly ServedDirectory[] {
  return directories.map((directory) => ({
    path: directory.path,
    get id() {
      return directory.identity?.directoryId ?? null
    },
    get offline() {
      return directory.failure !== null
    },
    get partitions() {
      return [...hosted.all()].filter((it) => it.directory === directory)
    },
    *futures() {
      for (const { partition, future, lag } of moves.into(directory))
        if (future !== null) yield { topic: partition.topic, partition: partition.partition, sizeBytes: future.sizeBytes, lag }
    },
    space() {
      try {
        return disk.space(directory.path)
      } catch (error) {
        if (error instanceof DiskError) return null
        throw error
      }
    },
  }))
}
