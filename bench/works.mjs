// The work behind each tool that a case may name. A work gets a running cluster and gives one figure, and what else it saw. Every work makes topics of
// its own and removes them, so that no case reads what another has left; the topic of 1,000 partitions is kept for those that come after.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generate } from './generator/generator.mjs'
import { consumerFigures, consumerPerf, endToEnd, endToEndFigures, producerFigures, producerPerf, runTool } from './java.mjs'
import { dropFromMemory } from './machine.mjs'
import { Meter } from './meter.mjs'

/** @typedef {import('./subject.mjs').Subject} Subject */
/** @typedef {import('./generator/plan.mjs').ProducePlan} ProducePlan */
/** @typedef {import('./generator/generator.mjs').Load} Load */
/** @typedef {{ value: number, details: Record<string, unknown> }} Outcome */
/** @typedef {{ subject: Subject, settings: Record<string, any>, unit: string, amount: number, scale: number }} Job `amount`: records, or seconds; `scale` of what is prepared */

const million = 1e6
const warmUpSeconds = 2
const partitionsOfJava = 6
/** At most so many bytes of values in one raw case, three times that on disk. */
const bytesMax = 4e9
const limits = { maxWaitMs: 500, maxBytes: 52_428_800, partitionMaxBytes: 1_048_576 }
const many = 'bench-many'

/** @template T @param {Subject} subject @param {number} partitions @param {(topic: string) => Promise<T>} work @returns {Promise<T>} */
async function withTopic(subject, partitions, work) {
  const topic = await subject.topic(partitions)
  try {
    return await work(topic)
  } finally {
    await subject.remove(topic)
  }
}

/** The topic of many partitions, which stays. @param {Subject} subject @param {number} partitions */
async function manyPartitions(subject, partitions) {
  if (!(await subject.hasLeaders(many).catch(() => false))) await subject.topic(partitions, many)
  return many
}

/** What the brokers took, per produced or fetched MB where that means something. @param {Meter} meter @param {number} bytes */
function cost(meter, bytes) {
  const perMB = (/** @type {number} */ value) => Number((value / (bytes / million)).toFixed(3))
  return {
    cpuMsPerMB: perMB(meter.sum('cpuSeconds') * 1000),
    callBytesPerByte: perMB((meter.sum('readBytes') + meter.sum('writtenBytes')) / million),
    rssMiB: Math.round(meter.sum('rssMiB')),
    nodes: meter.spent,
  }
}

/** @param {Load} load */
function checked(load) {
  const codes = Object.entries(load.errors)
  if (codes.length > 0)
    throw new Error(`answers with errors (code: times): ${codes.map(([code, times]) => `${code}: ${times}`).join(', ')}`)
  return load
}

/** @param {Subject} subject @param {string} topic @param {Record<string, any>} settings @param {number} seconds @returns {Promise<ProducePlan>} */
async function producePlan(subject, topic, settings, seconds) {
  const { connections = 3, window = 5, batchBytes, recordSize, codec = 'none', idempotent = false, ratePerSecond = 0 } = settings
  return {
    kind: 'produce',
    topic,
    led: await subject.led(topic),
    connections,
    window,
    content: { batchBytes, recordSize, codec },
    idempotent,
    ratePerSecond,
    warmUpSeconds: Math.min(warmUpSeconds, seconds),
    seconds,
    bytesMax,
  }
}

/** @param {Subject} subject @param {import('./generator/plan.mjs').Plan} plan */
async function metered(subject, plan) {
  const meter = new Meter(subject.pids)
  const load = checked(await generate(plan, { onMeasuring: () => meter.begin(), onMeasured: () => meter.end() }))
  return { load, meter }
}

/** @param {Load} load @param {Meter} meter */
function details({ errors: _none, ...load }, meter) {
  return { ...load, generatorCpu: load.cpuSeconds / load.seconds, brokers: cost(meter, load.bytes) }
}

/** @param {string} topic @param {Job} job */
async function load(topic, { subject, settings, amount }) {
  return metered(subject, await producePlan(subject, topic, settings, amount))
}

/** Fills a topic with so many megabytes of values, in batches of the settings. @param {string} topic @param {Job} job @param {number} bytes */
async function fill(topic, { subject, settings }, bytes) {
  const plan = await producePlan(subject, topic, { batchBytes: 128_000, ...settings, connections: 3, ratePerSecond: 0 }, 120)
  const made = checked(await generate({ ...plan, warmUpSeconds: 0, bytesMax: bytes }))
  if (made.bytes < bytes) throw new Error(`only ${Math.round(made.bytes / million)} MB were written in ${plan.seconds} s`)
}

/** A rate in the case's own unit. @param {string} unit @param {number} recordsPerSecond @param {number} recordSize */
const rate = (unit, recordsPerSecond, recordSize) => (unit === 'MB/s' ? (recordsPerSecond * recordSize) / million : recordsPerSecond)

const producerSettings = ['batch.size', 'linger.ms', 'compression.type']

