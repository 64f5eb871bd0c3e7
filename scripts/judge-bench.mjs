// node scripts/judge-bench.mjs [OPERATIONS] [SEED]: records a good history of so many operations (a million when left out) and judges it. Prints how long
// either took and what memory it needed. The goal is 30 seconds and 1.5 GB for a million. Exit status 1 when it is missed, or something is found.
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

const goalMs = 30_000
const goalBytes = 1.5e9
const operations = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? 1)
if (!Number.isSafeInteger(operations) || operations < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: node scripts/judge-bench.mjs [OPERATIONS] [SEED]   (whole numbers)\n')
  process.exit(64)
}
if (process.env.ODRADEK_DIST === undefined) prepare()
const dist = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))
const load = (name) => import(pathToFileURL(join(dist, 'sim', 'history', name)).href)
const { recordGoodHistory, goodOptions } = await load('good-history.js')
const { HistoryRecorder } = await load('recorder.js')
const { examine } = await load('judge.js')
const { describeVerdict } = await load('describe.js')

const begin = performance.now()
const history = recordGoodHistory(seed, operations, new HistoryRecorder())
const recorded = performance.now()
const verdict = examine(history, goodOptions)
const tookMs = performance.now() - recorded
const bytes = process.resourceUsage().maxRSS * 1024
process.stdout.write(`${describeVerdict(verdict).join('\n')}\n`)
process.stdout.write(
  `recorded in ${((recorded - begin) / 1000).toFixed(1)} s, judged in ${(tookMs / 1000).toFixed(1)} s, at most ${(bytes / 1e6).toFixed(0)} MB in all\n`,
)
process.exitCode = verdict.errors.length === 0 && (operations > 1_000_000 || (tookMs <= goalMs && bytes <= goalBytes)) ? 0 : 1
