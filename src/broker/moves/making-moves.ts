import { DiskError, type Ports } from '../../base/ports.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import type { LogDirectory } from '../../log/log-directory.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import { directoryOf } from '../../metadata/partition-image.ts'
import type { HostedPartitions } from '../hosted-partitions.ts'
import { lowWatermark } from '../space/directory-room.ts'
import type { DirectoryAssignments } from '../storage/directory-assignments.ts'
import type { Quarantine } from '../storage/quarantine.ts'
import type { SettingsOfTopics } from '../topic-settings.ts'
import { Pace, type PaceSettings } from './pace.ts'
import { ReplicaMoves } from './replica-moves.ts'

/** Copies keep off the mark below which a directory counts as full, by as much again. */
const spareFactor = 2

export interface MovingBroker {
  readonly directories: readonly LogDirectory[]
  readonly settings: SettingsOfTopics
  readonly assignments: Pick<DirectoryAssignments, 'tell'>
  readonly quarantine: Quarantine
  hosted(): HostedPartitions
  image(): ClusterImage
  /** A write found no room in the directory. */
  refused(directory: LogDirectory): void
}

export function makeMoves(ports: Ports, config: ServerConfig, broker: MovingBroker): ReplicaMoves {
  const { directories, settings, assignments, quarantine } = broker
  return new ReplicaMoves({
    log: ports.log,
    directories,
    paths: config.logDirs,
    pace: new Pace(ports.clock, () => paceSettings(settings, config.logDirs.length)),
    partition: (topic, partition) => broker.hosted().byName(topic, partition),
    exists: (topic, partition) => broker.image().topics.byName(topic)?.partitions[partition] !== undefined,
    isRotten: (partition) => quarantine.isRotten(partition),
    placeOf: ({ topicId, partition }) => {
      const state = broker.image().partition(topicId, partition)
      return state === undefined ? undefined : directoryOf(state, config.nodeId)
    },
    tell: ({ topicId, partition }, { identity }) => {
      if (identity !== null) assignments.tell({ topicId, partition, directory: identity.directoryId })
    },
    hasRoom: (directory, bytes) => hasRoom(ports, config, directory, bytes),
    refused: (directory) => broker.refused(directory),
  })
}

function hasRoom({ disk }: Ports, config: ServerConfig, { path }: LogDirectory, bytes: number): boolean {
  try {
    const { free, total } = disk.space(path)
    return free - bytes >= lowWatermark(config.logDirLowSpaceBytes, total) * spareFactor
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return false
  }
}

/** Both as Kafka has them: a thread for each directory, and no limit, unless it is said otherwise. */
function paceSettings(settings: SettingsOfTopics, directories: number): PaceSettings {
  const given = settings.ofBroker()
  const threads = Number(given.get('num.replica.alter.log.dirs.threads') ?? directories)
  const rate = Number(given.get('replica.alter.log.dirs.io.max.bytes.per.second') ?? Infinity)
  return { atOnce: Math.max(1, threads), bytesPerSecond: Math.max(1, rate) }
}
