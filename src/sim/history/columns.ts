const firstCapacity = 32

/** A list of numbers that costs eight bytes each, whatever they are. */
export class NumberColumn {
  private array = new Float64Array(firstCapacity)
  private used = 0

  get length(): number {
    return this.used
  }

  push(value: number): number {
    if (this.used === this.array.length) this.grow()
    this.array[this.used] = value
    this.used += 1
    return this.used - 1
  }

  /** NaN where nothing is. */
  at(index: number): number {
    return index < this.used ? (this.array[index] ?? NaN) : NaN
  }

  set(index: number, value: number): void {
    if (index < this.used) this.array[index] = value
  }

  private grow(): void {
    const wider = new Float64Array(this.array.length * 2)
    wider.set(this.array)
    this.array = wider
  }
}

/** Gives every distinct thing a number, from 0 in the order of their first appearance. */
export class Interned<T> {
  private readonly numbers = new Map<T, number>()
  private readonly things: T[] = []

  get size(): number {
    return this.things.length
  }

  add(thing: T): number {
    const known = this.numbers.get(thing)
    if (known !== undefined) return known
    const number = this.things.length
    this.numbers.set(thing, number)
    this.things.push(thing)
    return number
  }

  /** -1 for what was never added. */
  find(thing: T): number {
    return this.numbers.get(thing) ?? -1
  }

  at(number: number): T {
    const thing = this.things[number]
    if (thing === undefined) throw new RangeError(`there is no number ${number} of ${this.things.length}`)
    return thing
  }
}
