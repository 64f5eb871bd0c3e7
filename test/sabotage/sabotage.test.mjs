import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundle, editedSources } from './bundle.mjs'
import { hunted } from './hunted.mjs'
import { mutants } from './mutants.mjs'

/** Found within a second or two, one for each simulation and more. */
const quick = [
  'acks=all is answered when the leader has it',
  'a shrink of the in-sync set counts before the controller has agreed',
  'a majority is half of the voters',
  'no pre-vote',
  'a vote is not written down',
  'fsync is tried again after it has failed',
  'a partition is given on before its owner has let it go',
]

test('mutants have names of their own, and say what they break and who hunts them', () => {
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  for (const { name, history, rule, edits, hunters } of mutants) {
    assert.ok(history.length > 0 && /^(REP|RAFT|G|H|S|P|T)-\d+$/.test(rule), name)
    assert.ok(edits.length > 0 && hunters.length > 0, name)
  }
})

test('no mutant is stale: the text of each edit is in the product, once', () => {
  const stale = mutants.flatMap((mutant) => {
    try {
      const changed = [...editedSources(mutant)].length > 0
      return changed ? [] : [mutant.name]
    } catch (error) {
      return [`${mutant.name}: ${error.message}`]
    }
  })
  assert.deepEqual(stale, [])
})

test('the simulations find mutants', { timeout: 240_000 }, async (context) => {
  const clean = await bundle(null)
  for (const name of quick) {
    const mutant = mutants.find((it) => it.name === name)
    assert.ok(mutant !== undefined, name)
    const { outcome, found, why } = await hunted(mutant, clean)
    assert.equal(outcome, 'found', `${name}: ${why}`)
    context.diagnostic(`${name}: ${found.rule} in ${found.simulation}, seed ${found.seed}`)
  }
})
