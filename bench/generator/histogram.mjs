// A histogram of latencies in whole microseconds. Values below 256 have a slot each; above, every doubling is cut into 128 slots, so that what is
// read out is at most 1/128 (0.8 %) above what was recorded, from 1 µs to 2^40 µs (12 days). Larger values count as the largest.
// Invariants: `count` is the sum of all slots; `max` and `min` are exact; the quantile at 1 is `max`; quantiles never fall as their rank grows.
// A merge of two histograms is what recording both series into one would have made.

const halfBits = 7
const half = 2 ** halfBits
const exactBelow = 2 * half
const largest = 2 ** 40 - 1
const slots = slotOf(largest) + 1

/** @param {number} value a whole number from 0 to `largest` */
function slotOf(value) {
  if (value < exactBelow) return value
  const shift = Math.floor(Math.log2(value)) - halfBits
  return shift * half + Math.floor(value / 2 ** shift)
}

/** The largest value that falls into a slot. @param {number} slot */
function topOf(slot) {
  if (slot < exactBelow) return slot
  const shift = Math.floor(slot / half) - 1
  return (slot - shift * half + 1) * 2 ** shift - 1
}

export class Histogram {
  constructor() {
    this.counts = new Float64Array(slots)
    this.count = 0
    this.min = 0
    this.max = 0
  }

  /** @param {number} microseconds rounded; what is below 0 counts as 0 */
  record(microseconds) {
    const value = Math.min(largest, Math.max(0, Math.round(microseconds)))
    const slot = slotOf(value)
    this.counts[slot] = (this.counts[slot] ?? 0) + 1
    this.min = this.count === 0 ? value : Math.min(this.min, value)
    this.max = Math.max(this.max, value)
    this.count += 1
  }

  /** Adds all that another has recorded. @param {Histogram} other */
  merge(other) {
    if (other.count === 0) return
    for (const [slot, count] of other.counts.entries()) this.counts[slot] = (this.counts[slot] ?? 0) + count
    this.min = this.count === 0 ? other.min : Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
    this.count += other.count
  }

  /** The value in microseconds that a share of all recorded ones does not pass; 0 when nothing was recorded. @param {number} share 0 to 1 */
  quantile(share) {
    const rank = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    for (const [slot, count] of this.counts.entries()) {
      seen += count
      if (count > 0 && seen >= rank) return Math.min(this.max, topOf(slot))
    }
    return this.max
  }

  /** In milliseconds. */
  summary() {
    const ms = (/** @type {number} */ share) => this.quantile(share) / 1000
    return { count: this.count, p50: ms(0.5), p99: ms(0.99), p999: ms(0.999), max: this.max / 1000 }
  }

  /** For another process: only the slots that count something. */
  toJSON() {
    const counts = [...this.counts.entries()].filter(([, count]) => count > 0)
    return { counts, min: this.min, max: this.max }
  }

  /** @param {ReturnType<Histogram['toJSON']>} json */
  static fromJSON({ counts, min, max }) {
    const histogram = new Histogram()
    for (const [slot, count] of counts) {
      histogram.counts[slot] = count
      histogram.count += count
    }
    histogram.min = min
    histogram.max = max
    return histogram
  }
}
