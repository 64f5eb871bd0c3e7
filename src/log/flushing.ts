import { DiskError, isOutOfSpace } from '../base/ports.ts'
import type { Offset } from '../base/units.ts'
import type { LogState } from './log-state.ts'
import { partitionMetadataName } from './options.ts'
import type { Segment } from './segments/segment.ts'

/** `all`: up to the log end; `rolled`: up to the active segment; `close`: all, with the indexes of the active segment. */
export type FlushScope = 'all' | 'rolled' | 'close'

/**
 * Makes what the scope says durable, then raises the mark below which all is. Appends go on meanwhile. Rejects with ENOENT
 * when the log is closed or deleted meanwhile. The indexes of the active segment
 * are left out but at the close: they grow on, and after a crash they are made anew.
 * A failure is final: pages that could not be written may be gone, so no later sync proves anything (S-6).
 *
 * One after the other: a flush takes away the marks of what it is about to sync, so that another beside it would find nothing left to do, and
 * would call durable what the first is still waiting for. What is appended until it begins is covered by it.
 */
export function flush(log: LogState, scope: FlushScope): Promise<void> {
  const flushed = log.lastFlush.then(() => flushAlone(log, scope))
  log.lastFlush = flushed.catch(() => undefined)
  return flushed
}

async function flushAlone(log: LogState, scope: FlushScope): Promise<void> {
  log.checkUsable()
  const flushing = { target: scope === 'rolled' ? log.active.baseOffset : log.end }
  log.flushes.add(flushing)
  try {
    for (const { segment, paths } of unsyncedFiles(log, scope, flushing.target)) {
      for (const path of paths) {
        log.checkOpen()
        // Deleted or cleaned while the file before was synced
        if (!log.segments.includes(segment)) break
        await log.options.shared.files.pinned(path, (file) => file.sync())
      }
    }
    log.checkOpen()
    await syncNames(log)
    log.checkUsable()
    log.durable = Math.max(log.durable, flushing.target)
  } catch (error) {
    // Files that could not be replaced for want of room are as they were, and nothing of the log's own was lost
    const isHarmless = isOutOfSpace(error) && error.path.startsWith(log.epochPath)
    if (error instanceof DiskError && !isHarmless) log.fail(error)
    throw error
  } finally {
    log.flushes.delete(flushing)
  }
}

/**
 * The files to sync, each once. Looked for anew after each, as segments are rolled and deleted meanwhile. A mark is taken away before its
 * file is synced, so that what is written meanwhile sets it again: this flush need not cover it, a later one will.
 */
function* unsyncedFiles(
  log: LogState,
  scope: FlushScope,
  target: Offset,
): Generator<{ readonly segment: Segment; readonly paths: readonly string[] }> {
  const syncedLogs = new Set<Segment>()
  const syncedIndexes = new Set<Segment>()
  for (;;) {
    const inScope = log.segments.filter((segment) => segment.baseOffset < target)
    const grown = inScope.find((segment) => segment.unsynced && !syncedLogs.has(segment))
    if (grown !== undefined) {
      syncedLogs.add(grown)
      grown.unsynced = false
      yield { segment: grown, paths: [grown.logPath] }
      continue
    }
    const sealed = (segment: Segment): boolean => scope === 'close' || segment !== log.active
    const indexed = inScope.find((segment) => segment.indexesUnsynced && sealed(segment) && !syncedIndexes.has(segment))
    if (indexed === undefined) return
    syncedIndexes.add(indexed)
    indexed.indexesUnsynced = false
    yield { segment: indexed, paths: indexed.indexPaths() }
  }
}

async function syncNames(log: LogState): Promise<void> {
  const { disk } = log.ports
  if (log.epochsAreUnsaved) {
    const version = log.epochs.version
    await disk.replaceSmall(log.epochPath, log.epochsText())
    log.noteEpochsSaved(version)
  }
  if (!log.namesUnsynced) return
  log.namesUnsynced = false
  const metadata = `${log.directory}/${partitionMetadataName}`
  if (disk.exists(metadata)) await log.options.shared.files.pinned(metadata, (file) => file.sync())
  log.options.shared.files.forget(metadata)
  await disk.syncDirectory(log.directory)
  await disk.syncDirectory(parentOf(log.directory))
}

/** As `flush`, blocking: for the metadata quorum, whose answers wait for it. Throws DiskError. */
export function flushNow(log: LogState): void {
  log.checkUsable()
  if (log.flushes.size > 0) log.markUnsynced()
  try {
    for (const { paths } of unsyncedFiles(log, 'all', log.end)) {
      for (const path of paths) log.options.shared.files.use(path).syncNow()
    }
    if (log.namesUnsynced) syncNamesNow(log)
  } catch (error) {
    if (error instanceof DiskError) log.fail(error)
    throw error
  }
  log.durable = log.end
}

/**
 * Replacing a file syncs the directory that names it, and with it the segments created since. New epochs alone are no reason: recovery makes
 * them anew from the batches, and an election of the metadata quorum must not wait for one more file on each of its nodes.
 */
function syncNamesNow(log: LogState): void {
  log.ports.disk.replaceSmallSync(log.epochPath, log.epochsText())
  log.noteEpochsSaved(log.epochs.version)
  log.namesUnsynced = false
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}
