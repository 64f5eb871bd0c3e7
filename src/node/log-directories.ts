import { join } from 'node:path'
import { type Disk, DiskError } from '../base/ports.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { CheckpointError, parseMetaProperties, type DirectoryIdentity } from '../log/checkpoints.ts'
import { exitCodes, StartProblem } from './exit-codes.ts'

export const metaPropertiesName = 'meta.properties'
const lockName = '.lock'

/** All directories that a node keeps data in, each once, the metadata log's first. */
export function directoriesOf(config: ServerConfig): readonly string[] {
  return [...new Set([config.metadataLogDir, ...config.logDirs])]
}

/** Null when the directory is not formatted (or not there). @throws StartProblem when it cannot be read or understood */
export function readIdentity(disk: Disk, directory: string): DirectoryIdentity | null {
  const path = join(directory, metaPropertiesName)
  try {
    return disk.exists(path) ? parseMetaProperties(disk.readSmall(path).toString('utf8')) : null
  } catch (error) {
    if (!(error instanceof CheckpointError) && !(error instanceof DiskError)) throw error
    throw new StartProblem(exitCodes.directory, `${path} cannot be used: ${error.message}.`)
  }
}

/** What `meta.properties` says, by directory. */
export type Identities = ReadonlyMap<string, DirectoryIdentity>

/** Reads the identity of each directory of a node: all must be of one cluster and of this node. @throws StartProblem */
export function checkDirectories(disk: Disk, config: ServerConfig, propertiesPath: string): Identities {
  const identities = new Map<string, DirectoryIdentity>()
  for (const directory of directoriesOf(config)) {
    const identity = readIdentity(disk, directory)
    if (identity === null) throw new StartProblem(exitCodes.directory, notFormatted(directory, propertiesPath))
    if (identity.nodeId !== config.nodeId) {
      throw new StartProblem(
        exitCodes.directory,
        `${directory} belongs to node ${identity.nodeId}, but ${propertiesPath} says node.id=${config.nodeId}. Correct node.id or log.dirs.`,
      )
    }
    for (const [other, { clusterId, directoryId }] of identities) {
      if (clusterId !== identity.clusterId) {
        throw new StartProblem(
          exitCodes.directory,
          `${directory} belongs to cluster ${identity.clusterId}, but ${other} to cluster ${clusterId}. Take the one that is foreign out of log.dirs.`,
        )
      }
      if (directoryId === identity.directoryId) {
        throw new StartProblem(
          exitCodes.directory,
          `${directory} and ${other} have the same directory.id: one is a copy of the other. Remove the copy.`,
        )
      }
    }
    identities.set(directory, identity)
  }
  return identities
}

function notFormatted(directory: string, propertiesPath: string): string {
  return (
    `${directory} is not formatted. Prepare it with: odradek storage format --cluster-id <id> --config ${propertiesPath} --ignore-formatted ` +
    "(the id is the same on all nodes; 'odradek storage random-uuid' makes a new one)."
  )
}

/** Takes the locks of all directories of a node before anything is read or written in them. @throws StartProblem */
export function lockDirectories(lock: (path: string) => void, config: ServerConfig): void {
  for (const directory of directoriesOf(config)) {
    try {
      lock(join(directory, lockName))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      throw new StartProblem(
        exitCodes.directory,
        error.code === 'EAGAIN'
          ? `${directory} is in use by another process (${lockName} names it). Stop that one, or give this node other log.dirs.`
          : `${directory} cannot be locked: ${error.message}. It must be writable by this user.`,
      )
    }
  }
}
