import type { Disk } from '../base/ports.ts'
import type { Timestamp } from '../base/units.ts'
import { encodeSnapshot, readSnapshot, snapshotInMemory } from './snapshot-file.ts'

/** The file in a formatted metadata log directory whose records the first active controller appends to the empty log. */
export const bootstrapFileName = 'bootstrap.checkpoint'

/** Record values of `<directory>/bootstrap.checkpoint`, in order; null when there is no such file. @throws MalformedError, DiskError */
export function readBootstrap(disk: Disk, directory: string): readonly Buffer[] | null {
  const path = `${directory}/${bootstrapFileName}`
  if (!disk.exists(path)) return null
  const snapshot = readSnapshot(snapshotInMemory(disk.readSmall(path)), { offset: 0, epoch: 0 })
  return [...snapshot.batches()].flat()
}

/** Writes record values (metadata framing, made by the caller) as `storage format` does: durable when it returns. @throws DiskError */
export function writeBootstrap(disk: Disk, directory: string, values: readonly Buffer[], writtenAt: Timestamp): void {
  const content = { id: { offset: 0, epoch: 0 }, lastContainedTimestamp: writtenAt, writtenAt, batches: [values] }
  disk.replaceSmallSync(`${directory}/${bootstrapFileName}`, Buffer.concat([...encodeSnapshot(content)]))
}
