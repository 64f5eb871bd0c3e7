import { assert } from '../../base/assert.ts'
import { formatEpochs } from '../checkpoints.ts'
import { EpochHistory } from '../epoch-history.ts'
import { LogState } from '../log-state.ts'
import { ProducerSnapshots } from '../producers/producer-snapshots.ts'
import { ProducerState } from '../producers/producer-state.ts'
import { writeSmall } from '../small-file.ts'

/**
 * A copy of a log in another log directory takes its place: its directory gets the partition's own name, and all goes on in what is returned
 * (LogManager.replaceCurrentWithFutureLog).
 *
 *  1. The copy has all that the log has, and as much of it is on stable storage: what the log's flushes have promised stays true.
 *  2. What the batches alone do not tell (producers whose batches retention has taken, epochs that have written nothing yet) is taken over from the log.
 *  3. All that is written is written before the rename: when there is no room for it, nothing has changed. The rename is in one turn with the change in memory.
 *  4. What is returned says of itself what `current` could say: its `durable` is not above that of `current` until a flush has made the new name durable
 *     too. So after a loss of power that takes the rename back, `current`, under the name that it still has, holds all that was promised. Its
 *     files may go only after that flush.
 *
 * Throws DiskError.
 */
export function succeed(future: LogState, current: LogState, directory: string): LogState {
  future.checkUsable()
  assert(future.end === current.end && future.start === current.start, 'a successor has all that the log has')
  assert(future.durable >= current.durable && future.flushes.size === 0, 'a successor is as durable as the log')
  const { ports, options } = future
  const epochs = new EpochHistory(current.epochs.list())
  const producers = new ProducerState(options.producerIdExpirationMs)
  producers.load(current.producers.list(), ports.clock.wall())
  future.active.finishIndexes()
  writeSmall(ports.disk, future.epochPath, formatEpochs(epochs.list()))
  if (future.end > 0) future.snapshots.write(future.end, producers.list())
  const snapshots = new ProducerSnapshots(ports.disk, directory, ports.disk.list(future.directory))
  ports.disk.rename(future.directory, directory)
  const segments = future.segments.map((segment) => segment.movedTo(directory))
  const cleanedOffset = future.cleanedOffset
  const recovered = { segments, epochs, producers, snapshots, logStartOffset: future.start, logEndOffset: future.end }
  const state = new LogState(ports, { ...options, directory, cleanedOffset }, { ...recovered, recoveryPoint: current.durable })
  state.config = current.config
  for (const [i, segment] of future.segments.entries()) if (segment.indexesUnsynced) unsynced(segments[i])
  return state
}

function unsynced(segment: { indexesUnsynced: boolean } | undefined): void {
  if (segment !== undefined) segment.indexesUnsynced = true
}
