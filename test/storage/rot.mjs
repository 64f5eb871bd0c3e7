// Damages files of one of three real replicas at a time, many in a group, under a producer with exact accounting; waits until all is well; says what was
// detected how. Nothing rotten may be served, nothing acknowledged may be lost, every replica has to be what the others are again.
//   node test/storage/rot.mjs --corruptions 200 [--seed 1] [--partitions 40]
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { batchHeader } from '../rig/build.mjs'
import { startCluster, until } from '../rig/cluster.mjs'
import { damage, kinds, numbers } from './rot-damage.mjs'
import { Load } from './rot-load.mjs'

const topic = 'rot'
const healMsMax = 40_000
const fillMs = 2_500
/** A node that was stopped, killed, or that goes on while its files are damaged. */
const modes = /** @type {const} */ (['running', 'stopped', 'killed'])

/** How lines of a node's log tell what became of a partition, the weightiest first. */
const signs = /** @type {const} */ ([
  [
    'set aside and fetched again',
    (/** @type {string} */ line, /** @type {string} */ name) => line.includes(`${name}: `) && line.includes('(replica-set-aside)'),
  ],
  [
    'cut as a torn tail',
    (/** @type {string} */ line, /** @type {string} */ name) => line.includes(`/${name}/`) && line.includes('(log-tail-cut)'),
  ],
  [
    'index dropped',
    (/** @type {string} */ line, /** @type {string} */ name) => line.includes(`/${name}/`) && line.includes('(index-rotten)'),
  ],
  [
    'made anew',
    (/** @type {string} */ line, /** @type {string} */ name) =>
      line.includes(`/${name}/`) && /\((checkpoint|snapshot)-unreadable\)/.test(line),
  ],
])

/** @param {{ corruptions: number, seed: number, partitions: number, tell: (line: string) => void }} options */
export async function rot({ corruptions, seed, partitions, tell }) {
  const random = numbers(seed)
  const cluster = await startCluster({
    properties: {
      'odradek.log.scrub.interval.ms': 1000,
      'odradek.log.scrub.bytes.per.second': 200_000_000,
      'log.segment.bytes': 1_048_576,
      'log.roll.ms': 700,
      'min.insync.replicas': 2,
      'replica.high.watermark.checkpoint.interval.ms': 1000,
    },
  })
  /** @type {Map<string, number>} */
  const outcomes = new Map()
  let done = 0
  const load = new Load(cluster.nodes, topic, partitions)
  try {
    await cluster.ask('createTopics', 7, {
      topics: [{ name: topic, numPartitions: partitions, replicationFactor: 3, assignments: [], configs: [] }],
      timeoutMs: 10_000,
    })
    await cluster.waitInSync(topic)
    load.start()
    for (let group = 0; done < corruptions && load.problems.length === 0; group += 1) {
      await sleep(fillMs)
      const victim = random.pick(cluster.nodes)
      const mode = random.pick(modes)
      const hurt = await hurtOne(cluster, victim, mode, Math.min(partitions, corruptions - done), partitions, random)
      done += hurt.length
      await load.readAll(hurt.map(({ partition }) => partition))
      const problem = await healed(cluster, victim, hurt)
      if (problem !== null) load.problems.push(problem)
      await load.readAll(hurt.map(({ partition }) => partition))
      for (const it of hurt) {
        const sign =
          signs.find(([, matches]) => it.lines().some((line) => matches(line, `${topic}-${it.partition}`)))?.[0] ??
          'made good unseen, or of no effect'
        const key = `${it.kind.padEnd(10)} ${it.name.replace(/^\d{20}/, '*').padEnd(26)} ${mode.padEnd(8)} ${sign}`
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
      }
      tell(
        `group ${group}: node ${victim.id} ${mode}, ${hurt.length} files damaged; ${done} in all, ${load.recordsRead} records read and right`,
      )
    }
    await load.stop()
    await load.readAll(Array.from({ length: partitions }, (_unused, at) => at))
    const acknowledged = load.acknowledged.reduce((sum, count) => sum + count, 0)
    return {
      corruptions: done,
      acknowledged,
      read: load.recordsRead,
      outcomes,
      problems: load.problems,
      tails: load.problems.length > 0 ? cluster.logTails() : '',
    }
  } finally {
    load.stopping = true
    await cluster.stop()
  }
}

