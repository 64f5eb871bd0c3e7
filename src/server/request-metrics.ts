import type { Millis } from '../base/units.ts'

const apiKeysMax = 128
/** Bucket b holds times below 2^b / 64 milliseconds: from 16 µs to 70 minutes. */
const buckets = 28
const slotsPerApi = buckets + 2
const countSlot = buckets
const sumSlot = buckets + 1

/** Requests and their times by API, in plain slots: counting costs a few nanoseconds, whoever exports them reads them when asked. */
export class RequestMetrics {
  private readonly slots = new Float64Array(apiKeysMax * slotsPerApi)
  connectionsOpened = 0
  connectionsRefused = 0
  connectionsClosedForError = 0

  /** The answer of a request has been handed to its connection, or it turned out to have none. */
  record(apiKey: number, elapsed: Millis): void {
    if (apiKey < 0 || apiKey >= apiKeysMax) return
    const at = apiKey * slotsPerApi
    const bucket = Math.min(buckets - 1, Math.max(0, Math.ceil(Math.log2(elapsed * 64))))
    const slots = this.slots
    slots[at + bucket] = (slots[at + bucket] ?? 0) + 1
    slots[at + countSlot] = (slots[at + countSlot] ?? 0) + 1
    slots[at + sumSlot] = (slots[at + sumSlot] ?? 0) + elapsed
  }

  count(apiKey: number): number {
    return this.slots[apiKey * slotsPerApi + countSlot] ?? 0
  }

  /** Milliseconds, all requests together. */
  totalMs(apiKey: number): Millis {
    return this.slots[apiKey * slotsPerApi + sumSlot] ?? 0
  }

  /** An upper bound of the time within which a `fraction` (0..1) of the requests were answered; 0 when there were none. */
  quantileMs(apiKey: number, fraction: number): Millis {
    const at = apiKey * slotsPerApi
    let left = this.count(apiKey) * fraction
    if (left === 0) return 0
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      left -= this.slots[at + bucket] ?? 0
      if (left <= 0) return 2 ** bucket / 64
    }
    return Infinity
  }
}
