import type { Millis } from '../../base/units.ts'
import { calmAfterMs, Faults } from './faults.ts'
import { FinalJudge } from './final-judge.ts'
import { drawOptions, type GroupsOptions } from './options.ts'
import type { Member } from './clients/member.ts'
import { noSabotage, type Sabotage } from './sabotage.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

/** What G-6 allows beyond rebalance and session timeout. */
const settleMs: Millis = 2_000
/** A join or sync that was lost is given up so long after its rebalance timeout, which is when the last fault ends. */
const joinPatienceMs: Millis = 1_000
/** Until what was under way when clients stopped to commit has come to its end. */
const quietMs: Millis = 1_000
/** A process is looked at so often until it is gone. */
const restartMs: Millis = 5
const storyLinesMax = 70

export interface GroupsRun {
  /** Of all that happened. */
  readonly digest: number
  readonly events: number
  readonly simulatedMs: Millis
  readonly counts: ReadonlyMap<string, number>
}

/** One seed: faults, calm, and what must hold then. @throws Error with the story of a violation, and how to see it again. */
export function simulateGroups(seed: number, sabotage: Sabotage = noSabotage, options: GroupsOptions = drawOptions(seed)): GroupsRun {
  const world = new World(seed, options, sabotage)
  try {
    live(world)
    const { digest, events, now } = world.scheduler
    return { digest, events, simulatedMs: now, counts: world.counts }
  } catch (error) {
    throw storyOf(seed, world, error)
  }
}

function live(world: World): void {
  const { scheduler, options } = world
  const faults = new Faults(world)
  const judge = new FinalJudge(world)
  const nothing = (): void => {}
  faults.start()
  scheduler.runUntil(options.faultsMs, nothing)
  faults.end()
  scheduler.runUntil(scheduler.now + calmAfterMs, nothing)
  faults.calm()
  const patience = options.rebalanceTimeoutMs + options.initialRebalanceDelayMs + joinPatienceMs
  const stableWithin = options.rebalanceTimeoutMs + options.sessionTimeoutMs + settleMs
  scheduler.runUntil(scheduler.now + patience + stableWithin, nothing)
  judge.stable()
  const before = judge.epochs()
  restartStatics(world)
  scheduler.runUntil(scheduler.now + options.sessionTimeoutMs + options.rebalanceTimeoutMs, nothing)
  judge.restartedQuietly(before)
  judge.stable()
  world.isQuiet = true
  scheduler.runUntil(scheduler.now + quietMs, nothing)
  judge.folds()
  world.history.judge()
}

/**
 * Every static member is gone for less than its session and comes back with nothing but its instance id; those of the consumer protocol say so, as
 * nobody can take over from one who has not.
 */
function restartStatics(world: World): void {
  const { scheduler, options } = world
  for (const member of world.members) {
    if (member.instanceId === null || !member.isIn) continue
    const { consumer, classic } = world.logOf(member.groupId).copy.shadow
    const isClassicInConsumerGroup = member.protocol === 'classic' && consumer.has(member.groupId)
    const isUnsettled = world.judge.isInherited(member.groupId, classic.get(member.groupId)?.generation ?? -1)
    if (isClassicInConsumerGroup || isUnsettled) continue
    scheduler.tell(`${member.name} is restarted`)
    if (member.protocol === 'classic') member.crash()
    else member.leave(true)
    scheduler.after(scheduler.between(0.1, 0.3) * options.sessionTimeoutMs, () => startWhenGone(world, member))
  }
}

function startWhenGone(world: World, member: Member): void {
  if (member.link.actor.isUp) world.scheduler.after(restartMs, () => startWhenGone(world, member))
  else member.start()
}

function storyOf(seed: number, world: World, error: unknown): Error {
  const { scheduler, options } = world
  const what = error instanceof Error ? error.message : String(error)
  const lines = [
    `seed ${seed} at ${scheduler.now.toFixed(0)} ms: ${what}`,
    JSON.stringify(options),
    scheduler.story(storyLinesMax, () => true),
    ...world.members.map((member) => `  ${member.describe()}`),
    `again: npm run sim -- --only groups --from ${seed} --seeds 1`,
  ]
  const told = new Error(lines.join('\n'), { cause: error })
  return told
}

/** The rule that was broken, or the name of an error of another kind. */
export function finderOf(told: unknown): string {
  const cause = told instanceof Error ? told.cause : undefined
  if (cause instanceof Violation) return cause.rule
  return cause instanceof Error ? cause.name : 'nothing'
}
