import type { PlannedFault } from './fault-kinds.ts'
import { drawOptions, type OptionOverrides } from './options.ts'
import { drawPlan } from './plan.ts'
import { runSeed, type SeedFailure } from './run-seed.ts'

export interface Shrunk {
  readonly plan: readonly PlannedFault[]
  /** What the smaller plan ends in. */
  readonly failure: SeedFailure
  /** Seeds' runs that it took. */
  readonly runs: number
}

interface Attempt {
  readonly plan: readonly PlannedFault[]
  readonly overrides: OptionOverrides
}

/** After the last fault the cluster is given so much before it is healed. */
const afterLastMs = 500

/**
 * Looks for a smaller plan with which a seed breaks the same rule: without faults, first by halves, then by smaller parts (Zeller's ddmin), each tried by a
 * run from the beginning. Null when the seed does not fail.
 */
export async function shrink(seed: number, overrides: OptionOverrides = {}, runsMax = 60): Promise<Shrunk | null> {
  const plan = drawPlan(drawOptions(seed, overrides))
  const first = await runSeed(seed, { overrides, plan })
  if (first.failure === null) return null
  const state = { runs: 1, failure: first.failure }
  const fails = async (attempt: Attempt): Promise<boolean> => {
    if (state.runs >= runsMax) return false
    state.runs += 1
    const { failure } = await runSeed(seed, attempt)
    if (failure === null || failure.rule !== first.failure?.rule) return false
    state.failure = failure
    return true
  }
  const smaller = await fewer(plan, (kept) => fails({ plan: kept, overrides: shortened(overrides, kept) }))
  return { plan: smaller, failure: state.failure, runs: state.runs }
}

function shortened(overrides: OptionOverrides, plan: readonly PlannedFault[]): OptionOverrides {
  return { ...overrides, faultsMs: Math.max(0, ...plan.map((it) => it.at + it.forMs)) + afterLastMs }
}

async function fewer<T>(all: readonly T[], fails: (kept: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = all
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < kept.length;) {
      const without = kept.filter((_unused, at) => at < from || at >= from + size)
      if (await fails(without)) kept = without
      else from += size
    }
  }
  return kept
}
