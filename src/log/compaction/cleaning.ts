import { DiskError } from '../../base/ports.ts'
import type { Offset, Timestamp } from '../../base/units.ts'
import { CodecUnavailableError, DecompressedTooLargeError } from '../../protocol/compression/compression.ts'
import { MalformedError } from '../../protocol/reader.ts'
import type { LogState } from '../log-state.ts'
import { CorruptLogError } from '../outcomes.ts'
import { type CleaningPlan, planCleaning, segmentsBetween, segmentStart } from './cleaning-plan.ts'
import { CleaningAborted, type CleaningMeans, CleaningRun } from './cleaning-run.ts'
import { buildOffsetMap } from './offset-map-building.ts'
import { OffsetMap } from './offset-map.ts'
import { replaceSegments } from './replacing.ts'
import { type CleaningTally, Rewriting } from './rewriting.ts'
import { groupSegments } from './segment-groups.ts'
import { readTransactionEnds } from './transactions.ts'

export interface Cleaned extends CleaningTally {
  readonly kind: 'cleaned'
  /** Below it the log is clean now, durably. */
  readonly cleanedOffset: Offset
  readonly bytesRead: number
}

/** How a cleaning ended. After each but `cleaned` the log holds what it held, maybe cleaned in part. */
export type CleaningOutcome =
  | Cleaned
  /** There was nothing that may be cleaned. */
  | { readonly kind: 'nothing' }
  /** The log was truncated, trimmed or closed meanwhile. */
  | { readonly kind: 'aborted' }
  /** The world failed: no space, perhaps. It may go better later. */
  | { readonly kind: 'failed'; readonly error: DiskError }
  /** What is in the log cannot be read: no cleaning will do until somebody looks at it. */
  | { readonly kind: 'uncleanable'; readonly error: Error }

/**
 * Cleans a log once (Cleaner.doClean): the dirty part up to what may be touched, or up to where the map is full, is read for its keys, then all
 * segments from the start of the log up to there are rewritten. Reads, appends, truncations and deletions go on meanwhile. Never two at once for one log.
 * `committed` is the high watermark.
 */
export async function cleanLog(log: LogState, means: CleaningMeans, committed: Offset, now: Timestamp): Promise<CleaningOutcome> {
  const run = new CleaningRun(log, means)
  try {
    run.check()
    return await clean(run, planCleaning(log, committed, now), committed, now)
  } catch (error) {
    if (error instanceof CleaningAborted) return { kind: 'aborted' }
    if (!(error instanceof DiskError) && !isUnreadable(error)) throw error
    // A file that is gone, or cut, under the hands of the cleaning
    if (run.isDisturbed && log.failure === null) return { kind: 'aborted' }
    return error instanceof DiskError ? { kind: 'failed', error } : { kind: 'uncleanable', error: log.noted(error) }
  }
}

function isUnreadable(error: unknown): error is Error {
  return (
    error instanceof CorruptLogError ||
    error instanceof MalformedError ||
    error instanceof DecompressedTooLargeError ||
    error instanceof CodecUnavailableError
  )
}

async function clean(run: CleaningRun, plan: CleaningPlan, committed: Offset, now: Timestamp): Promise<CleaningOutcome> {
  const { log, means } = run
  const from = plan.firstDirtyOffset
  if (plan.firstUncleanableOffset <= from) return { kind: 'nothing' }
  const ends = await readTransactionEnds(run, from, plan.firstUncleanableOffset, committed)
  const until = Math.min(plan.firstUncleanableOffset, segmentStart(log, ends.undecidedFrom))
  if (until <= from) return { kind: 'nothing' }
  const size = { bytesMax: means.dedupeBytesMax, loadFactor: means.loadFactor, keysMax: until - from }
  const map = new OffsetMap(size, means.hashSecret)
  await buildOffsetMap(run, map, ends, from, until)
  const cleanedOffset = map.latestOffset + 1
  const rewriting = new Rewriting(run, { map, ends, now, deleteRetentionMs: log.config.deleteRetentionMs, endOfRound: until })
  const segments = segmentsBetween(log, 0, cleanedOffset)
  for (const group of groupSegments(segments, until, log.config)) {
    const cleaned = await rewriting.rewrite(group)
    if (cleaned === null) continue
    if (run.isDisturbed) rewriting.discard(cleaned)
    run.check()
    replaceSegments(log, cleaned, group)
    run.goOn()
  }
  if (log.replacedUnsynced) await syncNames(run)
  run.check()
  log.cleanedOffset = cleanedOffset
  return { kind: 'cleaned', cleanedOffset, bytesRead: run.bytesRead, ...rewriting.tally }
}

/**
 * Only when the new names are durable may anybody say that the log is clean, or a power cut would bring back values whose tombstones a later cleaning
 * has already dropped. Rejects with DiskError (the log has then failed), CleaningAborted.
 */
async function syncNames(run: CleaningRun): Promise<void> {
  const { log } = run
  await log.ports.disk.syncDirectory(log.directory).catch((error: unknown) => log.failWith(error))
  run.check()
  log.replacedUnsynced = false
}
