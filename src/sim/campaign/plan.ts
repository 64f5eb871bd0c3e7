import { Prng } from '../../base/prng.ts'
import type { FaultKind, PlannedFault, Target } from './fault-kinds.ts'
import type { CampaignOptions } from './options.ts'

/** Faults that are over as soon as they have begun. */
const momentary: ReadonlySet<FaultKind> = new Set(['resets', 'wallClock'])
const shortestMs = 20

/** All that is going to happen to the cluster of a seed, in its order. */
export function drawPlan(options: CampaignOptions): readonly PlannedFault[] {
  const prng = new Prng(options.seed + 9_000_011)
  const plan: PlannedFault[] = []
  let at = 0
  for (;;) {
    // Some things only go wrong when one fault follows at the heels of another
    at += prng.chance(0.3) ? prng.between(1, 60) : prng.between(20, options.pauseMsMax)
    if (at >= options.faultsMs) return plan
    plan.push(drawFault(plan.length, at, options, prng))
  }
}

function drawFault(number: number, at: number, options: CampaignOptions, prng: Prng): PlannedFault {
  const kind = prng.pick(options.faults)
  const forMs = prng.chance(0.4) ? prng.between(shortestMs, 400) : prng.between(shortestMs, options.faultMsMax)
  const target = drawTarget(options, prng)
  return { number, at, forMs: momentary.has(kind) ? 0 : forMs, kind, target, amount: prng.fraction() }
}

function drawTarget(options: CampaignOptions, prng: Prng): Target {
  const partition = prng.below(options.partitions)
  switch (prng.below(7)) {
    case 0:
    case 1:
      return { kind: 'leader', partition }
    case 2:
      return { kind: 'follower', partition }
    case 3:
      return { kind: 'controller' }
    case 4:
      return { kind: 'coordinator' }
    default:
      return { kind: 'node', id: prng.between(1, options.nodes) }
  }
}
