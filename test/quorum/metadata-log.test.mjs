// The metadata log, its indexes and its snapshots as a controller of ours writes them, read by Kafka's own DumpLogSegments with the decoder of
// metadata records. Needs Kafka's jars and Java.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { jarsFolder, log4j, root, without } from '../rig/peers.mjs'

const built = process.env.ODRADEK_BUILT ?? join(root, 'dist')
/** @param {string} module */
const ours = (module) => import(pathToFileURL(join(built, `${module}.js`)).href)

const metadataVersion = 29
const topicId = 'kBYLVjxSSpyvDvgUvO8PPQ'

async function records() {
  const { newRecord } = await ours('metadata/new-record')
  const { encodeRecord } = await ours('metadata/record-frame')
  const make = (type, draft) => encodeRecord(newRecord(type, metadataVersion, draft))
  return [
    make('featureLevel', { name: 'metadata.version', featureLevel: metadataVersion }),
    make('topic', { name: 'orders', topicId }),
    make('config', { resourceType: 2, resourceName: 'orders', name: 'retention.ms', value: '1000' }),
    make('noOp', {}),
  ]
}

/** @param {...string} args */
function dumpLog(...args) {
  const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${log4j('log4j2.yaml')}`]
  const command = [...jvm, '-cp', join(jarsFolder(), '*'), 'org.apache.kafka.tools.DumpLogSegments', ...args]
  const { status, stdout, stderr } = spawnSync('java', command, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  return { status, out: stdout, err: stderr }
}

/** One controller on a disk in memory that takes a snapshot after every hundred batches; then the files, by name. @param {number} snapshots */
async function metadataFiles(snapshots) {
  const { QuorumWorld } = await ours('sim/quorum-world')
  const world = new QuorumWorld(1, 1)
  const controller = await world.start(1)
  await world.until(() => controller.witness.leading >= 0, 100)
  const values = await records()
  const append = async (count) => {
    for (let i = 0; i < count; i += 1) controller.node.append(controller.witness.leading, values)
    await world.until(() => controller.witness.endOffset === controller.node.logEndOffset, 100)
  }
  await append(100)
  for (let round = 0; round < snapshots; round += 1) {
    let done = false
    void controller.node.writeSnapshot(controller.witness.endOffset, [values.slice(0, 2), values.slice(2)]).then(() => (done = true))
    await world.until(() => done, 100)
    await append(100)
  }
  const directory = '/data/1/__cluster_metadata-0'
  return new Map(controller.disk.list(directory).map((name) => [name, controller.disk.readSmall(`${directory}/${name}`)]))
}

/** @param {Map<string, Buffer>} files @param {(folder: string) => Promise<void>} use */
async function inFolder(files, use) {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-metadata-'))
  const partition = join(folder, '__cluster_metadata-0')
  try {
    mkdirSync(partition)
    for (const [name, content] of files) writeFileSync(join(partition, name), content)
    await use(partition)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @param {string} text @param {RegExp} pattern */
const count = (text, pattern) => text.match(pattern)?.length ?? 0

for (const expected of [
  { snapshots: 1, batches: 201, leaderChanges: 1 },
  { snapshots: 2, batches: 202, leaderChanges: 0 },
]) {
  const what = `the metadata log, its indexes and what is left of ${expected.snapshots} snapshots`
  test(`Kafka's dump-log reads ${what} without complaint`, { skip: without('java') }, async () => {
    const files = await metadataFiles(expected.snapshots)
    await inFolder(files, async (folder) => {
      const paths = (...suffixes) =>
        [...files.keys()].filter((name) => suffixes.some((it) => name.endsWith(it))).map((name) => join(folder, name))
      assert.equal(paths('.checkpoint').length, expected.snapshots)
      const read = dumpLog('--cluster-metadata-decoder', '--deep-iteration', '--files', paths('.log', '.checkpoint').join(','))
      assert.equal(read.status, 0, read.err)
      assert.equal(count(read.out + read.err, /exception|error|invalid|corrupt|mismatch|isvalid: false/gi), 0)
      assert.equal(count(read.out, /LeaderChange/g), expected.leaderChanges)
      assert.equal(count(read.out, /SnapshotHeader/g), expected.snapshots)
      assert.equal(count(read.out, /SnapshotFooter/g), expected.snapshots)
      assert.equal(
        count(read.out, /"type":"TOPIC_RECORD","version":0,"data":\{"name":"orders","topicId":"kBYLVjxSSpyvDvgUvO8PPQ"\}/g),
        expected.batches,
      )
      const indexes = dumpLog('--index-sanity-check', '--files', paths('.index', '.timeindex').join(','))
      assert.equal(indexes.status, 0, indexes.err)
      assert.equal(count(indexes.out + indexes.err, /exception|corrupt|mismatch/gi), 0)
    })
  })
}

test('quorum-state is one line of JSON in the fields of version 0', async () => {
  const state = JSON.parse(textOf(await metadataFiles(0), 'quorum-state'))
  assert.deepEqual(Object.keys(state), [
    'clusterId',
    'leaderId',
    'leaderEpoch',
    'votedId',
    'appliedOffset',
    'currentVoters',
    'data_version',
  ])
  assert.deepEqual(
    { ...state },
    { clusterId: '', leaderId: -1, leaderEpoch: 1, votedId: 1, appliedOffset: 0, currentVoters: [{ voterId: 1 }], data_version: 0 },
  )
})

/** @param {Map<string, Buffer>} files @param {string} name */
function textOf(files, name) {
  const content = files.get(name)
  assert.ok(content !== undefined)
  return content.toString()
}
