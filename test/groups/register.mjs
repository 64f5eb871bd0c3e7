// Committed offsets as a register: is there an order of all operations on one (group, partition) that a single copy of the offset, updated and
// read one operation at a time, could have gone through, in which each operation lies between its request and its answer?
// (Linearizability after Herlihy and Wing; the search is that of Wing and Gong with Lowe's memory of states.)
//
// A history is a list of operations:
//   { kind: 'write', value, begin, end }            acknowledged
//   { kind: 'write', value, begin, end: Infinity }  its answer never came or said nothing sure: it may have happened once, at any time after
//                                                   its beginning, or never
//   { kind: 'read', value, begin, end }             answered
// A write that was refused for sure is no part of the history; a read without an answer neither. Times are any one clock's.

/** @typedef {{ kind: 'write' | 'read', value: number, begin: number, end: number, by?: string }} Operation */

/** What is read where nothing was written. */
export const nothing = -1

/**
 * @param {readonly Operation[]} history
 * @returns {{ ok: true } | { ok: false, stuck: readonly Operation[], value: number }} `stuck`: the operations of which none could be next,
 *   at the furthest point that the search came to, and the value there
 */
export function linearizable(history, initial = nothing) {
  const sure = history.filter(({ end }) => end !== Infinity).sort((a, b) => a.begin - b.begin || a.end - b.end)
  const unsure = history.filter(({ kind, end }) => end === Infinity && kind === 'write').sort((a, b) => a.begin - b.begin)
  const search = new Search(sure, unsure, initial)
  return search.run()
}

/** Where the search is: all sure operations before `low` and those in `ahead` are done, so are the unsure ones in `used`. */
class Place {
  /** @param {number} low @param {readonly number[]} ahead ascending @param {readonly number[]} used ascending @param {number} value */
  constructor(low, ahead, used, value) {
    this.low = low
    this.ahead = ahead
    this.used = used
    this.value = value
  }

  get key() {
    return `${this.low};${this.ahead.join()};${this.used.join()};${this.value}`
  }
}

class Search {
  /** @param {Operation[]} sure @param {Operation[]} unsure @param {number} initial */
  constructor(sure, unsure, initial) {
    this.sure = sure
    this.unsure = unsure
    /** @type {Place[]} */
    this.open = [new Place(0, [], [], initial)]
    this.seen = new Set()
    this.furthest = this.open[0]
  }

  run() {
    for (let place = this.open.pop(); place !== undefined; place = this.open.pop()) {
      const here = this.readAll(place)
      if (here.low >= this.sure.length) return { ok: /** @type {const} */ (true) }
      if (here.low + here.ahead.length > this.furthest.low + this.furthest.ahead.length) this.furthest = here
      if (this.seen.has(here.key)) continue
      this.seen.add(here.key)
      this.open.push(...this.next(here))
    }
    const stuck = this.candidates(this.furthest).map((index) => this.sure[index])
    return { ok: /** @type {const} */ (false), stuck, value: this.furthest.value }
  }

  /** The sure operations that may be next: no other one ended before they began. @param {Place} place */
  candidates({ low, ahead }) {
    const found = []
    let ends = Infinity
    for (let index = low; index < this.sure.length && this.sure[index].begin <= ends; index += 1) {
      if (ahead.includes(index)) continue
      found.push(index)
      ends = Math.min(ends, this.sure[index].end)
    }
    return found.filter((index) => this.sure[index].begin <= ends)
  }

  /** A read of the present value can be next without any loss; so all of them are. @param {Place} place */
  readAll(place) {
    let here = place
    for (;;) {
      const read = this.candidates(here).find((index) => this.sure[index].kind === 'read' && this.sure[index].value === here.value)
      if (read === undefined) return here
      here = this.done(here, read, here.value)
    }
  }

  /** @param {Place} place @param {number} index @param {number} value @param {readonly number[]} [used] */
  done({ low, ahead, used: before }, index, value, used = before) {
    const all = [...ahead, index].sort((a, b) => a - b)
    let first = low
    while (all[0] === first) {
      all.shift()
      first += 1
    }
    return new Place(first, all, used, value)
  }

  /** @param {Place} place @returns {Place[]} */
  next(place) {
    return this.candidates(place).flatMap((index) => {
      const { kind, value, end } = this.sure[index]
      if (kind === 'write') return [this.done(place, index, value)]
      // an unsure write need not have happened before somebody read it
      const source = this.unsure.findIndex((it, at) => it.value === value && it.begin <= end && !place.used.includes(at))
      if (source < 0) return []
      return [
        this.done(
          place,
          index,
          value,
          [...place.used, source].sort((a, b) => a - b),
        ),
      ]
    })
  }
}

/**
 * What is wrong with a history in plain words, where consumers only ever go forward: an acknowledged commit below one that was acknowledged
 * before it began, and a read below that. Linearizability does not forbid the first, an owner that kept its place does.
 * @param {readonly Operation[]} history @returns {string[]}
 */
export function backwardSteps(history) {
  const ends = history.filter(({ kind, end }) => kind === 'write' && end !== Infinity).sort((a, b) => a.end - b.end)
  const begins = history.filter(({ end }) => end !== Infinity).sort((a, b) => a.begin - b.begin)
  const found = []
  let at = 0
  /** @type {Operation | undefined} */
  let highest
  for (const operation of begins) {
    for (; at < ends.length && ends[at].end < operation.begin; at += 1) {
      if (highest === undefined || ends[at].value > highest.value) highest = ends[at]
    }
    if (highest !== undefined && operation.value < highest.value)
      found.push(`a ${operation.kind} of ${operation.value}${said(operation)} after ${highest.value}${said(highest)} was acknowledged`)
  }
  return found
}

/** @param {Operation} operation */
const said = ({ by, begin }) => ` (${by === undefined ? '' : `${by}, `}at ${begin})`
