import { dirname, join } from 'node:path'
import type { Ports } from '../base/ports.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { formatMetaProperties } from '../log/checkpoints.ts'
import { bootstrapRecords } from '../metadata/bootstrap-records.ts'
import { METADATA_VERSION_LATEST, metadataVersions } from '../metadata/metadata-version.ts'
import { writeBootstrap } from '../quorum/bootstrap.ts'
import { exitCodes, StartProblem } from './exit-codes.ts'
import { directoriesOf, metaPropertiesName, readIdentity } from './log-directories.ts'

export type StoragePorts = Pick<Ports, 'clock' | 'disk' | 'entropy'>

export interface FormatOptions {
  readonly clusterId: string
  /** Directories that are formatted already (for the same cluster and node) are left alone instead of being an error. */
  readonly ignoreFormatted: boolean
  /** A release such as `4.3-IV0` or `4.3`, or its level; the newest when left out. */
  readonly releaseVersion?: string
}

/** What happened to one directory. */
export interface FormattedDirectory {
  readonly directory: string
  readonly what: 'formatted' | 'was formatted already'
  readonly metadataVersion: string
}

/**
 * As `kafka-storage format`: gives each log directory of a node its identity (`meta.properties`), and the metadata log directory the records that the
 * first controller begins with (`bootstrap.checkpoint`). Nothing is written unless all can be. @throws StartProblem
 */
export function formatStorage(ports: StoragePorts, config: ServerConfig, options: FormatOptions): readonly FormattedDirectory[] {
  const { clock, disk, entropy } = ports
  checkClusterId(options.clusterId)
  const version = findVersion(options.releaseVersion)
  const directories = directoriesOf(config)
  const fresh = directories.filter((directory) => isFresh(disk, directory, config, options))
  for (const directory of fresh) {
    const made = missingOf(disk, directory)
    disk.makeDirectory(directory)
    if (directory === config.metadataLogDir) {
      writeBootstrap(disk, directory, bootstrapRecords(version.level), clock.wall())
    }
    const identity = { clusterId: options.clusterId, nodeId: config.nodeId, directoryId: entropy.uuid() }
    // Last: a directory with meta.properties is whole.
    disk.replaceSmallSync(join(directory, metaPropertiesName), formatMetaProperties(identity))
    // Or a loss of power takes the directory away under a node that has given its vote
    for (const path of made) disk.syncDirectoryNow(dirname(path))
  }
  return directories.map((directory) => ({
    directory,
    what: fresh.includes(directory) ? 'formatted' : 'was formatted already',
    metadataVersion: version.name,
  }))
}

/** The directory and those above it that are not there yet. */
function missingOf(disk: StoragePorts['disk'], directory: string): readonly string[] {
  if (disk.exists(directory) || dirname(directory) === directory) return []
  return [...missingOf(disk, dirname(directory)), directory]
}

/** Kafka takes any text; clients and tools expect what `random-uuid` makes. */
function checkClusterId(clusterId: string): void {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(clusterId)) {
    throw new StartProblem(
      exitCodes.usage,
      `'${clusterId}' cannot be a cluster id: take what 'odradek storage random-uuid' prints, the same on all nodes.`,
    )
  }
}

function findVersion(text: string | undefined): { readonly level: number; readonly name: string } {
  const found =
    text === undefined
      ? metadataVersions.find((it) => it.level === METADATA_VERSION_LATEST)
      : metadataVersions.findLast((it) => it.name === text || it.name.startsWith(`${text}-IV`) || String(it.level) === text)
  if (found !== undefined) return found
  const names = metadataVersions.map((it) => it.name)
  throw new StartProblem(
    exitCodes.usage,
    `There is no release '${text ?? ''}': those from ${names[0] ?? ''} to ${names.at(-1) ?? ''} are known.`,
  )
}

function isFresh(disk: Ports['disk'], directory: string, config: ServerConfig, options: FormatOptions): boolean {
  const identity = readIdentity(disk, directory)
  if (identity === null) return true
  if (identity.clusterId !== options.clusterId) {
    throw new StartProblem(
      exitCodes.directory,
      `${directory} belongs to cluster ${identity.clusterId}, not to ${options.clusterId}. It was left as it is.`,
    )
  }
  if (identity.nodeId !== config.nodeId) {
    throw new StartProblem(
      exitCodes.directory,
      `${directory} belongs to node ${identity.nodeId}, not to node ${config.nodeId}. It was left as it is.`,
    )
  }
  if (!options.ignoreFormatted) {
    throw new StartProblem(
      exitCodes.directory,
      `${directory} is formatted already. With --ignore-formatted it is left as it is, and the others are formatted.`,
    )
  }
  return false
}

/** What each log directory of a node holds, as `kafka-storage info`: lines for a person, and whether all is well. */
export function describeStorage(disk: Ports['disk'], config: ServerConfig): { readonly lines: readonly string[]; readonly ok: boolean } {
  const lines: string[] = []
  let ok = true
  for (const directory of directoriesOf(config)) {
    const identity = readIdentity(disk, directory)
    ok &&= identity !== null && identity.nodeId === config.nodeId
    lines.push(
      identity === null
        ? `${directory}: not formatted`
        : `${directory}: cluster.id=${identity.clusterId} node.id=${identity.nodeId} directory.id=${identity.directoryId}`,
    )
    if (identity !== null && identity.nodeId !== config.nodeId)
      lines.push(`  belongs to another node: this configuration says node.id=${config.nodeId}`)
  }
  return { lines, ok }
}
