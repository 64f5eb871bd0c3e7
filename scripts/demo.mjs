// npm run demo: the main job, by itself. Three nodes as three processes on free ports and a folder that is removed at the end; kafkajs writes
// with an idempotent producer and acks=all, @platformatic/kafka reads along; in the middle the leader of a partition is killed (-9), later it
// comes back. In the end all is read again from the beginning and compared. The exit status says whether the promise held:
// everything acknowledged is there, once, in order, and every copy is in sync again.
//
// kafkajs reads in consumer groups only, which are not there yet: the reading is done by the other client's Consumer.fetch, without a group.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

const topic = 'demo'
const partitions = [0, 1, 2]
const beforeKillMs = 3000
const afterFailoverMs = 2000
const afterReturnMs = 1000
/** Whatever happens, it ends. */
const demoMaxMs = 60_000
const waitMaxMs = 20_000

if (process.env.ODRADEK_DIST === undefined) prepare()
// a fresh clone has these only now
const { Admin, Consumer } = await import('@platformatic/kafka')
const { default: kafkajs } = await import('kafkajs')
const dist = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))
const program = [join(dist, 'app', 'main.js'), join(dist, 'cli', 'main.js')].find((it) => existsSync(it)) ?? ''
/** @param {string} path */
const load = (path) => import(pathToFileURL(join(dist, path)).href)
const { layOut } = await load('cli/dev/layout.js')
const { NodeProcess } = await load('cli/dev/node-process.js')
const { prepareStorage } = await load('cli/dev/prepare-storage.js')
const { Story } = await load('cli/dev/story.js')

const folder = mkdtempSync(join(tmpdir(), 'odradek-demo-'))
const story = new Story((text) => process.stdout.write(text), process.stdout.isTTY === true)
const since = (start) => `${Math.round(performance.now() - start)} ms`

// ── nothing outlives this process ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @type {any[]} */
let nodes = []
let isEnding = false
process.on('exit', () => {
  isEnding = true
  for (const node of nodes) node.kill()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
process.on('uncaughtException', (error) => fail(error))
process.on('unhandledRejection', (error) => fail(error))
setTimeout(() => fail(new Error(`not done after ${demoMaxMs / 1000} s`)), demoMaxMs).unref()

/** @param {unknown} error @returns {never} */
function fail(error) {
  story.line(`\nThe demo did not get through: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  for (const { place } of nodes) story.line(`\n── the end of node ${place.id}'s log\n${readFileSync(place.logFile, 'utf8').slice(-1500)}`)
  return process.exit(1)
}

/** @param {string} what @param {() => unknown} probe */
async function until(what, probe) {
  const start = performance.now()
  for (;;) {
    const found = await Promise.resolve(probe()).catch(() => false)
    if (found) return found
    if (performance.now() - start > waitMaxMs) throw new Error(`not within ${waitMaxMs / 1000} s: ${what}`)
    await sleep(10)
  }
}

// ── the cluster ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })
}

/** Six ports, none of them where systems take the ports of outgoing connections from: one must be free again when its node comes back. */
async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 2700)
    const wanted = [0, 1, 2].flatMap((at) => [port + at, port + 1000 + at])
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return port
  }
}

async function startCluster() {
  const layout = layOut({ nodes: 3, port: await freePort(), data: join(folder, 'data'), memory: false, fresh: false, set: [] })
  prepareStorage(layout)
  nodes = layout.places.map(
    (place) =>
      new NodeProcess(place, program, {
        onEvent: (node, event) => isEnding || story.event(node.place.id, event),
        onExit: (node, { wanted, how }) => wanted || isEnding || fail(new Error(`node ${node.place.id} ended by itself: ${how}`)),
      }),
  )
  for (const node of nodes) node.start()
  await until('three nodes are ready', () => nodes.every((node) => node.state === 'running'))
  return layout
}

// ── writing: one record after the other to each partition ────────────────────────────────────────────────────────────────────────────────

