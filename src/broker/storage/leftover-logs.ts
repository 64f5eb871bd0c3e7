import type { Log } from '../../base/ports.ts'
import { type NodeId, partitionName, type TopicPartition } from '../../base/units.ts'
import type { LogDirectory } from '../../log/log-directory.ts'
import { DIRECTORY_LOST, directoryOf, isTrusted, type PartitionImage } from '../../metadata/partition-image.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import type { DirectoryAssignments } from './directory-assignments.ts'
import { rotFields, stepForUnopened } from './quarantine.ts'

export interface LeftoverSurroundings {
  readonly brokerId: NodeId
  readonly directories: readonly LogDirectory[]
  readonly assignments: Pick<DirectoryAssignments, 'tell'>
  readonly log: Log
}

/**
 * Logs of topics that went, or of replicas that moved, while this broker was away. What did not open for its rot is set aside: nobody asks for it, and it
 * would be in the way if the partition came back. Throws DiskError.
 */
export function removeWhatIsGone(
  { directories, log }: Pick<LeftoverSurroundings, 'directories' | 'log'>,
  isAssigned: (at: TopicPartition) => boolean,
): void {
  for (const directory of directories) {
    for (const it of [...directory.futures.values()]) if (!isAssigned(it)) directory.removeFuture(it.topic, it.partition)
    for (const it of [...directory.logs.values()]) {
      // One of another topic id is set aside when its successor is opened
      if (isAssigned(it)) continue
      tellGone(log, it, 'its log is removed')
      directory.remove(it.topic, it.partition)
    }
    for (const it of [...directory.corrupt.values()]) {
      if (isAssigned(it.at)) continue
      tellGone(log, it.at, keptAsStray)
      directory.setAside(it.at.topic, it.at.partition)
    }
  }
}

/**
 * The same for one partition that went while this broker runs, and that it does not host: its log did not open, or has not been taken up yet. Throws
 * DiskError.
 */
export function removeUnhosted({ directories, log }: Pick<LeftoverSurroundings, 'directories' | 'log'>, at: TopicPartition): void {
  const name = partitionName(at.topic, at.partition)
  for (const directory of directories) {
    if (directory.failure !== null) continue
    if (directory.hasFuture(name)) directory.removeFuture(at.topic, at.partition)
    if (directory.logs.has(name)) {
      tellGone(log, at, 'its log is removed')
      directory.remove(at.topic, at.partition)
    }
    if (directory.corrupt.has(name)) {
      tellGone(log, at, keptAsStray)
      directory.setAside(at.topic, at.partition)
    }
  }
}

const keptAsStray = 'its log, which did not open, is kept as -stray for a while'

function tellGone(log: Log, { topic, partition }: TopicPartition, what: string): void {
  log.write('info', 'partition-gone', `${partitionName(topic, partition)} is no longer assigned to this broker: ${what}`)
}

/**
 * A copy without the log that it is made of (its directory was exchanged) is not all that the replica had. Who is counted on is given up first, as for rot;
 * then it goes. False: it has to stay, and nothing is opened. Throws DiskError.
 */
export function settleFutures(around: LeftoverSurroundings, topic: TopicImage, state: PartitionImage): boolean {
  const { directories, log } = around
  const name = partitionName(topic.name, state.partition)
  const holders = directories.filter((it) => it.failure === null && it.hasFuture(name))
  if (holders.length === 0 || directories.some((it) => it.logs.has(name))) return true
  if (!mayGo(around, topic, state)) {
    log.write(
      'error',
      'replica-irreplaceable',
      `${name}: only a copy that was being made is left, in ${holders[0]?.path ?? ''}. ${whatToDoUnopened}`,
    )
    return false
  }
  for (const holder of holders) holder.removeFuture(topic.name, state.partition)
  return true
}

/** What this broker has of a replica cannot be used: the controller is told, and when nobody counts on it any more it may go. */
function mayGo(around: LeftoverSurroundings, topic: TopicImage, state: PartitionImage): boolean {
  const { brokerId, assignments } = around
  if (isTrusted(state, brokerId) && directoryOf(state, brokerId) !== DIRECTORY_LOST)
    assignments.tell({ topicId: topic.id, partition: state.partition, directory: DIRECTORY_LOST })
  return !isTrusted(state, brokerId) || stepForUnopened(state, brokerId) !== 'wait'
}

/** A log that did not open for its rot makes room when others have what it had. False: it has to stay, and nothing is opened. Throws DiskError. */
export function settleCorrupt(around: LeftoverSurroundings, topic: TopicImage, state: PartitionImage): boolean {
  const { brokerId, assignments, directories, log } = around
  const name = partitionName(topic.name, state.partition)
  const holder = directories.find((it) => it.corrupt.has(name))
  const rot = holder?.corrupt.get(name)?.error
  if (holder === undefined || rot === undefined) return true
  if (directoryOf(state, brokerId) !== DIRECTORY_LOST)
    assignments.tell({ topicId: topic.id, partition: state.partition, directory: DIRECTORY_LOST })
  if (stepForUnopened(state, brokerId) === 'wait') {
    log.write('error', 'replica-irreplaceable', `${name}: ${rot.message}. ${whatToDoUnopened}`, rotFields(rot))
    return false
  }
  holder.setAside(topic.name, state.partition)
  log.write('warn', 'replica-set-aside', `${name}: ${rot.message}. Its files are kept as -stray; it is fetched again`, rotFields(rot))
  return true
}

const whatToDoUnopened =
  'No other replica leads, so it is left as it is, and not led: bring back a broker with another replica; or restore the file from a backup and start ' +
  'again; or let a replica that has lost data lead (an unclean election)'
