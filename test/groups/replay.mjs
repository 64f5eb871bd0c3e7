// Runs a sequence of requests (data of sequences/*.mjs) against a cluster of one node and writes down what came back, without what chance,
// the clock or the machine decide: ids that the broker makes become the names under which the sequence saved them, lists of structs are
// put in order, hosts and ports are dropped.
//
// A step is one of
//   { call, version, body }   a request and its answer; further keys:
//       on: 'b'               the connection it goes over (its own for each name; 'a' when absent)
//       client: 'name'        its client id
//       save: { m1: 'path' }  remembers a value of the answer (a dotted path); '$m1' in a later body stands for it
//       until: { path, is | not }   asked again until it is so: for what the broker does by and by. Only the last answer counts
//       park: true            the answer is not waited for; a later { take: 'b' } does
//       omit: ['field']       fields of the answer (anywhere in it) that may differ
//       apart: 'why'          we do not answer as Kafka does, and why; it is asked for what follows
//   { take: 'b', save }       the answer of the request that is parked on a connection
//   { pauseMs }               time passes
// In bodies '@' at the start of a string stands for the sequence's own prefix of group ids, '$name' for a saved value, '#topic' for the id
// of a topic of the fixture, '#none' for a topic id that does not exist.
import { setTimeout as sleep } from 'node:timers/promises'
import { underTest } from '../rig/cluster.mjs'
import { apis, connect } from '../rig/wire.mjs'

const parkMs = 60
const againEveryMs = 40
const untilTimeoutMs = 15_000
const replyTimeoutMs = 20_000
export const missingTopicId = 'b2RyYWRlay1taXNzaW5nLQ'

/** Topics that every sequence may use: name → partitions. */
export const topics = { t1: 1, t2: 2, t4: 4, other: 1, 'regex-a': 1, 'regex-b': 1 }

/** What a broker's settings must be for the sequences; the same for both kinds of cluster. */
export const properties = {
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': 50,
  'group.min.session.timeout.ms': 1000,
  'group.max.session.timeout.ms': 60_000,
  'group.max.size': 3,
  'group.consumer.max.size': 3,
  'group.consumer.min.session.timeout.ms': 1000,
  'group.consumer.min.heartbeat.interval.ms': 200,
  'group.consumer.assignment.interval.ms': 0,
  // an internal setting of Kafka's: it is to compute assignments at once, as we do
  ...(underTest === 'kafka' ? { 'group.consumer.assignor.offload.enable': 'false' } : {}),
  'offsets.topic.num.partitions': 5,
  'offsets.topic.replication.factor': 1,
}

/** @typedef {{ name: string, steps: readonly any[] }} Sequence */

class Connections {
  /** @param {number} port */
  constructor(port) {
    this.port = port
    /** @type {Map<string, Promise<import('../rig/wire.mjs').Wire>>} */
    this.open = new Map()
    /** @type {Map<string, Promise<any>>} */
    this.parked = new Map()
  }

  /** @param {string} name */
  get(name) {
    const found = this.open.get(name) ?? connect(this.port)
    this.open.set(name, found)
    return found
  }

  async close() {
    for (const wire of this.open.values()) (await wire).close()
    // what is left unanswered ends with its connection
    await Promise.allSettled(this.parked.values())
  }
}

/** @param {any} value @param {string} path */
const at = (value, path) => path.split('.').reduce((it, key) => it?.[key], value)

/** One run of one sequence. */
class Replay {
  /** @param {number} port @param {string} prefix @param {Record<string, string>} topicIds */
  constructor(port, prefix, topicIds) {
    this.prefix = prefix
    this.topicIds = topicIds
    this.connections = new Connections(port)
    /** @type {Map<string, any>} */
    this.saved = new Map()
  }

