import { Prng } from '../base/prng.ts'

/** Swarm options: each fault is off in a third of the seeds, else of any strength. */
export interface SimulationOptions {
  readonly seed: number
  readonly voters: number
  readonly observers: number
  readonly faultsMs: number
  readonly lossChance: number
  readonly duplicateChance: number
  readonly delayMaxMs: number
  readonly slowDiskChance: number
  readonly crashEveryMs: number
  /** The disk of one voter at a time spoils its whole log. */
  readonly rotEveryMs: number
  readonly pauseEveryMs: number
  readonly partitionEveryMs: number
  /** One follower at a time is cut off, from all or from the leader only, while a majority stays whole (RAFT-13). */
  readonly isolateFollowerEveryMs: number
  readonly snapshotEveryMs: number
  readonly resignEveryMs: number
  readonly proposeEveryMs: number
  readonly clockDrift: number
  readonly recordsPerFetchMax: number
}

export function drawOptions(seed: number): SimulationOptions {
  const random = new Prng(seed ^ 0x5eed)
  const maybe = (draw: () => number): number => (random.chance(1 / 3) ? 0 : draw())
  return {
    seed,
    voters: random.chance(0.7) ? 3 : 5,
    observers: random.below(3),
    faultsMs: random.between(3000, 8000),
    lossChance: maybe(() => random.fraction() ** 2 * 0.3),
    duplicateChance: maybe(() => random.fraction() * 0.3),
    delayMaxMs: random.chance(0.8) ? random.between(1, 20) : random.between(20, 300),
    slowDiskChance: maybe(() => random.fraction() * 0.1),
    crashEveryMs: maybe(() => random.between(200, 3000)),
    rotEveryMs: rotOf(seed),
    pauseEveryMs: maybe(() => random.between(300, 4000)),
    partitionEveryMs: maybe(() => random.between(300, 3000)),
    isolateFollowerEveryMs: 0,
    snapshotEveryMs: maybe(() => random.between(50, 2000)),
    resignEveryMs: maybe(() => random.between(500, 5000)),
    proposeEveryMs: random.between(5, 100),
    clockDrift: maybe(() => random.fraction() * 0.1),
    recordsPerFetchMax: random.between(1, 20),
  }
}

/** With a generator of its own: a seed without rot is the run that it was before there was any. */
function rotOf(seed: number): number {
  const random = new Prng(seed ^ 0x707)
  return random.chance(0.7) ? 0 : random.between(300, 3000)
}

/** Nothing but one follower at a time that is cut off and comes back: nobody may be deposed (RAFT-13). */
export const oneFollowerAway: Partial<SimulationOptions> = {
  crashEveryMs: 0,
  rotEveryMs: 0,
  pauseEveryMs: 0,
  partitionEveryMs: 0,
  resignEveryMs: 0,
  lossChance: 0,
  slowDiskChance: 0,
  delayMaxMs: 10,
  isolateFollowerEveryMs: 800,
  faultsMs: 12_000,
}
