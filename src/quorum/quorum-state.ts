import { type Disk, DiskError } from '../base/ports.ts'
import { NO_NODE, NO_UUID } from '../base/units.ts'
import type { DurableState } from '../raft/messages.ts'

/** `quorum-state` in the metadata partition's directory: one line of JSON (QuorumStateData v0, FileQuorumStateStore). */
export const quorumStateFileName = 'quorum-state'

/** The file is there and says nothing that can be trusted: a vote could be given twice. */
export class QuorumStateError extends Error {
  override readonly name = 'QuorumStateError'
}

const advice =
  'The vote in it must not be given twice, so this node does not start. Restore the file; or, if there are other voters, empty the whole metadata log ' +
  'directory, format it, and start again when the others have a leader'

/** @throws QuorumStateError, DiskError */
export function readQuorumState(disk: Disk, directory: string): DurableState {
  const path = `${directory}/${quorumStateFileName}`
  try {
    return parse(path, disk.readSmall(path).toString('utf8'))
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return { epoch: 0, leaderId: NO_NODE, voted: null }
    throw error
  }
}

function parse(path: string, text: string): DurableState {
  const state = parseObject(path, text)
  const int = (name: string): number => {
    const value = state[name]
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw new QuorumStateError(`${path}: ${name} is not a whole number. ${advice}`)
    return value
  }
  const version = int('data_version')
  if (version !== 0 && version !== 1) throw new QuorumStateError(`${path}: data_version ${version}. ${advice}`)
  const votedId = int('votedId')
  const directoryId = typeof state['votedDirectoryId'] === 'string' ? state['votedDirectoryId'] : NO_UUID
  // Kafka writes -1 for "no epoch yet"; epochs begin with 0.
  return { epoch: Math.max(0, int('leaderEpoch')), leaderId: int('leaderId'), voted: votedId < 0 ? null : { id: votedId, directoryId } }
}

function parseObject(path: string, text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new QuorumStateError(`${path} is not a JSON object. ${advice}`)
}

/** As Kafka writes it for static voters (kraft.version 0). */
export function formatQuorumState(state: DurableState, voters: readonly number[]): string {
  return JSON.stringify({
    clusterId: '',
    leaderId: state.leaderId,
    leaderEpoch: state.epoch,
    votedId: state.voted?.id ?? NO_NODE,
    appliedOffset: 0,
    currentVoters: voters.map((voterId) => ({ voterId })),
    data_version: 0,
  })
}