  /** A body with the names in it replaced. @param {any} value @returns {any} */
  resolve(value) {
    if (typeof value === 'string') return this.resolveString(value)
    if (Array.isArray(value)) return value.map((it) => this.resolve(it))
    if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, this.resolve(it)]))
  }

  /** @param {string} text */
  resolveString(text) {
    if (text.startsWith('@')) return this.prefix + text.slice(1)
    if (text === '#none') return missingTopicId
    if (text.startsWith('#')) return this.topicIds[text.slice(1)] ?? text
    if (!text.startsWith('$')) return text
    if (!this.saved.has(text.slice(1))) throw new Error(`nothing is saved as ${text}`)
    return this.saved.get(text.slice(1))
  }

  /** @param {any} step */
  async step(step) {
    if (step.pauseMs !== undefined) {
      await sleep(step.pauseMs)
      return undefined
    }
    if (step.park === true) {
      const answer = this.ask(step)
      answer.catch(() => {})
      this.connections.parked.set(step.on, answer)
      await sleep(parkMs)
      return undefined
    }
    const answer = await (step.take === undefined ? this.askUntil(step) : this.take(step.take))
    for (const [name, path] of Object.entries(step.save ?? {})) this.saved.set(name, at(answer, path))
    return this.normal(answer, step)
  }

  /** @param {string} name */
  take(name) {
    const answer = this.connections.parked.get(name)
    if (answer === undefined) throw new Error(`nothing is parked on ${name}`)
    this.connections.parked.delete(name)
    return answer
  }

  /** @param {any} step */
  async ask({ call, version, body, on = 'a', client = 'rig' }) {
    try {
      const wire = await this.connections.get(on)
      wire.clientId = client
      return await wire.call(call, version, this.resolve(body), replyTimeoutMs)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('closed the connection')) throw error
      this.connections.open.delete(on)
      return { closed: true }
    }
  }

  /** @param {any} step */
  async askUntil(step) {
    const { until } = step
    const deadline = performance.now() + untilTimeoutMs
    for (;;) {
      const answer = await this.ask(step)
      if (until === undefined) return answer
      const value = JSON.stringify(at(answer, until.path) ?? null)
      if ('is' in until ? value === JSON.stringify(until.is) : value !== JSON.stringify(until.not)) return answer
      if (performance.now() > deadline) return { ...answer, 'not within the time': until }
      await sleep(againEveryMs)
    }
  }

  /** @param {any} answer @param {any} step */
  normal(answer, step) {
    const found = normalise(answer, {
      names: this.names(),
      omit: new Set(['host', 'port', 'throttleTimeMs', ...(step.omit ?? [])]),
    })
    // other sequences run beside this one
    if (step.call === 'listGroups') found.groups = found.groups.filter((it) => it.groupId.startsWith('@'))
    return found
  }

  /** What to call a value: pairs, the longest first. @returns {[string, string][]} */
  names() {
    const saved = [...this.saved].filter(([, value]) => typeof value === 'string' && value.length >= 20)
    const ids = Object.entries(this.topicIds)
    return /** @type {[string, string][]} */ ([
      ...saved.map(([name, value]) => [value, `<${name}: ${form(value)}>`]),
      ...ids.map(([name, id]) => [id, `<id of ${name}>`]),
      [missingTopicId, '<id of no topic>'],
      [this.prefix, '@'],
    ])
  }
}

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** What an id looks like without what is random in it. @param {string} value */
function form(value) {
  return value.replace(uuid, 'uuid').replace(/^[\w-]{22}$/, 'id of 22')
}

/** Long names with their length in place of their middle. @param {string} text */
const short = (text) => text.replace(uuid, 'uuid').replace(/(.)\1{99,}/gu, (run, one) => `${one} × ${run.length}`)

/** @typedef {{ names: [string, string][], omit: Set<string> }} Rules */

/** @param {any} value @param {Rules} rules @returns {any} */
function normalise(value, rules) {
  if (typeof value === 'string') return short(rules.names.reduce((text, [found, name]) => text.replaceAll(found, name), value))
  if (typeof value === 'bigint') return Number(value)
  if (Buffer.isBuffer(value)) return value.length === 0 ? 'no bytes' : `bytes ${value.toString('hex')}`
  if (Array.isArray(value)) return normaliseList(value, rules)
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(([key, it]) => !rules.omit.has(key) && it !== undefined)
  return Object.fromEntries(kept.map(([key, it]) => [key, key === 'memberId' ? madeId(normalise(it, rules)) : normalise(it, rules)]))
}

/** An id that Kafka made by the consumer protocol, and that no step saved. @param {any} id */
const madeId = (id) => (typeof id === 'string' && /^[\w-]{22}$/.test(id) ? 'id of 22' : id)

/** @param {any[]} list @param {Rules} rules */
function normaliseList(list, rules) {
  const items = list.map((it) => normalise(it, rules))
  return items
    .map((it) => /** @type {const} */ ([typeof it === 'number' ? String(it).padStart(10, '0') : JSON.stringify(it), it]))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, it]) => it)
}

/**
 * Runs a sequence.
 * @param {number} port @param {Sequence} sequence @param {string} prefix of its group ids @param {Record<string, string>} topicIds
 * @returns {Promise<any[]>} the answer of each step that has one
 */
export async function replay(port, sequence, prefix, topicIds) {
  const run = new Replay(port, prefix, topicIds)
  const answers = []
  try {
    for (const [index, step] of sequence.steps.entries()) {
      try {
        const answer = await run.step(step)
        if (answer !== undefined) answers.push(answer)
      } catch (error) {
        throw new Error(`${sequence.name}, step ${index + 1} (${step.call ?? ''}): ${String(error)}`, { cause: error })
      }
    }
    return answers
  } finally {
    await run.connections.close()
  }
}

/** Makes the topics of the fixture. @param {number} port @returns {Promise<Record<string, string>>} their ids by name */
export async function makeTopics(port) {
  const wire = await connect(port)
  try {
    const wanted = Object.entries(topics).map(([name, numPartitions]) => ({ name, numPartitions, replicationFactor: 1 }))
    const made = await wire.call('createTopics', 7, { topics: wanted, timeoutMs: 10_000 })
    return Object.fromEntries(made.topics.map(({ name, topicId }) => [name, topicId]))
  } finally {
    wire.close()
  }
}

/** How a request is told in the file of answers. @param {any} step */
export function describeStep(step) {
  if (step.take !== undefined) return `the answer parked on ${step.take}`
  const name = apis[step.call]?.name ?? step.call
  const text = JSON.stringify(step.body, (key, value) => (value?.type === 'Buffer' ? `${value.data.length} bytes` : value)) ?? ''
  return `${name} v${step.version} ${short(text)}`
}