/** @param {any} cluster @param {any} victim @param {typeof modes[number]} mode @param {number} count @param {number} partitions @param {ReturnType<typeof numbers>} random */
async function hurtOne(cluster, victim, mode, count, partitions, random) {
  if (mode !== 'running') {
    victim.kill(mode === 'stopped' ? 'SIGTERM' : 'SIGKILL')
    await victim.waitDown()
  }
  const logBefore = readFileSync(victim.logFile, 'utf8').length
  const lines = () => readFileSync(victim.logFile, 'utf8').slice(logBefore).split('\n')
  const hurt = []
  const from = random.below(partitions)
  for (let i = 0; i < count; i += 1) {
    const partition = (from + i) % partitions
    const found = damage(folderOf(victim, partition), random.pick(kinds), random, mode === 'running' ? 'log' : 'any')
    if (found !== null) hurt.push({ ...found, partition, lines })
  }
  if (mode !== 'running') await victim.restart()
  return hurt
}

/** @param {any} node @param {number} partition */
function folderOf(node, partition) {
  const dirs = /^log\.dirs=(.*)$/m.exec(readFileSync(node.file, 'utf8'))?.[1] ?? ''
  return join(dirs.trim(), `${topic}-${partition}`)
}

/** Waits until all replicas are in sync and those that were hurt hold what the others hold; what is wrong if they do not. */
async function healed(cluster, victim, hurt) {
  try {
    await until(
      'the damaged replicas are well',
      async () => {
        const found = await cluster.partitions(topic)
        if (found.some(({ leader, isr }) => leader < 0 || isr.length < 3)) return false
        const other = cluster.nodes.find((it) => it !== victim)
        return hurt.every((it) => same(folderOf(victim, it.partition), folderOf(other, it.partition)))
      },
      { timeoutMs: healMsMax, everyMs: 200 },
    )
    return null
  } catch (error) {
    const other = cluster.nodes.find((it) => it !== victim)
    const ill = hurt.filter((it) => !same(folderOf(victim, it.partition), folderOf(other, it.partition)))
    return `node ${victim.id}: ${ill.map((it) => `${topic}-${it.partition} (${it.kind} in ${it.name})`).join(', ')}: ${String(error)}`
  }
}

/** All that both hold is the same, and is whole. @param {string} one @param {string} other */
function same(one, other) {
  const [a, b] = [checksums(one), checksums(other)]
  if (a === null || b === null) return false
  const end = Math.min(a.length, b.length)
  return end >= Math.max(a.length, b.length) - 200 && a.slice(0, end).every((crc, at) => crc === b[at])
}

/** Of every batch, in order, by what its bytes are; null: something there is no batch. @param {string} folder */
function checksums(folder) {
  if (!existsSync(folder)) return null
  const logs = readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
  try {
    const content = Buffer.concat(logs.map((name) => readFileSync(join(folder, name))))
    const found = []
    for (const { at, header } of batchHeader.batchHeaders(content)) {
      if (at + header.sizeBytes > content.length) break
      if (!batchHeader.batchCrcIsValid(content, at, header.sizeBytes)) return null
      found.push(`${header.baseOffset}/${header.crc}`)
    }
    return found
  } catch {
    return null
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      corruptions: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      partitions: { type: 'string', default: '40' },
    },
  })
  const tell = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
  const report = await rot({
    corruptions: Number(values.corruptions),
    seed: Number(values.seed),
    partitions: Number(values.partitions),
    tell,
  })
  for (const [key, count] of [...report.outcomes].sort(([one], [other]) => (one < other ? -1 : 1)))
    tell(`${String(count).padStart(5)}  ${key}`)
  tell(
    `${report.corruptions} corruptions; ${report.acknowledged} records acknowledged, ${report.read} read and compared; ${report.problems.length} problems`,
  )
  for (const problem of report.problems) tell(problem)
  if (report.tails !== '') tell(report.tails)
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
