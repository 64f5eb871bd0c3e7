// What mutants are hunted with: each hunter runs one seed of a simulation and says what was broken, or null. This file is bundled with the product, mutated or not.
import { finderOf, simulateGroups } from '../../src/sim/groups/simulate-groups.ts'
import { drawOptions as drawGroups } from '../../src/sim/groups/options.ts'
import { runSeed } from '../../src/sim/campaign/run-seed.ts'
import { simulateLogCrash } from '../../src/sim/log-crash.ts'
import { simulateQuorumLife } from '../../src/sim/quorum-life.ts'
import { oneFollowerAway } from '../../src/sim/raft-simulation-options.ts'
import { simulate } from '../../src/sim/raft-simulation.ts'
import { simulateReplication } from '../../src/sim/replication/simulate-replication.ts'

/** @typedef {{ rule: string, line: string }} Finding `rule`: the name of the invariant, or the kind of error; `line`: what was said first */

const ruleNames = /\b(?:REP|RAFT|G|H|S|T|P)-\d+/

/** @returns {Finding} */
function findingOf(error, rule = null) {
  const text = error instanceof Error ? error.message : String(error)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const name = cause instanceof Error ? cause.name : 'error'
  const said = text.split('\n').find((line) => line.trim() !== '') ?? ''
  return { rule: rule ?? ruleNames.exec(said)?.[0] ?? (name === 'Error' || name === 'SimulationFailure' ? 'assertion' : name), line: said }
}

/** Groups of the kinds that are named only; null when the seed draws none. */
function groupsOptions(seed, { kinds, ...world }) {
  const drawn = drawGroups(seed)
  const groups = drawn.groups.filter(({ kind }) => kinds === undefined || kinds.includes(kind))
  return groups.length === 0 ? null : { ...drawn, ...world, groups }
}

/** By name: a function of a seed and of what the mutant says instead of chance. It throws, or returns a finding, or null. */
const simulations = {
  quorum: (seed, overrides) => void simulate(seed, overrides),
  /** One follower at a time is cut off while the majority is well: nobody may be deposed. */
  'quorum at ease': (seed, overrides) => {
    const { lateElections } = simulate(seed, { ...oneFollowerAway, ...overrides })
    return lateElections === 0 ? null : { rule: 'RAFT-13', line: `${lateElections} elections while a majority was well` }
  },
  /** Whole nodes with their files, whose power goes. */
  'quorum nodes': (seed) => simulateQuorumLife(seed),
  replication: (seed, overrides) => void simulateReplication(seed, overrides),
  log: (seed) => simulateLogCrash(seed),
  groups: (seed, overrides) => {
    const options = groupsOptions(seed, overrides)
    if (options !== null) simulateGroups(seed, undefined, options)
  },
  cluster: async (seed, { plan, ...overrides }) => {
    const { failure } = await runSeed(seed, { overrides, ...(plan === undefined ? {} : { plan }) })
    return failure === null ? null : { rule: failure.rule, line: failure.message.split('\n')[0] ?? '' }
  },
}

/** @returns {Promise<Finding | null>} */
export async function hunt(name, seed, overrides) {
  try {
    return (await simulations[name](seed, overrides)) ?? null
  } catch (error) {
    return findingOf(error, name === 'groups' ? finderOf(error) : null)
  }
}
