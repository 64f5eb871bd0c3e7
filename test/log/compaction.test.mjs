// The same log, compacted by Apache Kafka and by us, holds the same records; what we make of it passes Kafka's DumpLogSegments. A partition is written by our
// log (every codec, idempotent producers, transactions that commit and abort), put into a Kafka broker's log directory, and cleaned there by Kafka's LogCleaner,
// once as it is and again after each of some produced batches, so that tombstones and markers outlive their horizon; the same on our side. Needs Kafka's jars and Java.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { batchHeader, buildBatch, dist, ErrorCode } from '../rig/build.mjs'
import { startCluster, temporaryFolder, until } from '../rig/cluster.mjs'
import { jarsFolder, log4j, without } from '../rig/peers.mjs'
import { removeFolder } from '../rig/processes.mjs'
import { ask } from '../rig/wire.mjs'

/** @param {string} module */
const ours = (module) => import(pathToFileURL(join(dist, `${module}.js`)).href)
const { SystemDisk } = await ours('node/disk')
const { PartitionLog } = await ours('log/partition-log')
const { OpenFiles } = await ours('log/open-files')
const { TailBudget } = await ours('log/tail')
const { defaultLogConfig } = await ours('log/log-config')
const { CleanerThrottle } = await ours('log/compaction/cleaning-run')
const { controlKey } = await ours('protocol/records/control-batches')
const { decodeRecords } = await ours('protocol/records/records')
const { Prng } = await ours('base/prng')

const segmentBytes = 4000
const deleteRetentionMs = 1500
const topicId = 'AbCdEfGhIjKlMnOpQrStUv'

const clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
  /** @param {number} delay @param {() => void} run */
  after: (delay, run) => {
    const timer = setTimeout(run, delay)
    return { cancel: () => clearTimeout(timer) }
  },
  /** @param {() => void} run */
  endOfTurn: (run) => queueMicrotask(run),
}

/** @param {string} folder @param {object} [config] */
function openLog(folder, config = {}) {
  const disk = new SystemDisk()
  return PartitionLog.open(
    { clock: clock, disk, log: { write: () => undefined } },
    {
      directory: join(folder, 't-0'),
      topic: 't',
      partition: 0,
      topicId,
      config: {
        ...defaultLogConfig,
        segmentBytes,
        indexIntervalBytes: 500,
        cleanupCompact: true,
        cleanupDelete: false,
        deleteRetentionMs,
        ...config,
      },
      recoveryPoint: 0,
      logStartOffset: 0,
      cleanShutdown: false,
      shared: { files: new OpenFiles(disk, 50), tail: new TailBudget({ tailBytesMax: 0, tailBytesPerLogMax: 0 }) },
      producerIdExpirationMs: 86_400_000,
      onCorruption: 'refuse',
    },
  )
}

/** @param {any} log @param {object} [means] */
async function clean(log, means = {}) {
  const outcome = await log.clean(
    {
      dedupeBytesMax: 1 << 24,
      loadFactor: 0.9,
      ioBufferBytes: 262_144,
      throttle: new CleanerThrottle(clock),
      bytesPerSecondMax: Infinity,
      hashSecret: Buffer.alloc(16, 1),
      isStopped: () => false,
      ...means,
    },
    log.logEndOffset,
    Date.now(),
  )
  assert.equal(outcome.kind, 'cleaned', String(outcome.error))
  return outcome
}

/** Random batches, and at the end a segment of one batch that grows. @param {any} log @param {number} seed */
function writeStory(log, seed) {
  const prng = new Prng(seed)
  const open = new Set()
  const sequences = new Map()
  const now = Date.now()
  const append = (options, records) => {
    const outcome = log.appendAsLeader(buildBatch({ timestamp: now, ...options }, records), 0, now)
    assert.equal(outcome.kind, 'appended', outcome.message)
  }
  const end = (producerId) => {
    const options = { producerId, producerEpoch: 0, isTransactional: true, isControl: true }
    append(options, [{ key: controlKey(prng.pick(['ABORT', 'COMMIT'])), value: Buffer.alloc(6) }])
    open.delete(producerId)
  }
  for (let i = 0; i < 300; i += 1) {
    const records = Array.from({ length: prng.between(1, 6) }, (_, n) => {
      const key = Buffer.from(`k${prng.below(40)}`)
      const value = prng.chance(0.2) ? null : Buffer.from(`value ${i} ${n} ${'x'.repeat(prng.below(60))}`)
      return { key, value, timestamp: now + prng.below(1000), headers: prng.chance(0.2) ? [{ key: 'h', value: Buffer.from('v') }] : [] }
    })
    const codec = prng.pick(['none', 'gzip', 'snappy', 'lz4'])
    const producerId = prng.pick([null, null, 1000, 1001, 2000, 2001, 2002])
    if (producerId === null) append({ codec }, records)
    else {
      const baseSequence = sequences.get(producerId) ?? 0
      append({ codec, producerId, producerEpoch: 0, baseSequence, isTransactional: producerId >= 2000 }, records)
      sequences.set(producerId, baseSequence + records.length)
      if (producerId >= 2000) open.add(producerId)
    }
    for (const id of [...open]) if (prng.chance(0.15)) end(id)
  }
  for (const id of [...open]) end(id)
  log.roll(now)
  append({}, [{ key: Buffer.from('active'), value: Buffer.from('0') }])
}

