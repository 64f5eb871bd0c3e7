// Makes a checkout ready to run: installs the packages of the lock file and compiles, each only when it is missing or stale.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const stampFile = join(root, 'dist', '.stamp')

/** Names the sources by path, size and time of change: two equal stamps, nothing to compile. */
function sourceStamp() {
  const hash = createHash('sha1')
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) visit(path)
      else if (entry.name.endsWith('.ts')) {
        const { size, mtimeMs } = statSync(path)
        hash.update(`${path}\0${size}\0${mtimeMs}\n`)
      }
    }
  }
  visit(join(root, 'src'))
  hash.update(readFileSync(join(root, 'tsconfig.json')))
  return hash.digest('hex')
}

function installed() {
  const marker = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(marker)) return false
  // npm's own marker repeats every package of the lock file with its version
  const have = JSON.parse(readFileSync(marker, 'utf8')).packages
  const want = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(want).every(([path, entry]) => path === '' || entry.optional === true || have[path]?.version === entry.version)
}

function runOrExit(what, command, args) {
  const started = Date.now()
  process.stderr.write(`${what} …\n`)
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) {
    process.stderr.write(
      `${what} failed${error === undefined ? '' : `: ${error.message}`}. Mend what is named above and run the command again.\n`,
    )
    process.exit(1)
  }
  process.stderr.write(`${what}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

/**
 * The same program in a few files: a node that loads 250 modules one by one spends a third of its start on that. Tests and Node's stack traces
 * go by the modules themselves; where the bundler does not run, so does everything.
 */
function bundle() {
  const esbuild = join(root, 'node_modules', '.bin', 'esbuild')
  const entries = ['cli/main.js', 'node/controller-thread.js'].map((name) => join(root, 'dist', name))
  const options = [
    '--bundle',
    '--splitting',
    '--packages=external',
    '--format=esm',
    '--platform=node',
    '--target=node20',
    '--entry-names=[name]',
  ]
  const { status, stderr } = spawnSync(esbuild, [...entries, ...options, '--outdir=dist/app', '--log-level=error'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) process.stderr.write(`Not bundled (${stderr?.trim() || 'esbuild does not run here'}): starts take a little longer.\n`)
}

export function prepare() {
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(`Odradek needs Node 20.19 or newer; this is ${process.version}.\n`)
    process.exit(1)
  }
  if (!installed()) runOrExit('Installing packages', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  const stamp = sourceStamp()
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  runOrExit('Compiling', process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json'])
  bundle()
  writeFileSync(stampFile, stamp)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepare()
