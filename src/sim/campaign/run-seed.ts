import { CampaignRun, type RunReport } from './campaign-run.ts'
import { explainOptions } from './explain.ts'
import { describeOptions, drawOptions, type OptionOverrides } from './options.ts'
import { drawPlan } from './plan.ts'
import type { PlannedFault } from './fault-kinds.ts'
import { Violation } from './violation.ts'

export interface SeedFailure {
  readonly seed: number
  /** The invariant that was broken. */
  readonly rule: string
  readonly message: string
  readonly options: string
  /** A short one. */
  readonly story: string
  /** Everything that happened. */
  readonly timeline: string
}

export interface SeedResult {
  /** Null when it failed. */
  readonly report: RunReport | null
  readonly failure: SeedFailure | null
  readonly options: string
  /** The cluster, for who has never seen one. */
  readonly explained: string
  readonly timeline: string
}

export interface SeedOptions {
  readonly overrides?: OptionOverrides
  /** Instead of the one the seed draws. */
  readonly plan?: readonly PlannedFault[]
}

/** Runs one seed to its end. What its programs throw where nobody catches it fails the seed. */
export async function runSeed(seed: number, { overrides = {}, plan }: SeedOptions = {}): Promise<SeedResult> {
  const options = drawOptions(seed, overrides)
  const run = new CampaignRun(options, plan ?? drawPlan(options))
  const told = { options: describeOptions(options), explained: explainOptions(options) }
  const onUncaught = (error: unknown): void => run.onUncaught(error)
  process.on('unhandledRejection', onUncaught)
  try {
    const report = await run.run()
    return { report, failure: null, ...told, timeline: run.story.timeline() }
  } catch (error) {
    const rule = error instanceof Violation ? error.rule : 'error'
    const message = error instanceof Violation ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
    const story = run.story.brief()
    const timeline = run.story.timeline()
    return { report: null, failure: { seed, rule, message, options: told.options, story, timeline }, ...told, timeline }
  } finally {
    process.off('unhandledRejection', onUncaught)
  }
}

/** A failure, for a person. */
export function describeFailure({ seed, rule, message, options, story }: SeedFailure): string {
  return `seed ${seed} breaks ${rule}\n${message}\n\nThe cluster: ${options}\n\nWhat happened:\n${story}\n`
}
