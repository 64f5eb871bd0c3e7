// One story that members of every client live through: one reads alone, others come to share, one leaves, one crashes. Every record is
// delivered, in order, and each exactly once where members commit before they give anything up and crash only when all is committed.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import kafkajs from 'kafkajs'
import { until } from './cluster.mjs'
import { assertExactly, assertInOrder, partitionsOf } from './groups.mjs'
import { spawnBound } from './processes.mjs'
import { ask } from './wire.mjs'

/** @typedef {Awaited<ReturnType<typeof import('./cluster.mjs').startCluster>>} Cluster */
/** @typedef {{ name: string, records: import('./groups.mjs').Delivered[], assignment: string[], error?: string, close: () => Promise<void>, kill?: () => Promise<void> }} Teller */

/** What tests of other clients need of a cluster besides: topics, records, and what is committed. */
export class Stage {
  /** @param {Cluster} cluster */
  constructor(cluster) {
    this.cluster = cluster
    const kafka = new kafkajs.Kafka({ clientId: 'stage', brokers: cluster.bootstrapList, logLevel: kafkajs.logLevel.NOTHING })
    this.producer = kafka.producer({ idempotent: true, createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  }

  /** @param {string} name @param {number} numPartitions */
  async create(name, numPartitions) {
    const topics = [{ name, numPartitions, replicationFactor: this.cluster.nodes.length, assignments: [], configs: [] }]
    const { topics: made } = await this.cluster.ask('createTopics', 7, { topics, timeoutMs: 10_000, validateOnly: false })
    assert.equal(made[0].errorCode, 0)
    await this.cluster.waitInSync(name)
  }

  /** `count` records to each partition, valued `topic-0:0`, … as assertExactly wants them. */
  async send(topic, partitions, count, from = 0) {
    await this.producer.connect()
    const messages = Array.from({ length: partitions }, (_, partition) =>
      Array.from({ length: count }, (__, i) => ({ partition, value: `${topic}-${partition}:${from + i}` })),
    ).flat()
    await this.producer.send({ topic, acks: -1, messages })
  }

  /** The node and port of a group's coordinator. @param {string} group */
  coordinatorOf(group) {
    return until(`${group} has a coordinator`, async () => {
      const { coordinators } = await this.cluster.ask('findCoordinator', 4, { keyType: 0, coordinatorKeys: [group] })
      return coordinators[0].errorCode === 0 && coordinators[0]
    })
  }

  /** Partition → committed offset, of those that have one. @param {string} group @returns {Promise<Record<string, number>>} */
  async committed(group) {
    const { port } = await this.coordinatorOf(group)
    const answer = await ask(port, 'offsetFetch', 8, { groups: [{ groupId: group, topics: null }], requireStable: true })
    assert.equal(answer.groups[0].errorCode, 0)
    return Object.fromEntries(
      answer.groups[0].topics.flatMap(({ name, partitions }) =>
        partitions.map((it) => [`${name}-${it.partitionIndex}`, Number(it.committedOffset)]),
      ),
    )
  }

  /** Waits until every partition of a topic is committed up to `offset`. */
  waitCommitted(group, topic, partitions, offset) {
    return until(`${group} has committed ${offset} of each partition of ${topic}`, async () => {
      const committed = await this.committed(group)
      return partitionsOf(topic, partitions).every((name) => committed[name] === offset)
    })
  }

  close() {
    return this.producer.disconnect()
  }
}

/** A member in a process of its own that tells what happens to it in lines of JSON, and closes in order when its standard input ends. */
export class TellingProcess {
  /** @param {string} name @param {string[]} argv */
  constructor(name, argv) {
    this.name = name
    /** @type {import('./groups.mjs').Delivered[]} */
    this.records = []
    /** @type {string[]} */
    this.assignment = []
    /** @type {[string, string[]][]} */
    this.events = []
    /** @type {string | undefined} */
    this.error = undefined
    this.stderr = ''
    this.child = spawnBound(argv, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.gone = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(code ?? signal)))
    this.child.stdin?.on('error', () => {})
    this.child.stderr?.on('data', (chunk) => {
      this.stderr = (this.stderr + String(chunk)).slice(-20_000)
    })
    if (this.child.stdout !== null) createInterface({ input: this.child.stdout }).on('line', (line) => this.take(JSON.parse(line)))
    this.child.once('close', (code) => {
      if (code !== 0 && code !== null) this.error ??= `exit ${code}: ${this.stderr}`
    })
  }

  take(line) {
    if (line.records !== undefined) this.records.push(...line.records)
    if (line.owns !== undefined) this.assignment = line.owns
    if (line.error !== undefined) this.error = line.error
    for (const what of ['assigned', 'revoked', 'lost']) if (line[what] !== undefined) this.events.push([what, line[what]])
  }

  async close() {
    this.child.stdin?.end()
    await this.gone
    assert.equal(this.error, undefined, this.name)
  }

  async kill() {
    this.child.kill('SIGKILL')
    await this.gone
  }
}

/** Waits until the members own the topic's partitions between them, each its fair share. @param {Teller[]} members @param {string[]} partitions */
export function sharedBy(members, partitions) {
  const told = () => members.map(({ name, assignment, error }) => `${name}: ${assignment.join(' ')} ${error ?? ''}`).join('; ')
  return until(`${members.length} members share ${partitions.length} partitions`, () => {
    for (const { error } of members) if (error !== undefined) throw new Error(error)
    const sizes = members.map(({ assignment }) => assignment.length)
    const owned = members.flatMap(({ assignment }) => assignment)
    return owned.length === partitions.length && new Set(owned).size === owned.length && Math.max(...sizes) - Math.min(...sizes) <= 1
  }).catch((error) => {
    throw new Error(`${error.message}; ${told()}`, { cause: error })
  })
}

/** A member's records without those that it has had before. @param {Teller[]} members */
function firsts(members) {
  const had = new Set()
  const isNew = ([partition, offset]) => !had.has(`${partition}:${offset}`) && had.add(`${partition}:${offset}`)
  return members.map(({ name, records }) => ({ name, records: records.filter(isNew) }))
}

/**
 * @param {{ after: (fn: () => unknown) => void }} t
 * @param {{ stage: Stage, topic: string, open: () => Promise<Teller> | Teller, crashes?: boolean, repeats?: boolean }} options the group has the
 *   topic's name; `crashes`: members can be killed; `repeats`: the client delivers some records twice when partitions change hands
 */
export async function liveThrough(t, { stage, topic, open, crashes = true, repeats = false }) {
  const count = 6
  const partitions = partitionsOf(topic, count)
  await stage.create(topic, count)
  /** @type {Teller[]} */
  const members = []
  let sent = 0
  const join = async () => {
    const member = await open()
    members.push(member)
    t.after(() => (member.kill === undefined ? member.close() : member.kill()))
    return member
  }
  const round = async () => {
    await stage.send(topic, count, 10, sent)
    await settle()
  }
  const settle = async () => {
    sent += 10
    const counted = () => (repeats ? firsts(members) : members)
    const total = () => counted().reduce((sum, { records }) => sum + records.length, 0)
    await until(`${topic}: all ${sent * count} records`, () => total() >= sent * count).catch((error) => {
      throw new Error(`${error.message}; ${total()} came: ${JSON.stringify(members.map(({ name, error: why }) => [name, why]))}`, {
        cause: error,
      })
    })
    assertExactly(counted(), partitions, sent)
    assertInOrder(...counted())
    await stage.waitCommitted(topic, topic, count, sent)
  }
  const a = await join()
  await sharedBy([a], partitions)
  await round()
  const b = await join()
  await sharedBy([a, b], partitions)
  await round()
  const c = await join()
  await sharedBy([a, b, c], partitions)
  await round()
  await b.close()
  await sharedBy([a, c], partitions)
  await round()
  if (crashes) {
    await c.kill?.()
    await stage.send(topic, count, 10, sent)
    await sharedBy([a], partitions)
    await settle()
  } else {
    await c.close()
    await sharedBy([a], partitions)
    await round()
  }
  await a.close()
  assert.deepEqual(await stage.committed(topic), Object.fromEntries(partitions.map((name) => [name, sent])))
}
