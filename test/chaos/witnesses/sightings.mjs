/** Milliseconds of the system's monotonic clock, as Java's System.nanoTime. */
export const nowMs = () => Number(process.hrtime.bigint() / 1000n) / 1000

/** Of one round: counts, times and oddities of every witness. */
export class Sightings {
  constructor() {
    /** Key → times of its acknowledgements, in ms, ascending. @type {Map<string, number[]>} */
    this.acks = new Map()
    /** @type {Map<string, number>} errors that were tried again, by who and what */
    this.errors = new Map()
    /** @type {{ at: number, text: string }[]} what must not happen, whatever goes wrong */
    this.problems = []
    /** @type {{ at: number, text: string }[]} the first of each error, for the story */
    this.notes = []
  }

  /** @param {string} key */
  acked(key) {
    const times = this.acks.get(key)
    if (times === undefined) this.acks.set(key, [nowMs()])
    else times.push(nowMs())
  }

  /** @param {string} who @param {string} what */
  error(who, what) {
    const text = `${who}: ${what}`
    const count = this.errors.get(text) ?? 0
    if (count === 0) this.notes.push({ at: nowMs(), text })
    this.errors.set(text, count + 1)
  }

  /** @param {string} text */
  problem(text) {
    this.problems.push({ at: nowMs(), text })
  }
}
