// npm run sabotage: every known way to get it wrong is built into a copy of the product, one at a time, and hunted by the simulations until it is found.
// Writes docs/internals/sabotage.md; exits 1 when a mutant survives its budget of seeds, is stale, or is found by something that finds the product guilty as well.
//   npm run sabotage                        (all; --jobs 2 processes at a time)
//   npm run sabotage -- --only NAME         (those whose name or subject contains NAME; the others are as they were found last)
//   npm run sabotage -- --missing           (those that have changed or were not hunted since the last whole run on this machine)
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle, root } from '../test/sabotage/bundle.mjs'
import { mutants, notApplicable } from '../test/sabotage/mutants.mjs'
import { pageOf } from '../test/sabotage/page.mjs'
import { hunted } from '../test/sabotage/hunted.mjs'

const pagePath = join(root, 'docs', 'internals', 'sabotage.md')
const options = { only: { type: 'string' }, missing: { type: 'boolean', default: false }, jobs: { type: 'string' } }
const { values } = parseArgs({ options })
const resultsPath = join(root, '.build', 'sabotage', 'results.json')
const isWhole = values.only === undefined && !values.missing
/** By name: the mutant as it was, and what became of it. */
const known = new Map(isWhole || !existsSync(resultsPath) ? [] : JSON.parse(readFileSync(resultsPath, 'utf8')))
const asOf = ({ edits, hunters }) => JSON.stringify({ edits, hunters })
const isKnown = (mutant) => known.get(mutant.name)?.as === asOf(mutant)
const chosen = mutants.filter(
  (mutant) =>
    (values.only === undefined || `${mutant.subject}: ${mutant.name}`.includes(values.only)) && !(values.missing && isKnown(mutant)),
)
if (chosen.length === 0 && !values.missing) {
  process.stderr.write(`No mutant's name contains ${JSON.stringify(values.only)}.\n`)
  process.exit(64)
}

const clean = await bundle(null)
const started = performance.now()
const results = new Map()
const queue = [...chosen]

async function work() {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const result = await hunted(mutant, clean)
    results.set(mutant.name, result)
    known.set(mutant.name, { as: asOf(mutant), result })
    writeFileSync(resultsPath, JSON.stringify([...known]))
    const seconds = (result.wallMs / 1000).toFixed(1)
    process.stdout.write(`${results.size} of ${chosen.length}  ${mutant.name}: ${told(result)} (${seconds} s)\n`)
  }
}

function told({ outcome, found, why }) {
  if (outcome !== 'found') return `${outcome.toUpperCase()}: ${why}`
  return `${found.rule} in ${found.simulation}, seed ${found.seed}: ${found.line.slice(0, 160)}`
}

await Promise.all(Array.from({ length: Number(values.jobs ?? availableParallelism()) }, () => work()))
const survivors = chosen.filter(({ name }) => results.get(name).outcome !== 'found')
process.stdout.write(
  `${chosen.length - survivors.length} of ${chosen.length} mutants found in ${((performance.now() - started) / 1000).toFixed(0)} s` +
    `${survivors.length === 0 ? '' : `; not found: ${survivors.map(({ name }) => name).join('; ')}`}\n`,
)
const missing = { outcome: 'missing', found: null, why: 'not hunted since it was made or changed', wallMs: 0 }
const page = pageOf(
  mutants,
  new Map(mutants.map((mutant) => [mutant.name, isKnown(mutant) ? known.get(mutant.name).result : missing])),
  notApplicable,
)
if (!existsSync(pagePath) || readFileSync(pagePath, 'utf8') !== page) writeFileSync(pagePath, page)
process.exit(survivors.length === 0 ? 0 : 1)