/** A batch that makes a segment of its own, whatever comes before it. @param {number} round */
function trigger(round) {
  const values =
    round === 1
      ? [
          ['k1', 'one'],
          ['k2', null],
          ['k3', 'three'],
        ]
      : [[`k${round + 3}`, `round ${round}`]]
  const records = values.map(([key, value]) => ({ key: Buffer.from(key ?? ''), value: value === null ? null : Buffer.from(value ?? '') }))
  return buildBatch({ timestamp: Date.now() }, [...records, { key: Buffer.from('filling'), value: Buffer.alloc(segmentBytes - 170, 'f') }])
}

/** Every record of every segment in a folder, markers by their type; and the batches that have any. @param {string} folder */
function contentOf(folder) {
  const records = []
  const batches = []
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.log')) continue
    const bytes = readFileSync(join(folder, name))
    for (const { at, header } of batchHeader.batchHeaders(bytes)) {
      assert.ok(batchHeader.batchCrcIsValid(bytes, at, header.sizeBytes))
      if (header.recordCount === 0) continue
      batches.push(
        `${header.baseOffset}-${header.lastOffset} ${header.codec} ${header.hasDeleteHorizon} ${header.maxTimestamp} ${header.baseSequence}`,
      )
      for (const { offset, timestamp, key, value, headers } of decodeRecords(bytes, at)) {
        const what = header.isControl ? `marker ${key?.readInt16BE(2)}` : `${key?.toString()}=${value?.toString().slice(0, 60)}`
        records.push(`${offset} ${timestamp} ${what} ${headers.length}`)
      }
    }
  }
  return { records, batches }
}

