import { CheckpointError, type DirectoryIdentity, formatMetaProperties, parseMetaProperties } from '../checkpoints.ts'
import type { LogPorts } from '../options.ts'

const fileName = 'meta.properties'

/** What meta.properties says; null when there is none. Throws CheckpointError, DiskError. */
export function readIdentity({ disk }: LogPorts, directory: string): DirectoryIdentity | null {
  const path = `${directory}/${fileName}`
  return disk.exists(path) ? parseMetaProperties(disk.readSmall(path).toString()) : null
}

/** Writes meta.properties, where there is none yet, and returns what it says; a CheckpointError refuses a directory that belongs to another cluster or node. */
export function settleIdentity(
  { disk }: LogPorts,
  directory: string,
  known: DirectoryIdentity | null,
  identity: DirectoryIdentity,
): DirectoryIdentity {
  if (known !== null && (known.clusterId !== identity.clusterId || known.nodeId !== identity.nodeId)) {
    const owner = `node ${known.nodeId} of cluster ${known.clusterId}`
    throw new CheckpointError(`${directory} belongs to ${owner}, not to node ${identity.nodeId} of cluster ${identity.clusterId}`)
  }
  if (known !== null) return known
  disk.replaceSmallSync(`${directory}/${fileName}`, formatMetaProperties(identity))
  return identity
}
