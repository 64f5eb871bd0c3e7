import type { Millis } from '../../base/units.ts'
import type { LogLine } from '../cluster-world.ts'

export type Actor = 'campaign' | 'fault' | 'cluster' | 'client' | 'judge' | 'node'

interface Entry {
  readonly at: Millis
  readonly actor: Actor
  readonly text: string
  /** Of interest to who wants to know all. */
  readonly isDetail: boolean
}

/** Node events that tell what became of the cluster; the others are details. */
const turningPoints: ReadonlySet<string> = new Set([
  'controller-elected',
  'became-leader',
  'log-directory-failed',
  'metadata-log-failed',
  'broker-fenced',
  'truncated',
])
const entriesMax = 100_000

/** What happened in one seed, for a person. */
export class Story {
  private readonly entries: Entry[] = []
  private readonly now: () => Millis

  constructor(now: () => Millis) {
    this.now = now
  }

  tell(actor: Actor, text: string, isDetail = false): void {
    if (this.entries.length < entriesMax) this.entries.push({ at: this.now(), actor, text, isDetail })
  }

  onLine({ at, node, level, event, message }: LogLine): void {
    const isDetail = (level !== 'error' || event === 'append-failed') && !turningPoints.has(event)
    if (this.entries.length < entriesMax) this.entries.push({ at, actor: 'node', text: `node ${node}: ${message}`, isDetail })
  }

  /** Faults, leaders and what was found; the last `most` of them. */
  brief(most = 60): string {
    const kept = this.entries.filter((it) => !it.isDetail)
    const left = kept.length - most
    return [...(left > 0 ? [`  … ${left} more before`] : []), ...kept.slice(-most).map(lineOf)].join('\n')
  }

  /** All of it, in time. */
  timeline(): string {
    return this.entries.map(lineOf).join('\n')
  }
}

function lineOf({ at, actor, text }: Entry): string {
  return `${(at / 1000).toFixed(3).padStart(9)} s  ${actor.padEnd(8)}  ${text}`
}
