// Every configuration of Kafka, as its own jar defines it, against the tables in src/config: names, types, defaults, update modes, synonyms,
// and what happens to samples of values. Needs Kafka's jars (KAFKA_JARS, or those that scripts/peers.mjs fetches) and Java.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { jarsFolder, root, without } from '../rig/peers.mjs'

const built = process.env.ODRADEK_BUILT ?? join(root, 'dist')
/** @param {string} module */
const config = (module) => import(pathToFileURL(join(built, 'config', `${module}.js`)).href)

/** Where our default is not Kafka's on purpose. The rows say why. */
const differences = {
  'broker.heartbeat.interval.ms': '200',
  'broker.session.timeout.ms': '1300',
  'controller.quorum.election.backoff.max.ms': '500',
  'controller.quorum.election.timeout.ms': '500',
  'controller.quorum.fetch.timeout.ms': '700',
  'max.connections': '10000',
  'metric.reporters': '',
  'queued.max.request.bytes': '268435456',
  'replica.lag.time.max.ms': '10000',
  'offsets.topic.segment.bytes': '8388608',
  'zookeeper.session.timeout.ms': '6000',
}

/** Values that Kafka judges elsewhere than in the definition (quorum), or takes by an accident of a regular expression. */
const judgedElsewhere = new Set(['controller.quorum.voters', 'controller.quorum.bootstrap.servers'])
const accidents = new Set([','])

function facts() {
  const classes = mkdtempSync(join(tmpdir(), 'odradek-config-facts-'))
  const classPath = join(jarsFolder(), '*')
  try {
    const source = join(root, 'test', 'config', 'ConfigFacts.java')
    const compiled = spawnSync('javac', ['-d', classes, '-cp', classPath, source], { encoding: 'utf8' })
    assert.equal(compiled.status, 0, compiled.stderr)
    const args = ['-XX:TieredStopAtLevel=1', '-cp', `${classPath}:${classes}`, 'ConfigFacts']
    const run = spawnSync('java', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    assert.equal(run.status, 0, run.stderr)
    return run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  } finally {
    rmSync(classes, { recursive: true })
  }
}

describe('configurations', { skip: without('java') }, () => {
  /** @type {any[]} */
  let keys
  /** @type {any[]} */
  let values
  /** @type {Record<string, ReadonlyMap<string, any>>} */
  let tables

  before(async () => {
    const all = facts()
    keys = all.filter((it) => it.fact === 'key')
    values = all.filter((it) => it.fact === 'value')
    const { brokerConfigs, dynamicOnlyBrokerConfigs } = await config('broker-configs')
    const { topicConfigs, groupConfigs, clientMetricsConfigs } = await config('topic-configs')
    tables = {
      broker: brokerConfigs,
      dynamic: dynamicOnlyBrokerConfigs,
      topic: topicConfigs,
      group: groupConfigs,
      'client-metrics': clientMetricsConfigs,
    }
  })

  test('each configuration of Kafka has a row, and no row is made up but those that are named after us', () => {
    for (const [scope, table] of Object.entries(tables)) {
      const theirs = keys.filter((it) => it.scope === scope).map((it) => it.name)
      // Those of ZooKeeper are of Kafka 3.9, the last release that had them
      const rows = [...table.keys()].filter((name) => !name.startsWith('odradek.') && !name.startsWith('zookeeper.'))
      assert.deepEqual(new Set(rows), new Set(theirs), scope)
    }
  })

  test('type, default, importance, update mode and visibility are those of Kafka', () => {
    for (const it of keys) {
      const row = tables[it.scope]?.get(it.name)
      const fallback = it.required ? undefined : it.default
      const mode = it.scope === 'dynamic' ? 'cluster-wide' : it.mode
      const ours = [row.type, row.kafkaDefault, row.importance, row.mode, row.internal]
      assert.deepEqual(
        ours,
        [it.type, fallback === undefined ? undefined : asRow(it.type, fallback), it.importance, mode, it.internal],
        it.name,
      )
    }
  })

  test('defaults that differ on purpose are listed here and give a reason', () => {
    const found = Object.values(tables).flatMap((table) => [...table.values()].filter((row) => row.default !== row.kafkaDefault))
    assert.deepEqual(Object.fromEntries(found.map((row) => [row.name, row.default])), differences)
    for (const row of found) assert.notEqual(row.because, undefined, row.name)
  })

  test('synonyms are those of Kafka, in its order', async () => {
    const { brokerSynonyms } = await config('broker-configs')
    const { topicSynonyms } = await config('topic-configs')
    for (const it of keys.filter((key) => key.scope === 'broker')) assert.deepEqual(brokerSynonyms(it.name), it.synonyms, it.name)
    for (const it of keys.filter((key) => key.scope === 'topic')) {
      assert.deepEqual(
        (topicSynonyms.get(it.name) ?? []).map((/** @type {any} */ synonym) => synonym.name),
        it.synonyms,
        it.name,
      )
    }
  })

  test('a value is taken, told again, or refused with the sentence of Kafka', async () => {
    const { canonical, parseValue } = await config('values')
    for (const it of values) {
      if (judgedElsewhere.has(it.name) || accidents.has(it.sample)) continue
      const row = tables[it.scope]?.get(it.name)
      const parsed = parseValue(row, it.sample)
      const ours = 'problem' in parsed ? { problem: parsed.problem } : { value: canonical(parsed.value, row.type) }
      assert.deepEqual(ours, it.problem === null ? { value: it.value } : { problem: it.problem }, `${it.name}=${JSON.stringify(it.sample)}`)
    }
  })
})

/** A row may write a default in a shorter form than Kafka prints it. @param {string} type @param {string | null} text */
function asRow(type, text) {
  return type === 'double' && text !== null && Number.isInteger(Number(text)) && !text.includes('E') ? String(Number(text)) : text
}