class Writer {
  /** @param {string[]} brokers */
  constructor(brokers) {
    this.producer = new kafkajs.Kafka({
      clientId: 'demo-writer',
      brokers,
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 200 },
    }).producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    /** @type {{ at: number, values: number }[][]} per partition: when each record was acknowledged */
    this.acks = partitions.map(() => [])
    this.errors = 0
    this.goesOn = true
  }

  async start() {
    await this.producer.connect()
    this.done = Promise.all(partitions.map((partition) => this.write(partition)))
  }

  /** @param {number} partition */
  async write(partition) {
    for (let n = 0; this.goesOn; n += 1) {
      try {
        await this.producer.send({ topic, acks: -1, messages: [{ partition, value: String(n) }] })
        this.acks[partition]?.push({ at: performance.now(), values: n })
      } catch (error) {
        this.errors += 1
        story.note(
          `the producer gave record ${n} of partition ${partition} up: ${error instanceof Error ? error.message : String(error)}`,
          'red',
        )
      }
      await sleep(2)
    }
  }

  async stop() {
    this.goesOn = false
    await this.done
    await this.producer.disconnect()
  }

  /** @param {number} [from] acknowledgements since then */
  count(from = 0) {
    return this.acks.reduce((sum, acks) => sum + acks.filter(({ at }) => at >= from).length, 0)
  }

  /** The longest time without an acknowledgement of the partition, between two instants. */
  gapMs(partition, from, to) {
    const times = [from, ...(this.acks[partition] ?? []).map(({ at }) => at).filter((at) => at > from && at < to), to]
    return Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? at)))
  }
}

// ── reading, without a group ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

class Reader {
  /** @param {import('@platformatic/kafka').Admin} admin @param {string[]} brokers @param {string} topicId @param {Map<number, number>} leaders partition → node, as known */
  constructor(admin, brokers, topicId, leaders) {
    this.admin = admin
    this.brokers = brokers
    this.topicId = topicId
    this.leaders = leaders
    /** @type {number[][]} per partition, in the order of their offsets */
    this.values = partitions.map(() => [])
    this.goesOn = true
    this.done = Promise.all(partitions.map((partition) => this.follow(partition)))
  }

  /** @param {number} partition */
  async follow(partition) {
    const options = { clientId: 'demo-reader', bootstrapBrokers: this.brokers, retries: 0, timeout: 3000, connectTimeout: 1000 }
    const consumer = new Consumer({ ...options, groupId: 'none' })
    consumer.on('error', () => {})
    let offset = 0n
    while (this.goesOn) {
      try {
        offset = await this.readOnce(consumer, partition, offset)
      } catch {
        await sleep(20)
        await lookUp(this.admin, this.leaders).catch(() => {})
      }
    }
    await new Promise((done) => consumer.close(true, done))
  }

  /** @returns {Promise<bigint>} where to go on */
  async readOnce(consumer, partition, offset) {
    const wanted = { partition, currentLeaderEpoch: -1, fetchOffset: offset, lastFetchedEpoch: -1, partitionMaxBytes: 1_048_576 }
    const node = this.leaders.get(partition) ?? 1
    const topics = [{ topicId: this.topicId, partitions: [wanted] }]
    const answer = await consumer.fetch({ node, topics, maxWaitTime: 100, minBytes: 1 })
    for (const batch of answer.responses[0]?.partitions[0]?.records ?? []) {
      for (const record of batch.records) {
        const at = batch.firstOffset + BigInt(record.offsetDelta)
        // a fetch starts with the batch that holds the wanted offset
        if (at < offset) continue
        this.values[partition]?.push(Number(record.value.toString()))
        offset = at + 1n
      }
    }
    return offset
  }

  count() {
    return this.values.reduce((sum, values) => sum + values.length, 0)
  }

  async stop() {
    this.goesOn = false
    await this.done
  }
}

/** @param {import('@platformatic/kafka').Admin} admin */
async function describe(admin) {
  const found = (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)
  if (found === undefined) throw new Error(`${topic} is not known`)
  return found
}

/** @param {import('@platformatic/kafka').Admin} admin @param {Map<number, number>} leaders */
async function lookUp(admin, leaders) {
  const found = await describe(admin)
  for (const partition of partitions) leaders.set(partition, found.partitions[partition]?.leader ?? -1)
  return found
}

