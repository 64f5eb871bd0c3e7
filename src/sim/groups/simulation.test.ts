import assert from 'node:assert/strict'
import { test } from 'node:test'
import { optionsFor, type PlantedBug, plantedBugs } from './planted-bugs.ts'
import { finderOf, simulateGroups } from './simulate-groups.ts'

const seeds = Number(process.env['GROUPS_SEEDS'] ?? 40)
const firstSeed = Number(process.env['GROUPS_FIRST_SEED'] ?? 1)

test('whatever fails, groups keep what they promise', () => {
  const counts = new Map<string, number>()
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1)
    for (const [what, count] of simulateGroups(seed).counts) counts.set(what, (counts.get(what) ?? 0) + count)
  for (const what of happenings) assert.ok((counts.get(what) ?? 0) >= Math.ceil(seeds / 10), `${what}: ${counts.get(what) ?? 0} times`)
})

/** Runs in which these do not happen prove little. */
const happenings = [
  'joinGroup',
  'syncGroup',
  'heartbeat',
  'leaveGroup',
  'consumerGroupHeartbeat',
  'offsetCommit',
  'offsetFetch',
  'offsetDelete',
  'deleteGroups',
  'expire',
  'topicsChanged',
  'moves',
  'tails lost',
  'batches of deposed leaders',
  'broker crashes',
  'broker freezes',
  'stalls',
  'member crashes',
  'member freezes',
  'member leaves',
  'member starts',
  'topic changes',
]

test('the same seed is the same life', () => {
  for (const seed of [3, 4, 5]) assert.deepEqual(simulateGroups(seed), simulateGroups(seed), `seed ${seed}`)
})

/** The first seed that stumbles over it: by a rule, or by an assertion of the ledger's own. */
function firstThatFinds(bug: PlantedBug): { readonly seed: number; readonly by: string } | null {
  for (let seed = 1; seed <= bug.seedsMax; seed += 1) {
    const options = optionsFor(bug, seed)
    if (options === null) continue
    try {
      simulateGroups(seed, bug.sabotage, options)
    } catch (error) {
      return { seed, by: finderOf(error) }
    }
  }
  return null
}

for (const [name, bug] of Object.entries(plantedBugs)) {
  test(`it would be found if ${name}`, (context) => {
    const found = firstThatFinds(bug)
    assert.ok(found !== null, `not found in ${bug.seedsMax} seeds`)
    assert.match(found.by, /^(G-[1-8]|fold|AssertionError)$/)
    context.diagnostic(`seed ${found.seed} finds it by ${found.by}`)
  })
}
