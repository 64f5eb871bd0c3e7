// The files of a partition as we write them, read by Kafka's own DumpLogSegments: segments, both indexes, producer snapshots; after a roll, a
// truncation, a clean close, and as a killed process leaves them. Needs Kafka's jars and Java.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { jarsFolder, log4j, root, without } from '../rig/peers.mjs'

const dist = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))
/** @param {string} module */
const ours = (module) => import(pathToFileURL(join(dist, `${module}.js`)).href)

/** @param {...string} args */
function dumpLog(...args) {
  const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${log4j('log4j2.yaml')}`]
  const command = [...jvm, '-cp', join(jarsFolder(), '*'), 'org.apache.kafka.tools.DumpLogSegments', ...args]
  const { status, stdout, stderr } = spawnSync('java', command, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
  assert.equal(status, 0, stderr)
  return stdout + stderr
}

const clock = {
  mono: () => 0,
  wall: () => 1_760_000_000_000,
  after: (_delay, run) => {
    const timer = setImmediate(() => run())
    return { cancel: () => clearImmediate(timer) }
  },
  endOfTurn: (run) => queueMicrotask(run),
}

/** A log in `folder`/t-0 with many kinds of batches. @param {string} folder */
async function writeLog(folder) {
  const { SystemDisk } = await ours('node/disk')
  const { PartitionLog } = await ours('log/partition-log')
  const { OpenFiles } = await ours('log/open-files')
  const { TailBudget } = await ours('log/tail')
  const { defaultLogConfig } = await ours('log/log-config')
  const { buildBatch } = await ours('protocol/records/batch-builder')
  const disk = new SystemDisk()
  const log = await PartitionLog.open(
    { clock, disk, log: { write: () => undefined } },
    {
      directory: join(folder, 't-0'),
      topic: 't',
      partition: 0,
      topicId: 'AbCdEfGhIjKlMnOpQrStUv',
      config: { ...defaultLogConfig, segmentBytes: 100_000, indexIntervalBytes: 1000 },
      recoveryPoint: 0,
      logStartOffset: 0,
      cleanShutdown: false,
      shared: { files: new OpenFiles(disk, 20), tail: new TailBudget({ tailBytesMax: 1e6, tailBytesPerLogMax: 1e6 }) },
      producerIdExpirationMs: 86_400_000,
      onCorruption: 'refuse',
    },
  )
  const value = Buffer.alloc(100, 'v')
  const codecs = ['none', 'gzip', 'snappy', 'lz4']
  const sequences = new Map()
  for (let i = 0; i < 2000; i += 1) {
    // Timestamps that mostly rise, but not always.
    const timestamp = 1_750_000_000_000 + i * 10 - (i % 7 === 0 ? 500 : 0)
    const records = Array.from({ length: 1 + (i % 4) }, (_, n) => ({ key: Buffer.from(`k${n}`), value, timestamp: timestamp + n }))
    const producerId = i % 3 === 0 ? 1000 + (i % 5) : undefined
    const baseSequence = sequences.get(producerId) ?? 0
    const idempotent = producerId === undefined ? {} : { producerId, producerEpoch: 0, baseSequence }
    const outcome = log.appendAsLeader(
      buildBatch({ timestamp, codec: codecs[i % 4], ...idempotent }, records),
      Math.floor(i / 300),
      timestamp,
    )
    assert.equal(outcome.kind, 'appended')
    if (producerId !== undefined) sequences.set(producerId, baseSequence + records.length)
    if (i === 1200) {
      log.truncateTo(log.logEndOffset - 300)
      sequences.clear()
      for (const { producerId, lastSequence } of log.describeProducers()) sequences.set(producerId, lastSequence + 1)
    }
  }
  return log
}

/** @param {string} folder @param {number} logEndOffset */
function checkWithKafka(folder, logEndOffset) {
  const names = readdirSync(folder).sort()
  const paths = (suffix) => names.filter((name) => name.endsWith(suffix)).map((name) => join(folder, name))
  const complaints = /exception|corrupt|mismatch|out of order|isvalid: false|Found timestamp|not found|failed/gi
  const logs = dumpLog('--deep-iteration', '--print-data-log', '--files', paths('.log').join(','))
  assert.deepEqual(logs.match(complaints), null, logs.slice(0, 2000))
  const last = [...logs.matchAll(/lastOffset: (\d+)/g)].at(-1)
  assert.equal(Number(last?.[1]) + 1, logEndOffset)
  // Both checks of an index: against its own rules, and entry by entry against the segment.
  for (const flag of ['--index-sanity-check', '--verify-index-only']) {
    const indexes = dumpLog(flag, '--files', [...paths('.index'), ...paths('.timeindex')].join(','))
    assert.deepEqual(
      indexes.match(/exception|corrupt|mismatch|out of order|Found timestamp|not found|failed/gi),
      null,
      indexes.slice(0, 3000),
    )
  }
  const snapshots = dumpLog('--files', paths('.snapshot').join(','))
  assert.deepEqual(snapshots.match(complaints), null)
  return { logs: paths('.log').length, indexes: paths('.index').length, snapshots: (snapshots.match(/producerId: /g) ?? []).length }
}

const needs = { skip: without('java') }

test("Kafka's dump-log reads a cleanly closed partition without complaint", needs, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-log-'))
  try {
    const log = await writeLog(folder)
    const end = log.logEndOffset
    await log.close()
    const seen = checkWithKafka(join(folder, 't-0'), end)
    assert.ok(seen.logs >= 3 && seen.indexes === seen.logs && seen.snapshots > 0, JSON.stringify(seen))
    assert.match(readFileSync(join(folder, 't-0', 'leader-epoch-checkpoint'), 'utf8'), /^0\n7\n0 0\n/)
    assert.equal(readFileSync(join(folder, 't-0', 'partition.metadata'), 'utf8'), 'version: 0\ntopic_id: AbCdEfGhIjKlMnOpQrStUv')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test("Kafka's dump-log reads what a killed process leaves without complaint", needs, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-log-'))
  try {
    const log = await writeLog(folder)
    checkWithKafka(join(folder, 't-0'), log.logEndOffset)
    log.abandon()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
