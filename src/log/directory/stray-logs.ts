import type { Timestamp, TopicPartition } from '../../base/units.ts'
import { isDeletedName, isStrayName, parseFutureName, parsePartitionName, parseSetAsideName } from '../directory-names.ts'
import type { OpenFiles } from '../open-files.ts'
import type { LogPorts } from '../options.ts'
import type { CorruptLogError } from '../outcomes.ts'
import { setAsideOnDisk } from '../partition-log.ts'
import type { PartitionLog } from '../partition-log.ts'

/** A log that did not open because of bytes that do not check and that no crash can have torn. */
export interface CorruptLog {
  readonly at: TopicPartition
  readonly error: CorruptLogError
}

/** Logs of one log directory that are not to be used: those that did not open for their rot, and those that were set aside. */
export class StrayLogs {
  /** By `topic-partition`: left as they are, until they are set aside. */
  readonly corrupt = new Map<string, CorruptLog>()
  private readonly ports: LogPorts
  private readonly path: string
  private readonly files: OpenFiles

  constructor(ports: LogPorts, path: string, files: OpenFiles) {
    this.ports = ports
    this.files = files
    this.path = path
  }

  /** `log` is null for one that did not open. Throws DiskError. */
  setAside(name: string, log: PartitionLog | null): void {
    if (log !== null) log.setAsideOnDisk()
    else if (this.corrupt.has(name)) {
      const directory = `${this.path}/${name}`
      // The attempt to open it has left files open, and another log will have their names
      for (const file of this.ports.disk.list(directory)) this.files.forget(`${directory}/${file}`)
      setAsideOnDisk(this.ports, directory)
    }
    this.corrupt.delete(name)
  }

  /** Paths of what was set aside before a time. Throws DiskError. */
  setAsideBefore(time: Timestamp): readonly string[] {
    return this.ports.disk
      .list(this.path)
      .filter((name) => (parseSetAsideName(name)?.at ?? Infinity) < time)
      .map((name) => `${this.path}/${name}`)
  }
}

const metadataTopicDirectory = '__cluster_metadata-0'

export interface FoundLog extends TopicPartition {
  readonly path: string
  /** A copy that is to take the place of a log in another directory. */
  readonly isFuture: boolean
}

/** The partitions that a log directory holds; paths of what waits for its removal go to `doomed`. Throws DiskError. */
export function findPartitions({ disk, log }: LogPorts, directory: string, doomed: string[]): readonly FoundLog[] {
  const found: FoundLog[] = []
  for (const name of disk.list(directory)) {
    const path = `${directory}/${name}`
    if (name === metadataTopicDirectory || !disk.isDirectory(path)) continue
    const place = parsePartitionName(name)
    const future = place === null ? parseFutureName(name) : null
    if (place !== null) found.push({ ...place, path, isFuture: false })
    else if (future !== null) found.push({ ...future, path, isFuture: true })
    else if (isDeletedName(name)) doomed.push(path)
    else if (!isStrayName(name)) log.write('warn', 'log-directory-foreign', `${path} is not a partition's directory and is left alone`)
  }
  return found
}
