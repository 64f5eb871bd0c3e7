// npm test: prepares the checkout, then checks, unit tests and simulations (two files at a time), then what needs real sockets, files and
// clients (one file at a time). Names every skipped test with its reason; with ODRADEK_REQUIRE_PEERS=1 a skip is a failure.
// A file that fails where it waits for clients or servers that are not ours is run once more, alone, and named (decision 0019).
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

/** Where the pace is set by programs that are not ours, and no book is kept of what was acknowledged. */
const setByOthers = /^test\/(compat|zookeeper\/(blackhole|client|dev|differential|work))\b/

/** @type {{ name: string, file: string, end: 'passed' | 'failed' | 'skipped' }[]} */
const outcomes = []
const those = (end) => outcomes.filter((it) => it.end === end)
const named = ({ name, file }) => `  ${file === '' ? name : `${name} (${file})`}\n`

function runGroup(title, files, concurrency) {
  if (files.length === 0) return Promise.resolve()
  const started = Date.now()
  process.stdout.write(`\n── ${title}: ${files.length} files\n`)
  return new Promise((resolve) => {
    const events = run({ files, concurrency, timeout: 20 * 60 * 1000 })
    const place = (data) => relative(root, data.file ?? '')
    events.on('test:pass', (data) => {
      const reason = data.skip === true ? 'no reason given' : data.skip
      if (data.skip !== undefined) outcomes.push({ name: `${data.name}: ${reason}`, file: place(data), end: 'skipped' })
      else if (data.details?.type !== 'suite') outcomes.push({ name: data.name, file: place(data), end: 'passed' })
    })
    events.on('test:fail', (data) => {
      if (data.details?.type !== 'suite') outcomes.push({ name: data.name, file: place(data), end: 'failed' })
    })
    events.on('end', () => {
      process.stdout.write(`── ${title}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
      resolve()
    })
    events.compose(spec).pipe(process.stdout, { end: false })
  })
}

/** Runs the files anew that failed at others' pace: what they say the second time counts. Returns what failed the first time and not again. */
async function repeatFailed() {
  const first = those('failed').filter(({ file }) => setByOthers.test(file))
  const files = [...new Set(first.map(({ file }) => file))]
  outcomes.splice(0, outcomes.length, ...outcomes.filter(({ file }) => !files.includes(file)))
  const paths = files.map((file) => join(root, file))
  await runGroup('once more, alone', paths, 1)
  return first.filter(({ file }) => !those('failed').some((it) => it.file === file))
}

function tell(title, them) {
  if (them.length > 0) process.stdout.write(`\n${title}:\n${them.map(named).join('')}`)
}

prepare()
if (words.length === 0) {
  process.stdout.write('── checks: lint, form, house rules\n')
  const check = spawnSync(process.execPath, [join(root, 'scripts', 'check.mjs'), '--prepared'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  outcomes.push({ name: 'npm run check', file: '', end: check.status === 0 ? 'passed' : 'failed' })
}
await runGroup('unit tests and simulations', testFiles(join(root, 'dist'), '.test.js'), 2)
await runGroup('real sockets, files and clients', testFiles(join(root, 'test'), '.test.mjs'), 1)
const repeated = await repeatFailed()

const [passed, failed, skipped] = [those('passed'), those('failed'), those('skipped')]
tell('Skipped', skipped)
tell('Failed at first, and held when repeated alone', repeated)
tell('Failed', failed)
if (strict && skipped.length > 0)
  process.stdout.write('\nSkips count as failures here (ODRADEK_REQUIRE_PEERS=1): install what is missing, see test/README.md.\n')
process.stdout.write(`\n${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped\n`)
const nothingRan = passed.length + failed.length === 0
if (nothingRan) process.stdout.write('No test file matches.\n')
process.exit(failed.length > 0 || nothingRan || (strict && skipped.length > 0) ? 1 : 0)
