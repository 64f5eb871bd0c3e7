import type { Clock, DiskError, Log, Timer } from '../../base/ports.ts'
import type { Millis, Uuid } from '../../base/units.ts'
import type { LogDirectory } from '../../log/log-directory.ts'
import type { BrokerLifecycle } from '../membership/lifecycle.ts'
import type { HostedPartition } from '../hosted-partition.ts'
import type { HostedPartitions } from '../hosted-partitions.ts'
import type { DirectoryAssignments } from './directory-assignments.ts'

export interface DirectoryFailureSurroundings {
  readonly clock: Clock
  readonly log: Log
  readonly directories: readonly LogDirectory[]
  readonly hosted: Pick<HostedPartitions, 'all' | 'onDirectoryFailed'>
  /** Fetches for a replica no more. */
  readonly unfollow: (partition: HostedPartition) => void
  /** The metadata log is in the directory. */
  readonly holdsMetadata: (path: string) => boolean
  readonly assignments: Pick<DirectoryAssignments, 'isUntold'>
  readonly lifecycle: Pick<BrokerLifecycle, 'onDirectoryFailed'>
  /** Directories with which the controller knows this broker. */
  registered(): readonly Uuid[]
  /** `log.dir.failure.timeout.ms` */
  readonly timeoutMs: Millis
  readonly onFatal: (reason: string) => void
}

/**
 * What a broker does when a log directory can no longer be trusted (ReplicaManager.handleLogDirFailure): its replicas are not served any more, the
 * controller hears of it with a heartbeat and gives their leaderships to others. The failure of the last directory, or of the one with the metadata log of a
 * controller, ends the node, and so does one that the controller does not learn of, with all that was in it, within `log.dir.failure.timeout.ms`: only
 * its end would let others lead then.
 */
export class DirectoryFailures {
  private readonly around: DirectoryFailureSurroundings
  private readonly timers = new Set<Timer>()

  constructor(around: DirectoryFailureSurroundings) {
    this.around = around
  }

  onOffline(path: string, error: DiskError): void {
    const { clock, log, directories, hosted, lifecycle, timeoutMs, onFatal, holdsMetadata } = this.around
    log.write('error', 'log-directory-failed', `${path} can no longer be trusted (${error.message}): its replicas leave this broker`)
    if (directories.every((it) => it.failure !== null)) onFatal(`the last log directory has failed: ${error.message}`)
    else if (holdsMetadata(path)) onFatal(`the log directory of the cluster's metadata, ${path}, has failed: ${error.message}`)
    const directory = directories.find((it) => it.path === path)
    if (directory === undefined) return
    // What is in it is claimed and acknowledged no more, from here on; it leaves when the call that found out is over
    for (const partition of hosted.all()) if (partition.directory === directory) this.around.unfollow(partition)
    clock.endOfTurn(() => {
      hosted.onDirectoryFailed(directory)
      lifecycle.onDirectoryFailed()
    })
    const timer = clock.after(timeoutMs, () => {
      this.timers.delete(timer)
      this.check(directory)
    })
    this.timers.add(timer)
  }

  stop(): void {
    for (const timer of this.timers) timer.cancel()
    this.timers.clear()
  }

  private check(directory: LogDirectory): void {
    const { assignments, timeoutMs, onFatal } = this.around
    const id = directory.identity?.directoryId
    if (id === undefined || (!this.around.registered().includes(id) && !assignments.isUntold(id))) return
    onFatal(`${directory.path} has failed, and the controller could not be told of it within ${timeoutMs} ms`)
  }
}