/** A tenth of the records more, before what counts. @type {(job: Job) => Promise<Outcome>} */
function javaProduce({ subject, settings, unit, amount }) {
  const { recordSize, throughput = -1 } = settings
  const properties = producerSettings.filter((name) => name in settings).map((name) => `${name}=${settings[name]}`)
  const warmUp = Math.floor(amount / 10)
  return withTopic(subject, partitionsOfJava, async (topic) => {
    const meter = new Meter(subject.pids)
    const records = amount + warmUp
    const args = producerPerf({ bootstrap: subject.bootstrap, topic, records, warmUp, recordSize, throughput, properties })
    const figures = producerFigures(await runTool('producer-perf', args))
    meter.end()
    const value = unit === 'ms' ? figures.latency.p99 : rate(unit, figures.recordsPerSecond, recordSize)
    return { value, details: { ...figures, brokers: cost(meter, records * recordSize) } }
  })
}

/** @type {(job: Job) => Promise<Outcome>} */
function javaConsume(job) {
  const { subject, settings, unit, amount } = job
  return withTopic(subject, partitionsOfJava, async (topic) => {
    await fill(topic, job, amount * settings.recordSize)
    const meter = new Meter(subject.pids)
    const args = consumerPerf({ bootstrap: subject.bootstrap, topic, records: amount })
    const figures = consumerFigures(await runTool('consumer-perf', args))
    meter.end()
    if (figures.records < amount) throw new Error(`only ${figures.records} of ${amount} records came`)
    const brokers = cost(meter, figures.records * settings.recordSize)
    return { value: rate(unit, figures.recordsPerSecond, settings.recordSize), details: { ...figures, brokers } }
  })
}

/** @type {(job: Job) => Promise<Outcome>} */
function javaEndToEnd({ subject, settings, amount }) {
  return withTopic(subject, 1, async (topic) => {
    const args = endToEnd({ bootstrap: subject.bootstrap, topic, records: amount, recordSize: settings.recordSize })
    const figures = endToEndFigures(await runTool('end-to-end', args))
    return { value: figures.latency.p99, details: figures }
  })
}

/** @type {(job: Job) => Promise<Outcome>} */
function rawProduce(job) {
  return withTopic(job.subject, job.settings.partitions, async (topic) => {
    const { load: seen, meter } = await load(topic, job)
    return { value: rate(job.unit, seen.records / seen.seconds, job.settings.recordSize), details: details(seen, meter) }
  })
}

/** The best of several batch sizes. @type {(job: Job) => Promise<Outcome>} */
async function rawBest(job) {
  /** @type {{ batchBytes: number, value: number }[]} */
  const tried = []
  for (const batchBytes of job.settings.batches) {
    const { value } = await rawProduce({ ...job, settings: { ...job.settings, batchBytes } })
    tried.push({ batchBytes, value })
  }
  return { value: Math.max(...tried.map(({ value }) => value)), details: { tried } }
}

/** @type {(job: Job) => Promise<Outcome>} */
function rawLatency(job) {
  return withTopic(job.subject, job.settings.partitions, async (topic) => {
    const { load: seen, meter } = await load(topic, job)
    return { value: seen.latency.p99, details: details(seen, meter) }
  })
}

/** @type {(job: Job) => Promise<Outcome>} */
function rawCost(job) {
  return withTopic(job.subject, job.settings.partitions, async (topic) => {
    const { load: seen, meter } = await load(topic, job)
    return { value: (meter.sum('cpuSeconds') * 1000) / (seen.bytes / million), details: details(seen, meter) }
  })
}

/** @type {(job: Job) => Promise<Outcome>} */
function rawFetch(job) {
  const { subject, settings, amount } = job
  return withTopic(subject, settings.partitions, async (topic) => {
    await fill(topic, job, settings.megabytes * million * job.scale)
    const led = await subject.led(topic)
    const { load: seen, meter } = await metered(subject, {
      kind: 'fetch',
      topic,
      led,
      connections: 3,
      from: 'beginning',
      limits,
      warmUpSeconds: 0,
      seconds: amount,
    })
    return { value: seen.bytes / million / seen.seconds, details: details(seen, meter) }
  })
}

/** As much as comes, and at once: what was fetched in the time in which it was produced. @type {(job: Job) => Promise<Outcome>} */
function rawTail(job) {
  const { subject, settings, amount } = job
  return withTopic(subject, settings.partitions, async (topic) => {
    const plan = await producePlan(subject, topic, settings, amount)
    const fetch = generate({
      kind: 'fetch',
      topic,
      led: plan.led,
      connections: 3,
      from: 'tail',
      limits,
      warmUpSeconds: plan.warmUpSeconds,
      seconds: amount,
    })
    const [produced, fetched] = await Promise.all([metered(subject, plan), fetch])
    const value = checked(fetched).bytes / million / fetched.seconds
    const { load: seen, meter } = produced
    return { value, details: { ...details(seen, meter), produced: seen.bytes / million / seen.seconds } }
  })
}

