// npm test: prepares the checkout, then checks, unit tests and simulations (two files at a time), then what needs real sockets, files and
// clients (one file at a time). Names every skipped test with its reason; with ODRADEK_REQUIRE_PEERS=1 a skip is a failure.
//   npm test                    everything
//   npm test -- log raft        only test files whose path contains one of the words
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { prepare, root } from './prepare.mjs'

const words = process.argv.slice(2)
const strict = process.env.ODRADEK_REQUIRE_PEERS === '1'

function testFiles(folder, suffix) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(path, suffix)
      return entry.name.endsWith(suffix) ? [path] : []
    })
    .filter((path) => words.length === 0 || words.some((word) => relative(root, path).includes(word)))
    .sort((a, b) => (a < b ? -1 : 1))
}

const totals = { passed: 0, failed: 0, skipped: 0 }
const skips = []
const failures = []

function runGroup(title, files, concurrency) {
  if (files.length === 0) return Promise.resolve()
  const started = Date.now()
  process.stdout.write(`\n── ${title}: ${files.length} files\n`)
  return new Promise((resolve) => {
    const events = run({ files, concurrency, timeout: 20 * 60 * 1000 })
    const place = (data) => relative(root, data.file ?? '')
    events.on('test:pass', (data) => {
      if (data.skip !== undefined) {
        totals.skipped += 1
        skips.push(`${data.name} (${place(data)}): ${data.skip === true ? 'no reason given' : data.skip}`)
      } else if (data.details?.type !== 'suite') totals.passed += 1
    })
    events.on('test:fail', (data) => {
      if (data.details?.type === 'suite') return
      totals.failed += 1
      failures.push(`${data.name} (${place(data)})`)
    })
    events.on('end', () => {
      process.stdout.write(`── ${title}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
      resolve()
    })
    events.compose(spec).pipe(process.stdout, { end: false })
  })
}

prepare()
if (words.length === 0) {
  process.stdout.write('── checks: lint, form, house rules\n')
  const check = spawnSync(process.execPath, [join(root, 'scripts', 'check.mjs'), '--prepared'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (check.status === 0) totals.passed += 1
  else {
    totals.failed += 1
    failures.push('npm run check')
  }
}
await runGroup('unit tests and simulations', testFiles(join(root, 'dist'), '.test.js'), 2)
await runGroup('real sockets, files and clients', testFiles(join(root, 'test'), '.test.mjs'), 1)

if (skips.length > 0) process.stdout.write(`\nSkipped:\n${skips.map((line) => `  ${line}`).join('\n')}\n`)
if (failures.length > 0) process.stdout.write(`\nFailed:\n${failures.map((line) => `  ${line}`).join('\n')}\n`)
if (strict && skips.length > 0)
  process.stdout.write('\nSkips count as failures here (ODRADEK_REQUIRE_PEERS=1): install what is missing, see test/README.md.\n')
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
const nothingRan = totals.passed + totals.failed === 0
if (nothingRan) process.stdout.write('No test file matches.\n')
process.exit(totals.failed > 0 || nothingRan || (strict && skips.length > 0) ? 1 : 0)
