// Replicas on their way between the log directories of their broker, under producers that keep books; asked for with Kafka's own tools where there is Java.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster, until } from '../rig/cluster.mjs'
import { Java } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'
import { connect } from '../rig/wire.mjs'
import { Books } from './books.mjs'
import { clusterClient } from './build.mjs'

const topic = 'moved'
const partitions = 4
const names = Array.from({ length: partitions }, (_, partition) => `${topic}-${partition}`)

/** @param {string} folder @param {number} id @param {string} which */
const directory = (folder, id, which) => join(folder, `data-${id}-${which}`)

/** Three nodes with two log directories each, and producers at work. @param {Record<string, string>} configs */
async function busyCluster(configs) {
  const perNode = async (/** @type {readonly { id: number }[]} */ addresses, /** @type {string} */ folder) =>
    addresses.map(({ id }) => {
      const both = ['a', 'b'].map((which) => directory(folder, id, which))
      for (const path of both) mkdirSync(path, { recursive: true })
      return { 'log.dirs': both.join() }
    })
  const cluster = await startCluster({ kind: 'odradek', perNode })
  const client = clusterClient(cluster.nodes, 'maker')
  const all = new Map(Object.entries({ 'segment.bytes': '1048576', ...configs }))
  await client.createTopics([{ name: topic, partitions, replicationFactor: 3, configs: all }], { timeoutMs: 10_000 })
  client.close()
  await cluster.waitInSync(topic)
  const books = new Books(cluster.nodes, topic, partitions)
  books.start()
  await sleep(1_000)
  return { cluster, books }
}

/** Where nothing of the topic is but whole replicas, and all of them. @param {any} cluster @param {string} which @param {string} otherwise */
const allAreIn = (cluster, which, otherwise) =>
  cluster.nodes.every(
    (/** @type {{ id: number }} */ { id }) =>
      names.every((name) => existsSync(join(directory(cluster.folder, id, which), name))) &&
      !readdirSync(directory(cluster.folder, id, otherwise)).some((name) => name.startsWith(topic) && !name.endsWith('-delete')),
  )

/** @param {any} cluster @param {string} which */
async function moveAll(cluster, which) {
  for (const { id, port } of cluster.nodes) {
    const wire = await connect(port)
    const topics = [{ name: topic, partitions: names.map((_, partition) => partition) }]
    const answer = await wire.call('alterReplicaLogDirs', 2, { dirs: [{ path: directory(cluster.folder, id, which), topics }] })
    assert.deepEqual(
      answer.results[0].partitions.map((/** @type {{ errorCode: number }} */ { errorCode }) => errorCode),
      names.map(() => 0),
    )
    wire.close()
  }
}

/** @param {Books} books */
async function auditOf(books) {
  await books.stop()
  const sum = await books.audit()
  console.log(
    `${sum.acknowledged} acknowledged, ${books.unknown} unknown, ${sum.lost} lost, ${sum.doubled} doubled, ${sum.moved} elsewhere`,
  )
  assert.deepEqual([sum.lost, sum.doubled, sum.moved, books.unknown, [...books.errors]], [0, 0, 0, 0, []])
  assert.ok(sum.acknowledged > 500, `${sum.acknowledged} acknowledged`)
}

for (const [name, configs] of /** @type {const} */ ([
  ['by default', {}],
  ['with flush.messages=1', { 'flush.messages': '1' }],
]))
  test(`no producer notices that all replicas of its partition move to and fro, ${name}`, async () => {
    const { cluster, books } = await busyCluster(configs)
    try {
      await moveAll(cluster, 'a')
      await until('all are in the first directory', async () => allAreIn(cluster, 'a', 'b'), { timeoutMs: 60_000 })
      for (let round = 0; round < 3; round += 1) {
        for (const [which, otherwise] of /** @type {const} */ ([
          ['b', 'a'],
          ['a', 'b'],
        ])) {
          await moveAll(cluster, which)
          await until(`all are in ${which}`, async () => allAreIn(cluster, which, otherwise), { timeoutMs: 60_000 })
        }
      }
      await auditOf(books)
    } finally {
      await books.stop()
      await cluster.stop()
    }
  })

test("Kafka's reassign-partitions moves replicas between log directories, and log-dirs shows them", { skip: without('java') }, async () => {
  const { cluster, books } = await busyCluster({})
  const java = new Java()
  const run = async (/** @type {any} */ tool, /** @type {string[]} */ ...args) => {
    const it = await java.tool(tool, '--bootstrap-server', cluster.bootstrap, ...args)
    assert.equal(it.status, 0, `${it.out}\n${it.err}`)
    return it.out
  }
  try {
    for (const [which, otherwise] of /** @type {const} */ ([
      ['a', 'b'],
      ['b', 'a'],
    ])) {
      const placed = (await cluster.partitions(topic)).map(({ partition, replicas }) => ({
        topic,
        partition,
        replicas,
        log_dirs: replicas.map((/** @type {number} */ id) => directory(cluster.folder, id, which)),
      }))
      const plan = join(cluster.folder, `${which}.json`)
      writeFileSync(plan, JSON.stringify({ version: 1, partitions: placed }))
      const limit = ['--replica-alter-log-dirs-throttle', '20000000']
      assert.match(await run('reassign-partitions', '--execute', '--reassignment-json-file', plan, ...limit), /Successfully started/)
      await until(
        'all are moved',
        async () => {
          const out = await run('reassign-partitions', '--verify', '--reassignment-json-file', plan)
          assert.doesNotMatch(out, /not found|dead|Exception|failed/i)
          const done = /Reassignment of replica \S+ completed successfully|is already in|log directory.*completed/g
          return (out.match(done)?.length ?? 0) >= partitions * 3 || allAreIn(cluster, which, otherwise)
        },
        { timeoutMs: 60_000 },
      )
      await until('no old files are left', async () => allAreIn(cluster, which, otherwise), { timeoutMs: 30_000 })
      const out = await run('log-dirs', '--describe', '--topic-list', topic, '--broker-list', '1,2,3')
      const { brokers } = JSON.parse(out.split('\n').find((line) => line.startsWith('{')) ?? '{}')
      for (const { broker, logDirs } of brokers) {
        for (const { logDir, error, partitions: held } of logDirs) {
          const isThere = logDir === directory(cluster.folder, broker, which)
          assert.deepEqual(
            [error, held.map((/** @type {{ partition: string }} */ it) => it.partition).sort()],
            [null, isThere ? names : []],
          )
          assert.ok(held.every((/** @type {{ isFuture: boolean }} */ { isFuture }) => !isFuture))
        }
      }
    }
    await auditOf(books)
  } finally {
    await books.stop()
    await java.kill()
    await cluster.stop()
  }
})
