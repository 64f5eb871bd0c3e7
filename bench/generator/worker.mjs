// The generator's process: a plan on stdin, lines of JSON on stdout: { event: 'measuring' } when the measured time begins, { event: 'measured' } when it
// ends, { event: 'result', … } when the last answers are in, or { event: 'failed', why }.
import { performance } from 'node:perf_hooks'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../test/rig/wire.mjs'
import { open } from './connection.mjs'
import { FetchConnection, Fetches } from './fetch.mjs'
import { PreparedPartition } from './frames.mjs'
import { shareOut } from './plan.mjs'
import { ProduceConnection, Tally } from './produce.mjs'

const tickMs = 1
const drainMs = 30_000
const answerBytes = 16 * 1024
const recordsBytes = 512 * 1024
const now = () => performance.now()

/** @param {object} line */
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** @param {unknown} error */
function fail(error) {
  tell({ event: 'failed', why: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}

let over = false

/** @param {number} port @param {{ socket: unknown, onFrame(frame: Buffer): void }} connection @param {number} receiveBytes */
async function wire(port, connection, receiveBytes) {
  const onEnd = (/** @type {Error} */ error) => {
    if (!over) fail(error)
  }
  const onFrame = (/** @type {Buffer} */ frame) => connection.onFrame(frame)
  connection.socket = await open(port, { receiveBytes, onFrame, onEnd })
}

/** @param {number} port */
async function newProducer(port) {
  const client = await connect(port)
  const answer = await client.call('initProducerId', 0, { transactionalId: null, transactionTimeoutMs: 0 })
  client.close()
  if (answer.errorCode !== 0) throw new Error(`InitProducerId: error ${answer.errorCode}`)
  return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
}

/** @param {import('./plan.mjs').ProducePlan} plan @param {Tally} tally */
async function producers(plan, tally) {
  const shares = shareOut(plan.led, plan.connections)
  /** @type {Map<number, PreparedPartition>} */
  const prepared = new Map()
  /** Without a producer id all connections send the same bytes. @param {number} partition */
  const shared = (partition) => {
    const found = prepared.get(partition) ?? new PreparedPartition(plan.topic, partition, plan.content)
    prepared.set(partition, found)
    return found
  }
  const everyMs = plan.ratePerSecond === 0 ? 0 : (1000 * shares.length) / plan.ratePerSecond
  const made = []
  for (const { port, partitions } of shares) {
    const producer = plan.idempotent ? await newProducer(port) : undefined
    const mine = partitions.map((it) =>
      producer === undefined ? shared(it) : new PreparedPartition(plan.topic, it, plan.content, producer),
    )
    made.push({ port, mine })
  }
  const begin = now() + 100
  const connections = made.map(({ port, mine }, index) => {
    const pace = { firstDueAt: begin + (everyMs * index) / made.length, everyMs }
    return { port, loop: new ProduceConnection({ topic: plan.topic, partitions: mine, window: plan.window, pace, tally, now }) }
  })
  for (const { port, loop } of connections) await wire(port, loop, answerBytes)
  return connections.map(({ loop }) => loop)
}

/** Waits while it pumps what is due. @param {readonly ProduceConnection[]} loops @param {number} untilMs @param {() => boolean} [isDone] */
async function run(loops, untilMs, isDone = () => false) {
  while (now() < untilMs && !isDone()) {
    for (const loop of loops) loop.pump()
    await sleep(tickMs)
  }
}

/** @param {import('./plan.mjs').ProducePlan} plan */
async function produce(plan) {
  const tally = new Tally(plan.ratePerSecond > 0)
  const loops = await producers(plan, tally)
  await run(loops, now() + plan.warmUpSeconds * 1000)
  const cpu = process.cpuUsage()
  tally.fromMs = now()
  tally.untilMs = tally.fromMs + plan.seconds * 1000
  tell({ event: 'measuring' })
  await run(loops, tally.untilMs, () => tally.records * plan.content.recordSize >= plan.bytesMax)
  tally.untilMs = Math.min(tally.untilMs, now())
  const seconds = (tally.untilMs - tally.fromMs) / 1000
  const { user, system } = process.cpuUsage(cpu)
  tell({ event: 'measured' })
  if (plan.ratePerSecond === 0) for (const loop of loops) loop.stop()
  await run(loops, now() + drainMs, () => loops.every((loop) => loop.isDone))
  for (const loop of loops) loop.giveUp()
  const { requests, records, errors, latency, lateness } = tally
  const bytes = records * plan.content.recordSize
  return {
    seconds,
    requests,
    records,
    bytes,
    errors,
    latency: latency.toJSON(),
    lateness: lateness.toJSON(),
    cpuSeconds: (user + system) / 1e6,
  }
}

/** Where a partition begins (-2) or ends (-1). @param {string} topic @param {import('./plan.mjs').Led[]} led @param {-1 | -2} timestamp */
async function offsets(topic, led, timestamp) {
  /** @type {Map<number, number>} */
  const found = new Map()
  for (const port of new Set(led.map((it) => it.port))) {
    const client = await connect(port)
    const partitions = led.filter((it) => it.port === port).map(({ partition }) => ({ partitionIndex: partition, timestamp }))
    const answer = await client.call('listOffsets', 2, { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] })
    client.close()
    for (const { partitionIndex, errorCode, offset } of answer.topics[0].partitions) {
      if (errorCode !== 0) throw new Error(`ListOffsets of ${topic}-${partitionIndex}: error ${errorCode}`)
      found.set(partitionIndex, offset)
    }
  }
  return found
}

/** @param {import('./plan.mjs').FetchPlan} plan @param {Fetches} fetches */
async function consumers(plan, fetches) {
  const ends = await offsets(plan.topic, [...plan.led], -1)
  const begins = plan.from === 'tail' ? ends : await offsets(plan.topic, [...plan.led], -2)
  const loops = []
  for (const { port, partitions } of shareOut(plan.led, plan.connections)) {
    const positions = partitions.map((partition) => ({
      partition,
      offset: begins.get(partition) ?? 0,
      endOffset: plan.from === 'tail' ? Number.POSITIVE_INFINITY : (ends.get(partition) ?? 0),
    }))
    const loop = new FetchConnection({ topic: plan.topic, positions, limits: plan.limits, fetches })
    await wire(port, loop, recordsBytes)
    loops.push(loop)
  }
  return loops
}

/** @param {import('./plan.mjs').FetchPlan} plan */
async function fetch(plan) {
  const fetches = new Fetches()
  const loops = await consumers(plan, fetches)
  for (const loop of loops) loop.ask()
  await sleep(plan.warmUpSeconds * 1000)
  const cpu = process.cpuUsage()
  const from = { ms: now(), requests: fetches.requests, records: fetches.records, bytes: fetches.bytes }
  tell({ event: 'measuring' })
  const untilMs = from.ms + plan.seconds * 1000
  while (now() < untilMs && !loops.every((loop) => loop.isDone)) await sleep(tickMs)
  const seconds = (now() - from.ms) / 1000
  const { user, system } = process.cpuUsage(cpu)
  tell({ event: 'measured' })
  const { requests, records, bytes, errors } = fetches
  for (const loop of loops) loop.stop()
  return {
    seconds,
    requests: requests - from.requests,
    records: records - from.records,
    bytes: bytes - from.bytes,
    errors,
    complete: loops.every((loop) => loop.isDone),
    cpuSeconds: (user + system) / 1e6,
  }
}

try {
  /** @type {import('./plan.mjs').Plan} */
  const plan = JSON.parse(await text(process.stdin))
  const result = await (plan.kind === 'produce' ? produce(plan) : fetch(plan))
  over = true
  tell({ event: 'result', ...result })
  process.stdout.write('', () => process.exit(0))
} catch (error) {
  fail(error)
}
