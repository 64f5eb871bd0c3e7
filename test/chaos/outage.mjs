// Availability, from the times at which writes were acknowledged.
import { longestSilence } from '../failover/load.mjs'

export const windowMs = 100

/**
 * How many of the 100-ms windows between two instants had an acknowledgement. The last, partial window does not count.
 * @param {readonly number[]} times ascending, in ms @param {number} from @param {number} to
 * @returns {{ served: number, windows: number }}
 */
export function servedWindows(times, from, to) {
  const windows = Math.floor((to - from) / windowMs)
  const served = new Uint8Array(windows)
  for (const time of times) {
    const at = Math.floor((time - from) / windowMs)
    if (time >= from && at < windows) served[at] = 1
  }
  return { served: served.reduce((sum, it) => sum + it, 0), windows }
}

/**
 * Of all keys together: each key's windows count.
 * @param {ReadonlyMap<unknown, readonly number[]>} timesOf @param {number} from @param {number} to
 */
export function availability(timesOf, from, to) {
  let served = 0
  let windows = 0
  for (const times of timesOf.values()) {
    const one = servedWindows(times, from, to)
    served += one.served
    windows += one.windows
  }
  return { served, windows, share: windows === 0 ? 1 : served / windows }
}

/**
 * The longest time between two instants in which a key had no acknowledgement; the worst of all keys.
 * @template K
 * @param {ReadonlyMap<K, number[]>} timesOf @param {number} from @param {number} to
 * @returns {{ key: K | undefined, begin: number, ms: number }}
 */
export function longestOutage(timesOf, from, to) {
  /** @type {{ key: K | undefined, begin: number, ms: number }} */
  let worst = { key: undefined, begin: from, ms: 0 }
  for (const [key, times] of timesOf) {
    const { begin, end } = longestSilence(times, from, to)
    if (end - begin > worst.ms) worst = { key, begin, ms: end - begin }
  }
  return worst
}

/** @param {readonly number[]} numbers @param {number} share from 0 to 1 */
export function quantile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1))] ?? NaN
}