// ── what was promised ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param {Writer} writer @param {Reader} reader */
function compare(writer, reader) {
  const sums = { lost: 0, doubled: 0, disordered: 0 }
  for (const partition of partitions) {
    const read = reader.values[partition] ?? []
    const there = new Set(read)
    sums.lost += (writer.acks[partition] ?? []).filter(({ values }) => !there.has(values)).length
    sums.doubled += read.length - there.size
    sums.disordered += read.filter((value, i) => i > 0 && value < (read[i - 1] ?? 0)).length
  }
  return sums
}

// ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const begin = performance.now()
story.note('starting three nodes')
const layout = await startCluster()
const brokers = layout.bootstrap.split(',')
story.note(`ready in ${since(begin)}: ${layout.bootstrap}`)

const admin = new Admin({
  clientId: 'demo-admin',
  bootstrapBrokers: brokers,
  retries: 3,
  retryDelay: 50,
  timeout: 3000,
  connectTimeout: 1000,
})
admin.on('error', () => {})
await admin.createTopics({ topics: [topic], partitions: partitions.length, replicas: 3 })
/** @type {Map<number, number>} */
const leaders = new Map()
const isInSync = async () =>
  (await lookUp(admin, leaders)).partitions.every(
    (it) => it !== undefined && it.leader > 0 && it.isr.length === 3 && it.replicas.length === 3,
  )
await until('all copies are in sync', isInSync)
story.note(`topic ${topic}: ${partitions.length} partitions, 3 copies of each, min.insync.replicas 2`)

const writer = new Writer(brokers)
await writer.start()
const reader = new Reader(admin, brokers, (await describe(admin)).id, leaders)
story.note('kafkajs writes (idempotent, acks=all), @platformatic/kafka reads along')
await sleep(beforeKillMs)
story.note(`${writer.count()} acknowledged, ${reader.count()} read`)

await lookUp(admin, leaders)
const victim = nodes[(leaders.get(0) ?? 1) - 1]
const led = partitions.filter((partition) => leaders.get(partition) === victim.place.id)
const killed = performance.now()
story.note(`kill -9 node ${victim.place.id}, the leader of ${led.map((it) => `${topic}-${it}`).join(', ')}`, 'red')
victim.kill()
await until('writing goes on without it', () => led.every((it) => (writer.acks[it]?.at(-1)?.at ?? 0) > killed + 50))
story.note(`acknowledged again ${since(killed)} after the kill`, 'green')
await sleep(afterFailoverMs)

await until('the killed process is gone', () => victim.state === 'down')
const returned = performance.now()
story.note(`node ${victim.place.id} starts again; ${writer.count(killed)} records were acknowledged without it`)
victim.start()
await until('all copies are in sync again', isInSync)
const inSyncMs = Math.round(performance.now() - returned)
story.note(`all copies are in sync again, ${inSyncMs} ms after the start`, 'green')
await sleep(afterReturnMs)

const stopped = performance.now()
await writer.stop()
await until('what was acknowledged is read', () => reader.count() >= writer.count())
await reader.stop()
story.note('reading everything again from the beginning')
const again = new Reader(admin, brokers, reader.topicId, leaders)
await until('the same is read again', () => again.count() >= reader.count())
await again.stop()
await admin.close()

const live = compare(writer, reader)
const sums = compare(writer, again)
const gap = Math.max(...led.map((partition) => writer.gapMs(partition, killed, returned)))
const held = [live, sums].every(({ lost, doubled, disordered }) => lost + doubled + disordered === 0) && writer.errors === 0
isEnding = true
await Promise.all(nodes.map((node) => node.stop()))
layout.release()

story.line(`
  acknowledged        ${writer.count()} records in ${((stopped - begin) / 1000).toFixed(1)} s
  read along          ${reader.count()}   lost ${live.lost}, doubled ${live.doubled}, out of order ${live.disordered}
  read again          ${again.count()}   lost ${sums.lost}, doubled ${sums.doubled}, out of order ${sums.disordered}
  producer errors     ${writer.errors}
  gap                 ${gap.toFixed(0)} ms without an acknowledgement of the killed leader's partitions (the client's retries included)
  back in sync        ${inSyncMs} ms after the killed node was started again

${story.paint(held ? 'green' : 'red', held ? 'The promise held: everything acknowledged is there, once, in order.' : 'THE PROMISE DID NOT HOLD.')}  (${since(begin)})`)
process.exit(held ? 0 : 1)
