import { DiskError } from '../base/ports.ts'
import type { Offset } from '../base/units.ts'
import type { LogState } from './log-state.ts'
import type { Segment } from './segments/segment.ts'

/**
 * Makes everything below the log end durable (or, with `rolledOnly`, below the active segment), then raises the recovery point.
 * Appends go on meanwhile. A failure is final: pages that could not be written may be gone, so no later sync proves anything (S-6).
 */
export async function flush(log: LogState, rolledOnly: boolean): Promise<void> {
  log.checkUsable()
  const flushing = { target: rolledOnly ? log.active.baseOffset : log.end }
  if (flushing.target <= log.durable && !log.namesUnsynced) return
  log.flushes.add(flushing)
  try {
    for (const segment of segmentsToSync(log, flushing.target)) await syncSegment(log, segment)
    await syncRolledMeanwhile(log, flushing)
    await syncNames(log)
    log.checkUsable()
    log.durable = Math.max(log.durable, flushing.target)
  } catch (error) {
    if (error instanceof DiskError) log.fail(error)
    throw error
  } finally {
    log.flushes.delete(flushing)
  }
}

function segmentsToSync(log: LogState, target: Offset): readonly Segment[] {
  return log.segments.filter((segment) => segment.unsynced && segment.baseOffset < target)
}

/** A segment that was active when it was synced and is no longer has indexes that count now. */
async function syncRolledMeanwhile(log: LogState, flushing: { readonly target: Offset }): Promise<void> {
  for (;;) {
    const rolled = segmentsToSync(log, flushing.target).find((segment) => segment !== log.active)
    if (rolled === undefined) return
    await syncSegment(log, rolled)
  }
}

/** The indexes of the active segment need not be durable: after a crash they are made anew. */
async function syncSegment(log: LogState, segment: Segment): Promise<void> {
  const paths = pathsToSync(log, segment)
  segment.unsynced = false
  for (const path of paths) {
    if (log.segments.includes(segment)) await log.options.shared.files.pinned(path, (file) => file.sync())
  }
}

function pathsToSync(log: LogState, segment: Segment): readonly string[] {
  if (segment === log.active) return [segment.logPath]
  return [segment.logPath, segment.index.file.path, segment.timeIndex.file.path]
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
  await disk.syncDirectory(log.directory)
  await disk.syncDirectory(parentOf(log.directory))
}

/** As `flush`, blocking: for the metadata quorum, whose answers wait for it. Throws DiskError. */
export function flushNow(log: LogState): void {
  log.checkUsable()
  if (log.end <= log.durable && !log.namesUnsynced) return
  try {
    for (const segment of segmentsToSync(log, log.end)) {
      segment.unsynced = false
      for (const path of pathsToSync(log, segment)) log.options.shared.files.use(path).syncNow()
    }
    // Replacing a file syncs the directory that names it, and with it the segments created since.
    if (log.epochsAreUnsaved || log.namesUnsynced) log.ports.disk.replaceSmallSync(log.epochPath, log.epochsText())
  } catch (error) {
    if (error instanceof DiskError) log.fail(error)
    throw error
  }
  log.noteEpochsSaved(log.epochs.version)
  log.namesUnsynced = false
  log.durable = log.end
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}
