import { type Clock, type Disk, DiskError, type Log, type Ports, type Timer } from '../../base/ports.ts'
import type { Millis, NodeId } from '../../base/units.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { LogDirectory } from '../../log/log-directory.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import type { ControllerChannel } from '../controller-channel.ts'
import type { HostedPartition } from '../hosted-partition.ts'
import type { HostedPartitions } from '../hosted-partitions.ts'
import { Departures } from './departures.ts'
import { DirectoryRoom } from './directory-room.ts'
import { LeaderStarts } from './leader-starts.ts'

export interface SpaceWatchOptions {
  readonly directories: readonly LogDirectory[]
  readonly departures: Pick<Departures, 'mayLeave' | 'leave'>
  readonly starts: Pick<LeaderStarts, 'follow'>
  /** `odradek.log.dir.low.space.bytes` */
  readonly lowBytes: number
  /** `odradek.log.dir.space.check.interval.ms` */
  readonly intervalMs: Millis
  image(): ClusterImage
  partitions(): Iterable<HostedPartition>
  /** A directory has room again: what could not be opened may be. */
  onRoom(): void
}

/** Logs of leaders are asked after so often. */
const startsEveryMs: Millis = 3_000
const trialBytes = 64 * 1024
const trialName = '.odradek-trial'

/**
 * The room in the log directories, and what follows from it.
 *
 *  1. A replica in a full directory takes no records: as a leader it refuses them with KAFKA_STORAGE_ERROR (which all clients take for "look for the
 *     leader and try again"), as a follower it does not fetch, so that no leader takes it for in sync.
 *  2. It is out of the in-sync set as soon as somebody else is in: the others go on without waiting for it, and lead. The last member stays, and
 *     serves reads. As all full replicas are out, whoever else is in has room, or is about to leave too; the last to leave cannot.
 *  3. What depends on the state is looked at again each time: an answer that was lost, or a replica that came in meanwhile, needs no memory.
 *  4. Nothing here ends the process or takes the directory offline.
 */
export class SpaceWatch {
  private readonly ports: { readonly clock: Clock; readonly disk: Disk; readonly log: Log }
  private readonly options: SpaceWatchOptions
  private readonly rooms: ReadonlyMap<LogDirectory, DirectoryRoom>
  private startsAskedAt: Millis = -Infinity
  private timer: Timer | null = null
  private stopped = false

  constructor(ports: { readonly clock: Clock; readonly disk: Disk; readonly log: Log }, options: SpaceWatchOptions) {
    this.ports = ports
    this.options = options
    this.rooms = new Map(options.directories.map((it) => [it, new DirectoryRoom(options.lowBytes)]))
  }

  /** Looks at once, so that a replica in a directory that is full from the start never fetches. */
  start(): void {
    this.look()
    this.again()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  private again(): void {
    if (this.stopped) return
    this.timer = this.ports.clock.after(this.options.intervalMs, () => {
      this.look()
      this.again()
    })
  }

  /** A write found no room. */
  refused(directory: LogDirectory): void {
    const room = this.rooms.get(directory)
    if (room?.refused(this.ports.clock.mono()) === 'full') this.onFull(directory)
  }

  private look(): void {
    for (const [directory, room] of this.rooms) if (directory.failure === null) this.lookAt(directory, room)
    this.leave()
    this.followStarts()
  }

  private lookAt(directory: LogDirectory, room: DirectoryRoom): void {
    try {
      const verdict = room.measured(this.ports.clock.mono(), this.ports.disk.space(directory.path))
      if (verdict === 'full') this.onFull(directory)
      if (verdict === 'try') this.attempt(directory, room)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.ports.log.write('warn', 'log-directory-not-measured', `${directory.path}: ${error.message}`)
    }
  }

  private onFull(directory: LogDirectory): void {
    directory.isFull = true
    this.ports.log.write(
      'warn',
      'log-directory-full',
      `${directory.path} has no room for records: what is led in it is handed over, reads are served. Free some space; all else goes by itself.`,
    )
    for (const partition of this.options.partitions()) if (partition.directory === directory) partition.pause(true)
    this.leave()
  }

  /** A trial shows what statfs does not: quotas, and whether there are names left. */
  private attempt(directory: LogDirectory, room: DirectoryRoom): void {
    const path = `${directory.path}/${trialName}`
    const { clock, disk, log } = this.ports
    const succeeded = succeeds(() => {
      const file = disk.open(path, { create: true })
      try {
        file.write(0, [Buffer.alloc(trialBytes, 1)])
      } finally {
        file.close()
      }
    })
    const removed = succeeds(() => disk.remove(path))
    room.tried(clock.mono(), succeeded && removed)
    if (room.isFull) return
    directory.isFull = false
    log.write('info', 'log-directory-has-room', `${directory.path} has room again: its replicas catch up and come back`)
    for (const partition of this.options.partitions()) if (partition.directory === directory) partition.pause(false)
    this.options.onRoom()
  }

  /** All that is in a full directory, and in an in-sync set that can do without it. */
  private leave(): void {
    const { departures } = this.options
    const leaving = []
    for (const partition of this.options.partitions()) {
      if (!partition.directory.isFull) continue
      const state = this.options.image().partition(partition.topicId, partition.partition)
      if (state === undefined || !departures.mayLeave(state)) continue
      leaving.push(state)
    }
    void departures.leave(leaving)
  }

  private followStarts(): void {
    const now = this.ports.clock.mono()
    const waiting = [...this.options.partitions()].filter((it) => it.directory.isFull && !it.isLeader)
    if (waiting.length === 0 || now < this.startsAskedAt + startsEveryMs) return
    this.startsAskedAt = now
    void this.options.starts.follow(waiting)
  }
}

function succeeds(change: () => void): boolean {
  try {
    change()
    return true
  } catch (error) {
    if (error instanceof DiskError) return false
    throw error
  }
}

/** Of a broker's parts. */
export function makeSpaceWatch(
  ports: Ports,
  config: ServerConfig,
  parts: {
    readonly channel: ControllerChannel
    readonly lifecycle: { readonly brokerEpoch: number }
    readonly view: { readonly image: ClusterImage }
    readonly hosted: HostedPartitions
    readonly directories: readonly LogDirectory[]
  },
): SpaceWatch {
  const { channel, lifecycle, view, hosted, directories } = parts
  const image = (): ClusterImage => view.image
  const endpointOf = (leader: NodeId) =>
    image()
      .brokers.byId(leader)
      ?.endpoints.find((it) => it.name === config.interBrokerListenerName)
  const brokerEpoch = (): number => lifecycle.brokerEpoch
  return new SpaceWatch(ports, {
    directories,
    departures: new Departures({ log: ports.log, channel, brokerId: config.nodeId, brokerEpoch, image }),
    starts: new LeaderStarts(ports, { brokerId: config.nodeId, endpointOf }),
    lowBytes: config.logDirLowSpaceBytes,
    intervalMs: config.logDirSpaceCheckIntervalMs,
    image,
    partitions: () => hosted.all(),
    onRoom: () => hosted.openMissing(),
  })
}
