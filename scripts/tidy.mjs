// The rules of the house that no linter knows: floors, colours, banned globals (each with its replacement), a README in every folder of src/,
// links in docs, files that nobody imports. Prints every breach with its place; exits 1 when there is one.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { missingPlatforms } from './lock.mjs'
import { root } from './prepare.mjs'

/** Folder of src/ → its floor and colour. A folder imports only from lower floors and from itself; `sees` lists folders of its own floor it may name. */
const FOLDERS = {
  base: { floor: 0, colour: 'pure' },
  protocol: { floor: 1, colour: 'pure' },
  config: { floor: 1, colour: 'pure' },
  log: { floor: 1, colour: 'ported', sees: ['protocol', 'config'] },
  raft: { floor: 1, colour: 'pure', sees: ['protocol'] },
  ledger: { floor: 1, colour: 'pure', sees: ['protocol'] },
  zookeeper: { floor: 1, colour: 'ported', sees: ['protocol'] },
  metadata: { floor: 2, colour: 'pure' },
  replication: { floor: 2, colour: 'pure' },
  controller: { floor: 3, colour: 'pure' },
  znodes: { floor: 3, colour: 'pure' },
  groups: { floor: 3, colour: 'pure' },
  client: { floor: 3, colour: 'ported' },
  server: { floor: 3, colour: 'ported' },
  quorum: { floor: 4, colour: 'ported' },
  broker: { floor: 4, colour: 'ported', sees: ['quorum'] },
  node: { floor: 5, colour: 'shell' },
  sim: { floor: 5, colour: 'shell' },
  cli: { floor: 6, colour: 'shell' },
}
/** Global → what to use instead, for pure and ported code. */
const BANNED = [
  [/\bDate\.now\(|\bnew Date\(|\bperformance\.now\(|\bprocess\.hrtime/, 'a clock', 'take `now` as an argument, or Clock of base/ports.ts'],
  [/\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/, 'chance', 'Entropy of base/ports.ts, or a seeded Prng'],
  [
    /\bsetTimeout\(|\bsetInterval\(|\bsetImmediate\(|\bqueueMicrotask\(|\bprocess\.nextTick\(/,
    'a timer',
    'wakeAt()/wake() in pure code, Clock.after in ported code',
  ],
  [/\bprocess\.(env|exit|argv|memoryUsage|on)\b/, 'the process', 'configuration passed in; the shell (node/, cli/) talks to the process'],
  [/\bconsole\.\w+\(/, 'the console', 'Log of base/ports.ts'],
]
const PURE_ONLY = [
  [
    /\basync\s+(function|\(|\w+\s*\(|\w+\s*=>)|\bawait\s|\bPromise\b/,
    'a Promise',
    'pure code is synchronous: give an effect to the driver, take its result as an input',
  ],
]
/** Interfaces of what ported code may ask the world for: promises are named here, and made nowhere. */
const PORTS = new Set(['base/ports.ts'])
const NODE_MODULES_ALLOWED = { pure: new Set(), ported: new Set(), protocol: new Set(['node:crypto', 'node:zlib', 'node:module']) }

const problems = []
const report = (file, line, text) => problems.push(`${relative(root, file)}${line === 0 ? '' : `:${line}`}: ${text}`)

function walk(folder, filter) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? walk(path, filter) : filter(entry.name) ? [path] : []
  })
}

const src = join(root, 'src')
const sources = walk(src, (name) => name.endsWith('.ts'))
const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|new URL\(\s*['"](\.[^'"]+)['"]/g
const imported = new Set()

function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, (block) => block.replace(/[^\n]/g, ' ')).replace(/(^|[^:'"`\\])\/\/[^\n]*/g, '$1')
}

for (const file of sources) {
  const isTest = file.endsWith('.test.ts')
  const folder = relative(src, file).split('/')[0]
  const rules = FOLDERS[folder]
  if (rules === undefined) {
    report(file, 0, `folder src/${folder} has no floor: add it to scripts/tidy.mjs and the architecture page`)
    continue
  }
  const code = withoutComments(readFileSync(file, 'utf8'))
  for (const match of code.matchAll(importPattern)) {
    const target = match[1] ?? match[2] ?? match[3]
    const line = code.slice(0, match.index).split('\n').length
    if (target.startsWith('.')) {
      const path = resolve(dirname(file), target)
      if (!isTest) imported.add(path.replace(/\.js$/, '.ts'))
      if (!path.startsWith(`${src}/`) || isTest) continue
      const other = relative(src, path).split('/')[0]
      if (other === folder || FOLDERS[other] === undefined) continue
      const lower = FOLDERS[other].floor < rules.floor
      if (!lower && !(rules.sees ?? []).includes(other))
        report(file, line, `${folder} (floor ${rules.floor}) may not import ${other} (floor ${FOLDERS[other].floor})`)
    } else if (target.startsWith('node:') && rules.colour !== 'shell' && !isTest) {
      const allowed = NODE_MODULES_ALLOWED[folder] ?? NODE_MODULES_ALLOWED[rules.colour]
      if (!allowed.has(target)) report(file, line, `${rules.colour} code may not import ${target}: go through base/ports.ts`)
    }
  }
  if (isTest || rules.colour === 'shell') continue
  code.split('\n').forEach((text, at) => {
    const synchronous = rules.colour === 'pure' && !PORTS.has(relative(src, file))
    const bans = synchronous ? [...BANNED, ...PURE_ONLY] : BANNED
    for (const [pattern, what, instead] of bans) {
      if (pattern.test(text.replace(/'(?:[^'\\]|\\.)*'/g, "''")))
        report(file, at + 1, `${what} in ${rules.colour} code; instead: ${instead}`)
    }
  })
}

// Files that nobody imports, but for what is started by name
const ENTRIES = new Set(['cli/main.ts', 'node/server-main.ts', 'node/controller-thread.ts', 'client/cluster-client.ts'])
for (const file of sources) {
  const name = relative(src, file)
  if (file.endsWith('.test.ts') || ENTRIES.has(name) || name.startsWith('sim/') || imported.has(file)) continue
  report(file, 0, 'no file imports this one: delete it, or name it in ENTRIES of scripts/tidy.mjs')
}

for (const folder of new Set(sources.map((file) => dirname(file)))) {
  if (!existsSync(join(folder, 'README.md'))) report(folder, 0, 'has no README.md: a few lines on what is in here')
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  if (names.length > 26 && !folder.endsWith('messages')) report(folder, 0, `${names.length} files: cut the folder by subject`)
}

// Links in documents lead somewhere
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((name) => name !== '' && existsSync(join(root, name)))
for (const name of documents) {
  const file = join(root, name)
  const text = readFileSync(file, 'utf8').replace(/```[\s\S]*?```/g, '')
  for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    const target = match[1].split('#')[0]
    if (target === '' || /^[a-z]+:/.test(target)) continue
    if (!existsSync(resolve(dirname(file), target)))
      report(file, text.slice(0, match.index).split('\n').length, `link to ${target}, which is not there`)
  }
}

// A lock file without the packages of other platforms stops `npm ci` everywhere
for (const { name } of missingPlatforms(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages))
  report(join(root, 'package-lock.json'), 0, `${name} is missing: run node scripts/lock.mjs`)

// The version is said in places that cannot read package.json
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
for (const name of ['cli/main.ts', 'client/negotiation.ts']) {
  if (!readFileSync(join(src, name), 'utf8').includes(`'${version}'`))
    report(join(src, name), 0, `does not say version ${version}, as package.json does`)
}

// Leftovers, and long files, which want a second look
for (const file of [
  ...sources,
  ...walk(join(root, 'scripts'), (name) => name.endsWith('.mjs')),
  ...walk(join(root, 'test'), (name) => name.endsWith('.mjs')),
  ...walk(join(root, 'bench'), (name) => name.endsWith('.mjs')),
]) {
  const text = readFileSync(file, 'utf8')
  const lines = text.split('\n')
  lines.forEach((line, at) => {
    if (/\b(TO[D]O|FIX[M]E|X{3}|HA[C]K)\b/.test(line))
      report(file, at + 1, 'a leftover: do it, refuse it with a clear error, or drop the word')
    if (/\b(test|it|describe)\.(only|todo)\b/.test(line)) report(file, at + 1, 'a test that hides others or does not run')
  })
  if (lines.length > 600 && statSync(file).isFile()) report(file, 0, `${lines.length} lines: cut it by subject`)
}

if (problems.length > 0) process.stdout.write(`${problems.join('\n')}\n${problems.length} breaches of the rules of the house\n`)
process.exit(problems.length === 0 ? 0 : 1)
