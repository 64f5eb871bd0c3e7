import type { Disk } from '../../base/ports.ts'
import type { Offset } from '../../base/units.ts'
import type { OpenFiles } from '../open-files.ts'
import { lookupWindowBytes, runNow, scanBatches } from './scan.ts'
import { segmentName, segmentSuffix } from './segment.ts'

const replacedSuffixes = [segmentSuffix.log, segmentSuffix.index, segmentSuffix.timeIndex, segmentSuffix.txnIndex]
const logFile = /^(\d{20})\.log$/
const indexFile = /^(\d{20})\.(index|timeindex|txnindex)$/
const swapFile = /^(\d{20})\.log\.swap$/
const cleanedFile = /^(\d{20})\.\w+\.cleaned$/

/**
 * Brings a partition's directory back to plain segments: what was being deleted is deleted, what compaction had not finished is dropped,
 * what it had finished (`.swap`) takes the place of the segments it was made of, indexes without a log go (LogLoader).
 * Returns the names that are left. Throws DiskError.
 */
export function settleLeftovers(disk: Disk, files: OpenFiles, directory: string): ReadonlySet<string> {
  const names = new Set(disk.list(directory))
  const remove = (name: string): void => {
    disk.remove(`${directory}/${name}`)
    names.delete(name)
  }
  const cleaned = Math.min(Infinity, ...basesOf(names, cleanedFile))
  for (const name of [...names]) {
    const unfinished = name.endsWith('.swap') && Number(name.slice(0, 20)) >= cleaned
    if (name.endsWith('.deleted') || name.endsWith('.cleaned') || name.endsWith('.tmp') || unfinished) remove(name)
  }
  completeSwaps(disk, files, directory, names, remove)
  for (const name of [...names]) {
    const base = indexFile.exec(name)?.[1]
    if (base !== undefined && !names.has(base + segmentSuffix.log)) remove(name)
  }
  return names
}

/** Base offsets of the segments among the names, rising. */
export function segmentBases(names: Iterable<string>): readonly Offset[] {
  return basesOf(names, logFile)
}

function basesOf(names: Iterable<string>, pattern: RegExp): readonly Offset[] {
  const bases: Offset[] = []
  for (const name of names) {
    const base = pattern.exec(name)?.[1]
    if (base !== undefined) bases.push(Number(base))
  }
  return bases.sort((a, b) => a - b)
}

function completeSwaps(disk: Disk, files: OpenFiles, directory: string, names: Set<string>, remove: (name: string) => void): void {
  for (const base of basesOf(names, swapFile)) {
    const end = endOfSwap(files, `${directory}/${segmentName(base)}.log.swap`)
    // The indexes of what is replaced go with it: its own come as .swap files, or are made anew.
    for (const old of segmentBases(names)) {
      if (old < base || old >= end) continue
      for (const suffix of replacedSuffixes) if (names.has(segmentName(old) + suffix)) remove(segmentName(old) + suffix)
    }
  }
  for (const name of [...names].filter((candidate) => candidate.endsWith('.swap'))) {
    const settled = name.slice(0, -'.swap'.length)
    disk.rename(`${directory}/${name}`, `${directory}/${settled}`)
    names.delete(name)
    names.add(settled)
  }
}

function endOfSwap(files: OpenFiles, path: string): Offset {
  const file = files.use(path)
  let end = 0
  const scan = scanBatches({ from: 0, until: file.size(), checkCrc: false, windowBytes: lookupWindowBytes }, (header) => {
    end = header.lastOffset + 1
    return 'continue'
  })
  runNow(scan, file)
  files.forget(path)
  return end
}
