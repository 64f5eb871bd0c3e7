// npm run fuzz: bends the bytes of every API, version and record batch for as long as it is told to, and demands that reading them ends well.
//   npm run fuzz -- --minutes 10 --seed 7      (one minute, and a seed of the clock's, when left out)
// A failure names seed and iteration; the same seed fails at the same iteration again.
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { prepare, root } from './prepare.mjs'

const roundMs = 10_000
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes)
const firstSeed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
if (!(minutes > 0) || !Number.isSafeInteger(firstSeed) || firstSeed < 0) {
  process.stderr.write('usage: npm run fuzz -- [--minutes N] [--seed N]   (N minutes, more than 0; a seed is a whole number from 0)\n')
  process.exit(64)
}
if (process.env.ODRADEK_DIST === undefined) prepare()
const { runFuzz } = await import(
  pathToFileURL(join(resolve(process.env.ODRADEK_DIST ?? join(root, 'dist')), 'sim', 'wire', 'fuzz.js')).href
)

const end = performance.now() + minutes * 60_000
let total = 0
for (let seed = firstSeed; performance.now() < end; seed += 1) {
  try {
    const { iterations, malformed, read, slowestMs } = runFuzz({ seed, untilMs: Math.min(end, performance.now() + roundMs) })
    total += iterations
    const left = Math.max(0, (end - performance.now()) / 1000)
    process.stdout.write(
      `seed ${seed}: ${iterations} inputs, ${read} read, ${malformed} malformed, slowest ${slowestMs.toFixed(1)} ms; ${left.toFixed(0)} s to go\n`,
    )
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\nAgain: npm run fuzz -- --seed ${seed}\n`)
    process.exit(1)
  }
}
process.stdout.write(`${total} inputs, nothing found\n`)
