// What happened in a round, on one line of time, for a person: what was done to the cluster, what the nodes' logs say of leaders and of one another,
// and what clients saw of it.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nowMs } from './witnesses/sightings.mjs'

/** A client's silence that is worth a line. */
const silenceToldMs = 150
const line = /^\[(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3})\] (\w+) (.*)$/

/** @typedef {{ at: number, who: string, text: string }} Happening */

export class Story {
  /** @param {Awaited<ReturnType<typeof import('../rig/cluster.mjs').startCluster>>} cluster */
  constructor(cluster) {
    this.cluster = cluster
    this.begin = nowMs()
    /** From the wall's time to ours. */
    this.shift = this.begin - Date.now()
    /** @type {Happening[]} */
    this.happenings = []
    this.logSizes = new Map(cluster.nodes.map((node) => [node.id, existsSync(node.logFile) ? statSync(node.logFile).size : 0]))
  }

  /** @param {string} text */
  tell(text) {
    this.happenings.push({ at: nowMs(), who: 'fault', text })
  }

  /** What the nodes have logged since the beginning. @returns {(Happening & { level: string })[]} */
  logged() {
    return this.cluster.nodes.flatMap((node) => {
      const text = existsSync(node.logFile) ? readFileSync(node.logFile).subarray(this.logSizes.get(node.id)).toString() : ''
      return text.split('\n').flatMap((each) => {
        const [, date, time, level = '', message = ''] = line.exec(each) ?? []
        if (date === undefined) return each.trim() === '' ? [] : [{ at: NaN, who: `node ${node.id}`, level: 'ERROR', text: each }]
        return [
          {
            at: Date.parse(`${date}T${time}Z`) + this.shift,
            who: `node ${node.id}`,
            level,
            text: level === 'INFO' ? message : `${level} ${message}`,
          },
        ]
      })
    })
  }

  /** @param {ReadonlyMap<string, readonly number[]>} acks @returns {Happening[]} */
  silences(acks) {
    return [...acks].flatMap(([key, times]) =>
      times.flatMap((time, at) => {
        const next = times[at + 1]
        if (next === undefined || next - time < silenceToldMs) return []
        return [
          { at: time, who: key, text: 'acknowledged for the last time, then silence' },
          { at: next, who: key, text: `acknowledged again, after ${(next - time).toFixed(0)} ms` },
        ]
      }),
    )
  }

  /**
   * @param {import('./witnesses/sightings.mjs').Sightings} sightings
   * @param {readonly string[]} head
   * @returns {string}
   */
  write(sightings, head) {
    const seen = [
      ...sightings.notes.map(({ at, text }) => ({ at, who: 'client', text: `(first) ${text}` })),
      ...sightings.problems.map(({ at, text }) => ({ at, who: 'CLIENT', text })),
    ]
    const all = [...this.happenings, ...this.logged(), ...this.silences(sightings.acks), ...seen]
    // a line of a stack trace belongs to the one above it
    let last = this.begin
    const placed = all.map((it) => ({ ...it, at: (last = Number.isNaN(it.at) ? last : it.at) })).sort((a, b) => a.at - b.at)
    const lines = placed.map(({ at, who, text }) => `${((at - this.begin) / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(12)} ${text}`)
    const errors = [...sightings.errors].map(([text, count]) => `${String(count).padStart(6)} × ${text}`)
    return [
      ...head,
      '',
      'What happened (seconds since the beginning of the round):',
      ...lines,
      '',
      'What clients were refused, and tried again:',
      ...errors,
      '',
    ].join('\n')
  }

  /** Leaves the story, the history and the nodes' logs in a folder. @param {string} folder @param {string} text */
  leave(folder, text) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'story.txt'), text)
    for (const node of this.cluster.nodes)
      if (existsSync(node.logFile)) writeFileSync(join(folder, `server-${node.id}.log`), readFileSync(node.logFile))
  }
}
