import { DiskError } from '../../base/ports.ts'
import type { LogPorts } from '../options.ts'
import { CorruptLogError } from '../outcomes.ts'

/** Logs dealt with in a row before others get their turn. */
export const logsPerTurn = 32

export function nextTurn({ clock }: LogPorts): Promise<void> {
  return new Promise((resolve) => void clock.after(0, resolve))
}

export interface OpeningOptions<Place> {
  /** So many at once. */
  readonly concurrency: number
  readonly isAbandoned: () => boolean
  readonly open: (place: Place) => Promise<unknown>
  /** Told how many of how many are done. */
  readonly onOpened: (done: number, all: number) => void
}

/** Opens all that was found, as far as it can be opened (DiskError, CorruptLogError); says what could not. */
export async function openEach<Place>(
  ports: LogPorts,
  found: readonly Place[],
  options: OpeningOptions<Place>,
): Promise<readonly { readonly place: Place; readonly error: DiskError | CorruptLogError }[]> {
  const failed: { place: Place; error: DiskError | CorruptLogError }[] = []
  let done = 0
  let next = 0
  const worker = async (): Promise<void> => {
    for (let place = found[next++]; place !== undefined && !options.isAbandoned(); place = found[next++]) {
      try {
        await options.open(place)
      } catch (error) {
        if (!(error instanceof DiskError) && !(error instanceof CorruptLogError)) throw error
        failed.push({ place, error })
      }
      options.onOpened(++done, found.length)
      if (next % logsPerTurn === 0) await nextTurn(ports)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, worker))
  return failed
}
