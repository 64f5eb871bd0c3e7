// The same random sequence of produces, DeleteRecords, retention by time and size, rolls, compaction and changes of the configuration to Apache Kafka and
// to this project: the same answers, and in the end the same start, end and records. Needs Kafka's jars and Java.
//   node test/storage/differential.test.mjs --seeds 200 [--from 1]     more sequences
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { startCluster, until } from '../rig/cluster.mjs'
import { without } from '../rig/peers.mjs'
import { connect } from '../rig/wire.mjs'
import { sequence, Side } from './log-steps.mjs'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '6' }, from: { type: 'string', default: '1' } },
  strict: false,
})
const from = Number(values.from)
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => from + i)

/** Within it a change of the configuration is in force on both. */
const configuredMs = 700

const properties = {
  'log.retention.check.interval.ms': 300,
  'log.initial.task.delay.ms': 200,
  'log.cleaner.backoff.ms': 200,
  'log.segment.delete.delay.ms': 100,
}

/** Retention, rolls and the cleaner come in their own time: what is seen must become the same and stay so. @param {readonly Side[]} sides @param {string} where */
async function seeTheSame(sides, where) {
  let seen = []
  await until(
    `the same is seen after ${where}`,
    async () => {
      seen = await Promise.all(sides.map((side) => side.look()))
      return isDeepStrictEqual(seen[0], seen[1])
    },
    { timeoutMs: 12_000, everyMs: 300 },
  ).catch(() => assert.fail(`after ${where}:\n${difference(seen[0], seen[1])}`))
}

/** What only one of them shows. @param {any} kafka @param {any} ours */
function difference(kafka, ours) {
  const only = (a, b) =>
    (a.records ?? [`error ${a.errorCode}`]).filter((line) => !(b.records ?? []).includes(line)).map((line) => `  ${line}`)
  const of = (name, a, b) => [`only ${name} (${JSON.stringify(a.offsets)}):`, ...only(a, b)]
  return [...of("Kafka's", kafka, ours), ...of('ours', ours, kafka)].join('\n')
}

describe('the same is done to a log of Kafka and to ours', { skip: without('java'), concurrency: 1 }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>[]} */
  let clusters = []
  /** @type {import('../rig/wire.mjs').Wire[]} */
  let wires = []
  before(async () => {
    clusters = await Promise.all(/** @type {const} */ (['kafka', 'odradek']).map((kind) => startCluster({ kind, nodes: 1, properties })))
    wires = await Promise.all(clusters.map(({ nodes: [node] }) => connect(node?.port ?? 0)))
  })
  after(async () => {
    for (const wire of wires) wire.close()
    await Promise.all(clusters.map((cluster) => cluster.stop()))
  })

  for (const seed of seeds) {
    test(`sequence ${seed}`, async () => {
      const { configs, steps } = sequence(seed)
      const topic = `sequence-${seed}`
      const sides = wires.map((wire) => new Side(wire, topic))
      for (const side of sides) assert.equal(await side.create(configs), 0)
      await Promise.all(clusters.map((cluster) => cluster.waitInSync(topic)))
      /** @type {Map<string, string | null>} what retention obeys, when it is not the default */
      const limits = new Map()
      for (const [i, step] of steps.entries()) {
        const where = `step ${i} (${JSON.stringify(step)}) of ${JSON.stringify(configs)}`
        if (step.what === 'look') await seeTheSame(sides, where)
        const answers = await Promise.all(sides.map((side) => side.carryOut(step)))
        assert.deepEqual(answers[1], answers[0], `ours against Kafka's at ${where}`)
        if (step.what === 'configure' && step.name.startsWith('retention.')) limits.set(step.name, step.value)
        // the answer comes before the brokers have heard of it
        if (step.what === 'configure') await sleep(configuredMs)
        // Retention that takes everything begins a new segment: where segments end must not depend on when it looks.
        if ([...limits.values()].some((value) => value !== null && value !== '-1')) {
          await sleep(configuredMs)
          await seeTheSame(sides, where)
        }
      }
    })
  }
})