/** @param {string} folder */
function dumpLog(folder) {
  const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${log4j('log4j2.yaml')}`]
  const run = (/** @type {string[]} */ ...args) => {
    const command = [...jvm, '-cp', join(jarsFolder(), '*'), 'org.apache.kafka.tools.DumpLogSegments', ...args]
    const { status, stdout, stderr } = spawnSync('java', command, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
    assert.equal(status, 0, stderr)
    const complaints = (stdout + stderr).match(/exception|corrupt|mismatch|out of order|isvalid: false|Found timestamp|not found|failed/gi)
    assert.deepEqual(complaints, null, (stdout + stderr).slice(0, 3000))
    return stdout
  }
  const paths = (/** @type {RegExp} */ pattern) =>
    readdirSync(folder)
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name))
      .join(',')
  run('--index-sanity-check', '--files', paths(/\.(time)?index$/))
  run('--verify-index-only', '--files', paths(/\.(time)?index$/))
  return run('--deep-iteration', '--print-data-log', '--files', paths(/\.log$/))
}

/** A broker with a compacted topic whose only partition is our log in `source`. @param {string} source */
async function kafkaWith(source) {
  const properties = {
    'log.cleaner.backoff.ms': 100,
    'log.cleaner.dedupe.buffer.size': 2_097_152,
    'log.cleaner.min.cleanable.ratio': 0.0001,
    'transaction.partition.verification.enable': 'false',
  }
  const cluster = await startCluster({ nodes: 1, kind: 'kafka', properties })
  const configs = {
    'cleanup.policy': 'compact',
    'internal.segment.bytes': segmentBytes,
    'delete.retention.ms': deleteRetentionMs,
    'index.interval.bytes': 500,
  }
  const list = Object.entries(configs).map(([name, value]) => ({ name, value: String(value) }))
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: list }
  const created = await cluster.ask('createTopics', 7, { topics: [topic], timeoutMs: 10_000 })
  assert.equal(created.topics[0].errorCode, ErrorCode.NONE, created.topics[0].errorMessage)
  const data = join(cluster.folder, 'data-1')
  const folder = join(data, 't-0')
  await until('the partition has its folder', () => Promise.resolve(existsSync(join(folder, 'partition.metadata'))))
  const [node] = cluster.nodes
  assert.ok(node !== undefined)
  node.kill('SIGKILL')
  await node.waitDown()
  for (const name of readdirSync(folder)) if (name !== 'partition.metadata') rmSync(join(folder, name))
  for (const name of readdirSync(source))
    if (/\.(log|index|timeindex)$|^leader-epoch/.test(name)) cpSync(join(source, name), join(folder, name))
  return { cluster, node, data, folder }
}

/** How far Kafka's cleaner has come. @param {string} data */
function cleanedBelow(data) {
  const path = join(data, 'cleaner-offset-checkpoint')
  return existsSync(path) ? Number(/^t 0 (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? -1) : -1
}

test(
  "a log compacted by Kafka and by us holds the same records, round after round, and Kafka's dump-log reads ours",
  { skip: without('java') },
  async (t) => {
    const folder = temporaryFolder('compaction')
    const log = await openLog(folder)
    writeStory(log, 11)
    const { cluster, node, data, folder: theirs } = await kafkaWith(join(folder, 't-0'))
    try {
      await node.restart()
      for (let round = 0; round < 4; round += 1) {
        if (round > 0) {
          await sleep(deleteRetentionMs + 500)
          const batch = trigger(round)
          const leader = await cluster.leaderOf('t')
          const body = { acks: -1, timeoutMs: 5000, topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.from(batch) }] }] }
          const answer = await ask(leader.port, 'produce', 12, body, 10_000)
          assert.equal(answer.responses[0].partitionResponses[0].errorCode, ErrorCode.NONE)
          assert.equal(log.appendAsLeader(batch, 1, Date.now()).kind, 'appended')
        }
        const done = await clean(log)
        await until(`Kafka has cleaned below ${done.cleanedOffset}`, () => Promise.resolve(cleanedBelow(data) === done.cleanedOffset), {
          timeoutMs: 60_000,
        })
        const [mine, other] = [contentOf(join(folder, 't-0')), contentOf(theirs)]
        assert.deepEqual(mine.records, other.records, `records after round ${round}`)
        assert.deepEqual(mine.batches, other.batches, `batches after round ${round}`)
        t.diagnostic(`round ${round}: ${mine.records.length} records in ${mine.batches.length} batches, ${log.sizeBytes} bytes`)
      }
      assert.match(dumpLog(join(folder, 't-0')), new RegExp(`lastOffset: ${log.logEndOffset - 1} `))
    } catch (error) {
      t.diagnostic(node.logTail())
      throw error
    } finally {
      await cluster.stop()
      await log.close()
      removeFolder(folder)
    }
  },
)

test('1,000,000 commits of 100 keys become a few KiB, and the event loop is never held up for long', async (t) => {
  const folder = temporaryFolder('compaction')
  try {
    const log = await openLog(folder, { segmentBytes: 16 * 1024 * 1024, indexIntervalBytes: 4096 })
    const records = Array.from({ length: 100 }, (_, i) => ({
      key: Buffer.from(`offset-commit of group-${i} topic t partition 0`),
      value: Buffer.alloc(30, i),
    }))
    const template = buildBatch({ timestamp: Date.now() }, records)
    for (let i = 0; i < 10_000; i += 1) {
      assert.equal(log.appendAsLeader(Buffer.from(template), 0, Date.now()).kind, 'appended')
      if (i % 100 === 0) await sleep(0)
    }
    log.roll(Date.now())
    const before = log.sizeBytes
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const started = performance.now()
    await clean(log)
    const ms = performance.now() - started
    delay.disable()
    t.diagnostic(
      `${before} bytes became ${log.sizeBytes} in ${Math.round(ms)} ms; the loop stood still for ${(delay.max / 1e6).toFixed(1)} ms at most, ${(delay.percentile(99) / 1e6).toFixed(1)} ms at the 99th percentile`,
    )
    assert.ok(log.sizeBytes < 16 * 1024, `${log.sizeBytes} bytes`)
    assert.equal(log.logEndOffset, 1_000_000)
    assert.ok(delay.max / 1e6 < 100, `${delay.max / 1e6} ms`)
    await log.close()
  } finally {
    removeFolder(folder)
  }
})
