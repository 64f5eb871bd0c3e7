// The stock clients and tools that the tests run Odradek against. None of them is needed to build or run it: a test whose tool is missing is
// skipped and says which one; with ODRADEK_REQUIRE_PEERS=1 it fails instead. `node scripts/peers.mjs` fetches and builds what can be fetched.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const kafkaVersion = '4.3.1'
const javaFolder = join(root, 'test', 'java')
const goFolder = join(root, 'test', 'go')
const pythonFolder = join(root, 'test', 'python')
const builds = join(root, '.build', 'peers')
const cache = process.env.ODRADEK_PEERS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'odradek-peers')
const FETCH = 'run: node scripts/peers.mjs'

/** Where a program lies, or undefined. @param {string} name */
export function onPath(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}

/** The folder with Kafka's jars: KAFKA_JARS, or the one that scripts/peers.mjs fills. */
export function jarsFolder() {
  return process.env.KAFKA_JARS ?? join(cache, `test-jars-${kafkaVersion}`)
}

export const jarsComplete = () => process.env.KAFKA_JARS !== undefined || existsSync(join(jarsFolder(), '.complete'))

/** @param {string} command @param {string[]} args @param {import('node:child_process').SpawnSyncOptions} [options] */
function runOrThrow(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (status !== 0) {
    const why = error?.message ?? `exit ${status}\n${String(stdout ?? '')}${String(stderr ?? '')}`
    throw new Error(`${command} ${args.join(' ')}: ${why}`)
  }
  return String(stdout)
}

/** Copies the jars named by test/java/pom.xml from Maven's repositories. */
export function fetchJars() {
  const folder = jarsFolder()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  runOrThrow('mvn', ['-q', '-B', '-f', join(javaFolder, 'pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`])
  writeFileSync(join(folder, '.complete'), '')
}

/** The folder with the jars of Kafka 3.9, which still decodes znodes: KAFKA39_JARS, or the one that scripts/peers.mjs fills. */
export const zkDataJars = () => process.env.KAFKA39_JARS ?? join(cache, 'zkdata-jars-3.9.1')

export const zkDataJarsComplete = () => process.env.KAFKA39_JARS !== undefined || existsSync(join(zkDataJars(), '.complete'))

export function fetchZkDataJars() {
  const folder = zkDataJars()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const pom = join(root, 'test', 'zookeeper', 'zkdata', 'pom.xml')
  runOrThrow('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`])
  writeFileSync(join(folder, '.complete'), '')
}

/** @param {string} folder @param {string} suffix @returns {string[]} */
function filesBelow(folder, suffix) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesBelow(path, suffix)
      return entry.name.endsWith(suffix) ? [path] : []
    })
    .sort()
}

/** @param {string[]} files */
function stampOf(files) {
  const hash = createHash('sha1')
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex').slice(0, 16)
}

/** Builds into a fresh folder named by the sources' stamp, once; two test files that come at the same time do not disturb each other. */
function built(name, files, build) {
  const target = join(builds, `${name}-${stampOf(files)}`)
  if (!existsSync(target)) {
    const draft = `${target}.${process.pid}`
    mkdirSync(draft, { recursive: true })
    try {
      build(draft)
    } catch (error) {
      rmSync(draft, { recursive: true })
      throw error
    }
    if (existsSync(target)) rmSync(draft, { recursive: true })
    else renameSync(draft, target)
  }
  return target
}

/** The class path for the programs in test/java/src, compiled when their sources changed. */
export function javaClassPath() {
  const sources = filesBelow(join(javaFolder, 'src'), '.java')
  const classes = built('java', sources, (out) => runOrThrow('javac', ['-nowarn', '-d', out, '-cp', join(jarsFolder(), '*'), ...sources]))
  return [classes, join(jarsFolder(), '*')].join(delimiter)
}

/** The franz-go program of test/go as a binary. */
export function franzBinary() {
  const sources = [...filesBelow(goFolder, '.go'), join(goFolder, 'go.mod'), join(goFolder, 'go.sum')]
  const folder = built('go', sources, (out) =>
    runOrThrow('go', ['build', '-o', join(out, 'franz'), '.'], {
      cwd: goFolder,
      env: { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false' },
    }),
  )
  return join(folder, 'franz')
}

/** The Python of a virtual environment with the packages of test/python/requirements.txt; undefined where scripts/peers.mjs has made none. */
export function python() {
  const path = join(pythonEnvironment(), 'bin', 'python')
  return existsSync(join(pythonEnvironment(), '.complete')) ? path : undefined
}

const requirements = join(pythonFolder, 'requirements.txt')
const pythonEnvironment = () =>
  join(cache, `test-python-${createHash('sha1').update(readFileSync(requirements)).digest('hex').slice(0, 16)}`)

/** Makes that environment, with pip. */
export function makePython() {
  const folder = pythonEnvironment()
  rmSync(folder, { recursive: true, force: true })
  runOrThrow('python3', ['-m', 'venv', folder])
  runOrThrow(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  writeFileSync(join(folder, '.complete'), '')
}

/** The arguments that run a program of test/python. @param {string} program @param {...string} args */
export const pythonProgram = (program, ...args) => [python() ?? 'python3', join(pythonFolder, program), ...args]

export const log4j = (file) => join(javaFolder, file)

const missing = {
  zkdata: () => (zkDataJarsComplete() ? undefined : `needs the jars of Apache Kafka 3.9; ${FETCH}`),
  java() {
    if (onPath('java') === undefined || onPath('javac') === undefined) return 'needs a Java 17 JDK (java, javac)'
    if (!jarsComplete()) return `needs the jars of Apache Kafka ${kafkaVersion}; ${FETCH} (wants Maven), or name their folder in KAFKA_JARS`
    return undefined
  },
  python() {
    if (onPath('python3') === undefined) return 'needs Python 3 (for confluent-kafka and kafka-python)'
    return python() === undefined ? `needs confluent-kafka and kafka-python; ${FETCH} (wants pip and venv)` : undefined
  },
  kcat() {
    return onPath('kcat') === undefined ? 'needs kcat (Debian: apt-get install kcat)' : undefined
  },
  zookeeper() {
    if (onPath('java') === undefined) return 'needs Java'
    return existsSync('/usr/share/java/zookeeper.jar')
      ? undefined
      : 'needs ZooKeeper (Debian: apt-get install --no-install-recommends zookeeper)'
  },
  franz() {
    if (onPath('go') === undefined) return 'needs Go (for franz-go)'
    try {
      franzBinary()
      return undefined
    } catch (error) {
      return `needs franz-go's modules; ${FETCH} (${String(error).split('\n').at(-2) ?? ''})`
    }
  },
}

/**
 * For a test's `skip` option: false when all tools are there, else the reason.
 * @param {...keyof typeof missing} tools
 * @returns {false | string}
 */
export function without(...tools) {
  const reasons = tools.map((tool) => missing[tool]()).filter((reason) => reason !== undefined)
  if (reasons.length === 0) return false
  if (process.env.ODRADEK_REQUIRE_PEERS === '1') throw new Error(`ODRADEK_REQUIRE_PEERS=1, but this ${reasons.join('; ')}`)
  return reasons.join('; ')
}
