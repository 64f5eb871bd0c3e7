import type { Offset } from '../../base/units.ts'
import { none } from './history.ts'

/**
 * What is known of one partition's log: the offsets that hold something, in order (a position is an index into them: Jepsen's dense index), and what they
 * hold. A good log holds one value at each.
 *
 *   position   0   1   2   3
 *   offset     0   1   4   5      2 and 3 were never seen: markers, or aborted
 *   sure       x   x       x      4 was only seen by those who read uncommitted
 */
export class KeyLog {
  readonly offsets: Float64Array
  private readonly values: Int32Array
  /** Further values at a position. */
  readonly conflicts = new Map<number, number[]>()
  private sureBefore = new Int32Array(1)
  private hint = 0

  /** `offsets`: as they were seen, in any order and as often as they were. */
  constructor(offsets: Float64Array) {
    this.offsets = distinct(offsets.sort())
    this.values = new Int32Array(this.offsets.length).fill(none)
  }

  get length(): number {
    return this.offsets.length
  }

  offsetAt(position: number): Offset {
    return this.offsets[position] ?? none
  }

  /** The first value that was seen there. */
  valueAt(position: number): number {
    return this.values[position] ?? none
  }

  valuesAt(position: number): readonly number[] {
    const value = this.valueAt(position)
    return value === none ? [] : [value, ...(this.conflicts.get(position) ?? [])]
  }

  /** The first position whose offset is not below `offset`. */
  lowerBound(offset: Offset): number {
    if (this.offsets[this.hint] === offset) return this.hint
    let low = 0
    let high = this.offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.offsets[middle] ?? 0) < offset) low = middle + 1
      else high = middle
    }
    this.hint = low + 1
    return low
  }

  /** Puts a value at an offset that the log has; false if it is there already. */
  put(position: number, value: number): boolean {
    const there = this.valueAt(position)
    if (there === value) return false
    if (there === none) {
      this.values[position] = value
      return true
    }
    const others = this.conflicts.get(position)
    if (others === undefined) this.conflicts.set(position, [value])
    else if (others.includes(value)) return false
    else others.push(value)
    return true
  }

  /** Decides once and for all which positions hold something that is committed. */
  settle(isSure: (value: number) => boolean): void {
    this.sureBefore = new Int32Array(this.length + 1)
    let count = 0
    for (let position = 0; position < this.length; position += 1) {
      if (this.valuesAt(position).some(isSure)) count += 1
      this.sureBefore[position + 1] = count
    }
  }

  isSure(position: number): boolean {
    return this.sureBefore[position + 1] !== this.sureBefore[position]
  }

  /** How many positions with committed values lie between two offsets. */
  sureBetween(from: Offset, to: Offset): number {
    if (to <= from + 1) return 0
    return (this.sureBefore[this.lowerBound(to)] ?? 0) - (this.sureBefore[this.lowerBound(from + 1)] ?? 0)
  }
}

function distinct(sorted: Float64Array): Float64Array {
  let count = 0
  for (const offset of sorted) {
    if (count > 0 && sorted[count - 1] === offset) continue
    sorted[count] = offset
    count += 1
  }
  return sorted.slice(0, count)
}
