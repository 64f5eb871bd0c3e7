import type { Millis, NodeId } from '../../base/units.ts'
import type { LogLine } from '../cluster-world.ts'

export type Actor = 'campaign' | 'fault' | 'cluster' | 'client' | 'judge' | 'node'

export interface StoryEntry {
  readonly at: Millis
  readonly actor: Actor
  readonly text: string
  /** Who said it, where `actor` is a node. */
  readonly nodes: readonly NodeId[]
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
/** What several nodes say within this is told once. */
const togetherMs: Millis = 250

/** What happened in one seed, for a person. */
export class Story {
  private readonly entries: StoryEntry[] = []
  private readonly now: () => Millis

  constructor(now: () => Millis) {
    this.now = now
  }

  tell(actor: Actor, text: string, isDetail = false): void {
    this.add({ at: this.now(), actor, text, nodes: [], isDetail })
  }

  onLine({ at, node, level, event, message }: LogLine): void {
    const isDetail = (level !== 'error' || event === 'append-failed') && !turningPoints.has(event)
    this.add({ at, actor: 'node', text: message, nodes: [node], isDetail })
  }

  private add(entry: StoryEntry): void {
    if (this.entries.length < entriesMax) this.entries.push(entry)
  }

  /** Faults, leaders and what was found; the last `most` of them. */
  brief(most = 60): string {
    const kept = merged(this.entries.filter((it) => !it.isDetail))
    const left = kept.length - most
    return [...(left > 0 ? [`  … ${left} more before`] : []), ...kept.slice(-most).map(lineOf)].join('\n')
  }

  /** All of it, in time. What several nodes say at about the same time is one line. */
  timeline(): string {
    return merged(this.entries).map(lineOf).join('\n')
  }
}

function merged(entries: readonly StoryEntry[]): readonly StoryEntry[] {
  const told: StoryEntry[] = []
  const lastOf = new Map<string, number>()
  for (const entry of entries) {
    const index = lastOf.get(entry.text)
    const before = index === undefined ? undefined : told[index]
    if (index !== undefined && before !== undefined && entry.actor === 'node' && entry.at - before.at <= togetherMs) {
      const nodes = [...new Set([...before.nodes, ...entry.nodes])].sort((a, b) => a - b)
      told[index] = { ...before, nodes, isDetail: before.isDetail && entry.isDetail }
      continue
    }
    if (entry.actor === 'node') lastOf.set(entry.text, told.length)
    told.push(entry)
  }
  return told
}

function lineOf({ at, actor, text, nodes }: StoryEntry): string {
  const who = nodes.length === 0 ? '' : `${nodes.length === 1 ? 'node' : 'nodes'} ${nodes.join(', ')}: `
  return `${(at / 1000).toFixed(3).padStart(9)} s  ${actor.padEnd(8)}  ${who}${text}`
}
