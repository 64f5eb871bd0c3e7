import { type Disk, DiskError } from '../base/ports.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import type { ServedDirectory } from './handlers/context.ts'
import type { HostedPartitions } from './hosted-partitions.ts'

/** The entries of `log.dirs` as DescribeLogDirs wants to see them. */
export function servedDirectories(disk: Disk, directories: readonly LogDirectory[], hosted: HostedPartitions): readonly ServedDirectory[] {
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