/** The segments of a topic, on all nodes. @param {Subject} subject @param {string} topic */
function segments(subject, topic) {
  return subject.cluster.nodes.flatMap(({ id }) => {
    const folder = join(subject.cluster.folder, `data-${id}`)
    const partitions = readdirSync(folder).filter((name) => name.startsWith(`${topic}-`))
    return partitions.flatMap((name) =>
      readdirSync(join(folder, name))
        .filter((file) => file.endsWith('.log'))
        .map((file) => join(folder, name, file)),
    )
  })
}

/** @type {(job: Job) => Promise<Outcome>} */
function rawCold(job) {
  const { subject, settings, amount } = job
  return withTopic(subject, settings.partitions, (old) =>
    withTopic(subject, settings.partitions, async (fresh) => {
      await fill(old, job, settings.megabytes * million * job.scale)
      dropFromMemory(segments(subject, old))
      const plan = await producePlan(subject, fresh, { ...settings, batchBytes: 10_600 }, amount)
      const led = await subject.led(old)
      /** @type {Promise<Load> | undefined} */
      let reading
      const meter = new Meter(subject.pids)
      const read = () =>
        generate({ kind: 'fetch', topic: old, led, connections: 3, from: 'beginning', limits, warmUpSeconds: 0, seconds: amount })
      const produced = checked(
        await generate(plan, {
          onMeasuring: () => {
            meter.begin()
            reading = read()
            reading.catch(() => {}) // its failure is looked at below
          },
          onMeasured: () => meter.end(),
        }),
      )
      const cold = await reading
      if (cold === undefined) throw new Error('nothing was read')
      const readMB = checked(cold).bytes / million / cold.seconds
      return { value: produced.latency.p99, details: { ...details(produced, meter), readMBPerSecond: readMB, readAll: cold.complete } }
    }),
  )
}

/** The brokers' processor time for a record. @param {string} topic @param {Job} job */
async function costPerRecord(topic, job) {
  const { load: seen, meter } = await load(topic, job)
  return { microseconds: (meter.sum('cpuSeconds') * million) / seen.records, details: details(seen, meter) }
}

/** @type {(job: Job) => Promise<Outcome>} */
function rawConnections(job) {
  const { subject, settings } = job
  return withTopic(subject, settings.partitions, async (topic) => {
    const few = await costPerRecord(topic, { ...job, settings: { ...settings, connections: 3, window: 5 } })
    const crowd = await costPerRecord(topic, { ...job, settings: { ...settings, connections: settings.to, window: 1 } })
    return { value: crowd.microseconds / few.microseconds, details: { few, crowd } }
  })
}

/** What the first batch of a partition costs (its files, the start of its epoch) is no cost of a record. @param {string} topic @param {number} partitions @param {Job} job */
const touch = (topic, partitions, job) => fill(topic, job, 2 * partitions * job.settings.batchBytes)

/** As many connections and requests in flight with one partition as with all. @type {(job: Job) => Promise<Outcome>} */
async function rawPartitions(job) {
  const { subject, settings } = job
  const one = await withTopic(subject, 1, (topic) => costPerRecord(topic, job))
  const crowd = await manyPartitions(subject, settings.to)
  await touch(crowd, settings.to, job)
  const all = await costPerRecord(crowd, job)
  return { value: all.microseconds / one.microseconds, details: { one, all } }
}

/** @type {(job: Job) => Promise<Outcome>} */
async function idle({ subject, settings, amount }) {
  await manyPartitions(subject, settings.partitions)
  await sleep(Math.min(10, amount) * 1000)
  const meter = new Meter(subject.pids)
  await sleep(amount * 1000)
  meter.end()
  return { value: (100 * meter.sum('cpuSeconds')) / amount, details: { rssMiB: Math.round(meter.sum('rssMiB')), nodes: meter.spent } }
}

/** @type {(job: Job) => Promise<Outcome>} */
async function startUp({ subject, settings }) {
  const topic = await manyPartitions(subject, settings.partitions)
  const { stopSeconds, startSeconds } = await subject.restart(topic)
  return { value: startSeconds, details: { stopSeconds } }
}

export const works = {
  'producer-perf': javaProduce,
  'consumer-perf': javaConsume,
  'end-to-end': javaEndToEnd,
  'raw-produce': rawProduce,
  'raw-best': rawBest,
  'raw-latency': rawLatency,
  'raw-cost': rawCost,
  'raw-fetch': rawFetch,
  'raw-tail': rawTail,
  'raw-cold': rawCold,
  'raw-connections': rawConnections,
  'raw-partitions': rawPartitions,
  idle,
  'start-up': startUp,
}

/** Before the first case: a cold virtual machine is nobody's figure. @param {Subject} subject @param {number} seconds */
export async function warmUp(subject, seconds) {
  await withTopic(subject, partitionsOfJava, async (topic) => {
    const settings = { batchBytes: 16_000, recordSize: 1024 }
    checked(await generate({ ...(await producePlan(subject, topic, settings, seconds)), warmUpSeconds: 0 }))
    const led = await subject.led(topic)
    await generate({ kind: 'fetch', topic, led, connections: 3, from: 'beginning', limits, warmUpSeconds: 0, seconds })
  })
}
