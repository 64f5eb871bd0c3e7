// One mutant is hunted, in a process of its own: node hunt.mjs MUTATED CLEAN '[{"simulation": …, "overrides": …, "seeds": …}]'. Tells its parent what it found.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [mutated, clean, hunters] = process.argv.slice(2)
const load = async (path) => (await import(pathToFileURL(resolve(path)).href)).hunt

/** The first seed that stumbles over the mutant; null when none does. */
async function first(hunt) {
  let tried = 0
  for (const { simulation, overrides = {}, seeds, from = 1 } of JSON.parse(hunters)) {
    for (let seed = from; seed < from + seeds; seed += 1) {
      tried += 1
      process.send({ type: 'trying', simulation, seed })
      const finding = await hunt(simulation, seed, overrides)
      if (finding !== null) return { simulation, overrides, seed, tried, ...finding }
    }
  }
  return null
}

// What the product throws where nobody catches it is a finding as well; the campaign has ears of its own
let uncaught = null
process.on('unhandledRejection', (error) => (uncaught ??= error))

// Nobody waits for what is found any more
process.on('disconnect', () => process.exit(0))

const started = performance.now()
const found = await first(await load(mutated))
const wallMs = performance.now() - started
// The product as it is must hold where the mutant does not: otherwise something else was found
const alsoClean = found === null ? null : await (await load(clean))(found.simulation, found.seed, found.overrides)
process.send({ type: 'done', found, wallMs, alsoClean, uncaught: uncaught === null ? null : String(uncaught) })
process.disconnect()
