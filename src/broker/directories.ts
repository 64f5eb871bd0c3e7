import { DiskError, type Ports } from '../base/ports.ts'
import type { Offset, Uuid } from '../base/units.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { Ballast } from '../log/ballast/ballast.ts'
import { BallastedDisk } from '../log/ballast/ballasted-disk.ts'
import { type DirectoryIdentity, LogDirectory } from '../log/log-directory.ts'
import type { CorruptLogError } from '../log/outcomes.ts'
import type { LogPorts, LogShared } from '../log/partition-log.ts'
import { incarnationAfter } from '../metadata/incarnation.ts'

/** The log directories do not let this node start; the message says what to do. */
export class DirectoryProblem extends Error {
  override readonly name = 'DirectoryProblem'
}

export interface OpenedDirectories {
  readonly directories: readonly LogDirectory[]
  readonly identity: DirectoryIdentity
}

/** What directories tell while they are open. */
export interface DirectoryEvents {
  offline(path: string, error: DiskError): void
  rot(topic: string, partition: number, error: CorruptLogError): void
}

/**
 * Opens, locks and identifies every entry of `log.dirs`. All must be formatted, for this node and one cluster; one whose disk does not answer is left out
 * while there are others. @throws DirectoryProblem
 */
export function openDirectories(ports: LogPorts, config: ServerConfig, shared: LogShared, on: DirectoryEvents): OpenedDirectories {
  const ballast = new Ballast(ports, config.metadataLogDir, config.metadataBallastBytes)
  const ballasted = { ...ports, disk: new BallastedDisk(ports.disk, ballast, 'small files') }
  const opened: LogDirectory[] = []
  try {
    const offline: DiskError[] = []
    for (const path of config.logDirs) {
      const directory = openOne(ballasted, config, shared, path, on)
      if (directory instanceof DiskError) offline.push(directory)
      else opened.push(directory)
    }
    if (opened.length === 0) throw cannotOpen(offline[0]?.path ?? '', offline[0])
    for (const { path, message } of offline)
      ports.log.write('error', 'log-directory-offline', `${path}: ${message}; this broker starts without it, and with none of its replicas`)
    return { directories: opened, identity: commonIdentity(opened, config) }
  } catch (error) {
    for (const directory of opened) directory.abandon()
    throw error
  }
}

function openOne(ports: LogPorts, config: ServerConfig, shared: LogShared, path: string, on: DirectoryEvents): LogDirectory | DiskError {
  try {
    return LogDirectory.open(ports, {
      path,
      shared,
      producerIdExpirationMs: config.producerIdExpirationMs,
      onCorruption: 'refuse',
      openConcurrency: recoveryConcurrency,
      onOffline: (error) => on.offline(path, error),
      onRot: (topic, partition, error) => on.rot(topic, partition, error),
    })
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    if (error.code === 'EAGAIN') {
      throw new DirectoryProblem(
        `${path} is in use by another process (it holds ${path}/.lock). Stop that process, or give this node a log.dirs of its own.`,
      )
    }
    if (error.code === 'ENOENT') throw notFormatted(path)
    if (diskFailures.has(error.code)) return error
    throw cannotOpen(path, error)
  }
}

/** Codes with which a disk says that it does not work (any more). */
const diskFailures: ReadonlySet<string> = new Set(['EIO', 'EROFS', 'ENXIO', 'ENODEV'])

function cannotOpen(path: string, error: DiskError | undefined): DirectoryProblem {
  return new DirectoryProblem(
    `${path} cannot be opened: ${error?.message ?? 'log.dirs names no directory'}. Check that it is there, and that this user may write to it.`,
  )
}

const recoveryConcurrency = 8

function notFormatted(path: string): DirectoryProblem {
  return new DirectoryProblem(
    `${path} is not formatted. Run 'odradek storage format -t CLUSTER_ID -c server.properties' once before the first start.`,
  )
}

function commonIdentity(directories: readonly LogDirectory[], config: ServerConfig): DirectoryIdentity {
  let common: DirectoryIdentity | null = null
  const ids = new Set<Uuid>()
  for (const directory of directories) {
    const { identity } = directory
    if (identity === null) throw notFormatted(directory.path)
    if (identity.nodeId !== config.nodeId) {
      throw new DirectoryProblem(
        `${directory.path} belongs to node ${identity.nodeId}, this is node ${config.nodeId}. Check node.id and log.dirs.`,
      )
    }
    if (common !== null && identity.clusterId !== common.clusterId) {
      throw new DirectoryProblem(
        `${directory.path} belongs to cluster ${identity.clusterId}, another entry of log.dirs to ${common.clusterId}. Check log.dirs.`,
      )
    }
    if (ids.has(identity.directoryId))
      throw new DirectoryProblem(`${directory.path} has the same directory.id as another entry of log.dirs: one was copied from the other.`)
    ids.add(identity.directoryId)
    common ??= identity
  }
  if (common === null) throw new DirectoryProblem('log.dirs names no directory.')
  return common
}

/** The incarnation of this process, after a start in which `openAllLogs` found an epoch. */
export function incarnationFrom({ disk, entropy }: Pick<Ports, 'disk' | 'entropy'>, previousBrokerEpoch: Offset): Uuid {
  const random = entropy.uuid()
  const bootId = disk.bootId()
  return previousBrokerEpoch < 0 || bootId === null ? random : incarnationAfter(bootId, previousBrokerEpoch, random)
}
