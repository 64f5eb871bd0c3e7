import type { Disk } from '../../base/ports.ts'
import type { Offset } from '../../base/units.ts'
import type { OpenFiles } from '../open-files.ts'
import { CorruptLogError } from '../outcomes.ts'

export interface SegmentEnd {
  readonly nextOffset: Offset
  readonly position: number
  readonly problem: string | null
}

/** What a segment's files are called after: '' for those of the log itself, else what a cleaning is about to put there. */
export type SegmentStage = '' | '.cleaned' | '.swap'

export interface SegmentPlace {
  readonly files: OpenFiles
  readonly directory: string
  readonly baseOffset: Offset
  readonly stage: SegmentStage
}

export interface SegmentSizes {
  readonly logBytes: number
  readonly indexEntries: number
  readonly timeIndexEntries: number
  readonly indexFilesExist: boolean
}

export const emptySizes: SegmentSizes = { logBytes: 0, indexEntries: 0, timeIndexEntries: 0, indexFilesExist: true }

export function fileSize(disk: Disk, path: string): number {
  const file = disk.open(path, { create: false })
  try {
    return file.size()
  } finally {
    file.close()
  }
}

/** Null: what was looked for cannot be told from what is there. */
export function readable<T>(look: () => T): T | null {
  try {
    return look()
  } catch (error) {
    if (!(error instanceof CorruptLogError)) throw error
    return null
  }
}
