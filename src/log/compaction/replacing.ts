import { assert } from '../../base/assert.ts'
import type { LogState } from '../log-state.ts'
import type { Segment } from '../segments/segment.ts'

/**
 * Puts a rewritten segment in the place of those it was made of (UnifiedLog.replaceSegments). All in one turn: nobody sees it half done, and no
 * truncation comes in between. A directory remembers its changes in order, so that a crash finds one of these:
 *
 * 1. `.cleaned` files beside the old segments: they are dropped, nothing has happened.
 * 2. only `.swap` files are left of the new one, and perhaps some of the old segments: the last rename to `.swap` was the moment of the exchange.
 *    What is left of the old segments in its range goes, then it takes its place.
 * 3. the new segment under its name, perhaps some of its indexes still as `.swap`: they follow.
 *
 * The files of the new segment are on stable storage before. The names are not afterwards: `log.replacedUnsynced` says so, for a truncation
 * must not run ahead of them. Throws DiskError; the log has then failed.
 */
export function replaceSegments(log: LogState, cleaned: Segment, old: readonly Segment[]): void {
  const [first] = old
  const at = first === undefined ? -1 : log.segments.indexOf(first)
  assert(at >= 0 && old.every((segment, i) => log.segments[at + i] === segment), 'the segments to replace are neighbours in the log')
  assert(at + old.length < log.segments.length, 'the active segment is never replaced')
  const { disk } = log.ports
  log.wholly(() => {
    const swap = cleaned.renamed(disk, '.swap')
    for (const segment of [...old].reverse()) segment.remove(disk)
    log.segments.splice(at, old.length, swap.renamed(disk, ''))
  })
  log.forgetReads()
  log.tail.dropBelow(log.segments[at + 1]?.baseOffset ?? 0)
  // What replays from the middle of a cleaned stretch would miss the markers that have gone from it.
  log.snapshots.removeAt(new Set(old.map((segment) => segment.baseOffset)))
  log.namesUnsynced = true
  log.replacedUnsynced = true
}
