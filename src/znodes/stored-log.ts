import type { Epoch, Offset, Timestamp } from '../base/units.ts'
import { numberIn, parseObject, stringIn, ZnodeError } from './json.ts'
import { paths } from './paths.ts'
import type { Znode, ZnodeChange } from './znode-tree.ts'

/**
 * `/odradek/log`: how far in the metadata log the znodes are. It is written in every multi, under the version that the one before left, so that
 * multis are carried out in the order in which they were made, each at most once, and none after one that was not.
 */
export interface StoredLog {
  /** Exclusive: the znodes are the fold of all records below it. */
  readonly endOffset: Offset
  /** Of the last record; 0 when there is none. */
  readonly epoch: Epoch
  /** Append time of the last record; -1 when there is none. */
  readonly timestamp: Timestamp
  /**
   * Znodes of `/odradek/journal`, from 0 on, that hold changes which are part of the fold and of which it is not known how many have been carried out:
   * a batch that is too large for one multi.
   */
  readonly journal: number
}

export const EMPTY_STORED_LOG: StoredLog = { endOffset: 0, epoch: 0, timestamp: -1, journal: 0 }

export function storedLogText({ endOffset, epoch, timestamp, journal }: StoredLog): string {
  return JSON.stringify({ version: 1, end_offset: endOffset, epoch, timestamp: String(timestamp), journal })
}

/** @throws ZnodeError */
export function storedLogIn(text: string): StoredLog {
  const found = parseObject(paths.log, text)
  return {
    endOffset: numberIn(paths.log, found, 'end_offset'),
    epoch: numberIn(paths.log, found, 'epoch'),
    timestamp: Number(stringIn(paths.log, found, 'timestamp')),
    journal: numberIn(paths.log, found, 'journal'),
  }
}

export function journalPath(at: number): string {
  return `${paths.journal}/${String(at).padStart(10, '0')}`
}

export function journalZnode(at: number, changes: readonly ZnodeChange[]): Znode {
  return [journalPath(at), JSON.stringify({ version: 1, changes: changes.map(({ path, text }) => [path, text]) })]
}

/** What the znodes of a journal are to be, in order. @throws ZnodeError */
export function journalledIn(path: string, text: string): readonly { readonly path: string; readonly text: string | null }[] {
  const { changes } = parseObject(path, text)
  if (!Array.isArray(changes)) throw new ZnodeError(path, 'no changes')
  return changes.map((change: unknown) => {
    const [at, value] = Array.isArray(change) ? (change as readonly unknown[]) : []
    if (typeof at !== 'string' || (value !== null && typeof value !== 'string')) throw new ZnodeError(path, 'a change of nothing')
    return { path: at, text: value }
  })
}

/** What ZooKeeper keeps of an operation besides path and text, at most. */
const operationOverheadBytes = 96

/** Changes in lists that each fit into `bytesMax` (one that is alone too large stands alone). */
export function cutByBytes<C extends { readonly path: string; readonly text: string | null }>(
  changes: readonly C[],
  bytesMax: number,
): readonly (readonly C[])[] {
  const lists: C[][] = []
  let room = 0
  for (const change of changes) {
    const cost = bytesOf(change)
    if (cost > room || lists.length === 0) {
      lists.push([])
      room = bytesMax
    }
    lists.at(-1)?.push(change)
    room -= cost
  }
  return lists
}

export function bytesOf({ path, text }: { readonly path: string; readonly text: string | null }): number {
  return Buffer.byteLength(path) + (text === null ? 0 : Buffer.byteLength(text)) + operationOverheadBytes
}
