import { Prng } from '../../../base/prng.ts'
import type { Millis, Uuid } from '../../../base/units.ts'
import type { ClusterWorld } from '../../cluster-world.ts'
import type { HistoryRecorder } from '../../history/recorder.ts'
import type { Place } from '../../network-links.ts'
import type { Story } from '../story.ts'

/** What clients share. */
export interface ClientWorld {
  readonly world: ClusterWorld
  readonly recorder: HistoryRecorder
  readonly story: Story
  readonly seed: number
  /** The topic that all produce to and read, and its partitions when it was made. */
  readonly topic: string
  readonly partitions: number
  topicId: Uuid | null
}

/** Somebody who does one thing after the other until told to stop. */
export interface CampaignClient {
  readonly name: string
  readonly place: Place
  /** Resolves when it has stopped. */
  run(): Promise<void>
  /** It ends what it does, and nothing follows. */
  stop(): void
}

export function pauseOf(world: ClusterWorld, ms: Millis): Promise<void> {
  return new Promise((resolve) => void world.clock.after(ms, resolve))
}

/** Chance of one client's own: what others do does not change it. */
export function prngOf(seed: number, name: string): Prng {
  let hash = seed
  for (const char of name) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0
  return new Prng(hash)
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
