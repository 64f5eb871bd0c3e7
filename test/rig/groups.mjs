// Consumers of stock Java clients as members of groups, and what a test says about a group: who owns what, which records came, in which order.
import assert from 'node:assert/strict'
import { until } from './cluster.mjs'

/**
 * Lines of server.properties under which groups move in tenths of a second rather than in seconds: all legal, none a default of Kafka's.
 * A member that is gone without a word is missed after three seconds.
 */
export const quickGroups = {
  'group.initial.rebalance.delay.ms': 100,
  'group.min.session.timeout.ms': 1000,
  'group.consumer.min.heartbeat.interval.ms': 100,
  'group.consumer.heartbeat.interval.ms': 200,
  'group.consumer.min.session.timeout.ms': 1000,
  'group.consumer.session.timeout.ms': 3000,
  'group.consumer.assignment.interval.ms': 100,
}

/** The same for a Java consumer of each protocol; in `consumer` the coordinator says how often and how long. */
export const quickMember = {
  classic: { 'group.protocol': 'classic', 'session.timeout.ms': '3000', 'heartbeat.interval.ms': '200', 'metadata.max.age.ms': '500' },
  consumer: { 'group.protocol': 'consumer', 'metadata.max.age.ms': '500' },
}

/** @typedef {[partition: string, offset: number, value: string]} Delivered */
/** @typedef {import('./java.mjs').Java} Java */

let opened = 0

/** A KafkaConsumer that polls on its own thread in a Java process (Members.java). */
export class Member {
  /** @param {Java} java @param {string} name */
  constructor(java, name) {
    this.java = java
    this.name = name
    /** @type {Delivered[]} all that poll() has returned so far */
    this.records = []
    this.closed = false
    /** @type {{ assignment: string[], events: [string, string[]][], commits: number, commitErrors: string[], memberId: string, generation: number, error: string | null, ended: boolean }} */
    this.last = { assignment: [], events: [], commits: 0, commitErrors: [], memberId: '', generation: -1, error: null, ended: false }
  }

  take({ records, ...last }) {
    this.records.push(...records)
    this.last = last
    return this.last
  }

  async state() {
    return this.take(await this.java.run('memberState', { member: this.name, from: this.records.length }))
  }

  /** A state of a member that must be well: fails at once when poll() threw. @param {(state: Member['last']) => boolean} when */
  waitUntil(what, when, timeoutMs = 30_000) {
    return until(
      `${this.name} ${what}; it is ${JSON.stringify(this.last)} with ${this.records.length} records`,
      async () => {
        const state = await this.state()
        return (state.error !== null || when(state)) && state
      },
      { timeoutMs },
    ).then(
      (state) => {
        assert.equal(state.error, null)
        return state
      },
      async (error) => {
        throw new Error(`${error.message}; at the end ${JSON.stringify(await this.state())} with ${this.records.length} records`, {
          cause: error,
        })
      },
    )
  }

  /** @param {string[]} partitions */
  owns(partitions) {
    return this.waitUntil(`owns ${partitions.join(', ')}`, ({ assignment }) => sameSet(assignment, partitions))
  }

  /** @param {number} count */
  has(count) {
    return this.waitUntil(`has ${count} records`, () => this.records.length >= count)
  }

  /** Waits for what poll() throws. @param {RegExp} what */
  async fails(what) {
    const { error } = await until(`${this.name} fails`, async () => (await this.state()).error !== null && this.last)
    assert.match(String(error), what)
  }

  /** Something done on the member's own thread, between two polls. @param {string} what @param {object} [options] */
  act(what, options = {}) {
    return this.java.run('memberDo', { ...options, member: this.name, act: what })
  }

  /** @param {'default' | 'leave' | 'remain'} [leave] */
  async close(leave = 'default') {
    if (this.closed) return
    this.closed = true
    this.take(await this.java.run('memberClose', { member: this.name, from: this.records.length, leave }))
  }
}

/** Opens members that are closed at the end of their test, if the test has not closed them. */
export class Opener {
  /** @param {Java} java @param {string} bootstrap */
  constructor(java, bootstrap) {
    this.java = java
    this.bootstrap = bootstrap
  }

  /**
   * @param {{ after: (fn: () => Promise<void>) => void }} t the context of the test
   * @param {string} group
   * @param {object} options as Members.java has them
   * @param {Java} [java] another process than the usual
   */
  async open(t, group, options, java = this.java) {
    opened += 1
    const member = new Member(java, `${group}-${opened}`)
    await java.run('memberOpen', { bootstrap: this.bootstrap, member: member.name, group, ...options })
    t.after(() => member.close('leave').catch(() => {}))
    return member
  }
}

const sameSet = (a, b) => a.length === b.length && a.every((one) => b.includes(one))

/** The names of a topic's partitions. @param {string} topic @param {number} count */
export const partitionsOf = (topic, count) => Array.from({ length: count }, (_, partition) => `${topic}-${partition}`)

/** Waits until the members own all of the partitions between them, none twice, and no one more than one more than another. */
export function shareOut(members, partitions) {
  return until(`${members.length} members share ${partitions.join(', ')}`, async () => {
    const owned = []
    for (const member of members) {
      const { assignment, error } = await member.state()
      assert.equal(error, null)
      owned.push(assignment)
    }
    const sizes = owned.map((it) => it.length)
    return sameSet(owned.flat(), partitions) && Math.max(...sizes) - Math.min(...sizes) <= 1 && owned
  })
}

/** Waits until the members have so many records between them; then no more than that. @param {Member[]} members @param {number} count */
export async function together(members, count) {
  await until(`${members.map(({ name }) => name).join(', ')} have ${count} records`, async () => {
    for (const member of members) if (!member.closed) await member.state()
    return members.reduce((sum, { records }) => sum + records.length, 0) >= count
  })
  assert.equal(
    members.reduce((sum, { records }) => sum + records.length, 0),
    count,
  )
}

/** Every record once: the values of each partition, whoever got them, are `partition:0`, `partition:1`, … to `count`. */
export function assertExactly(members, partitions, count) {
  const seen = new Map(partitions.map((name) => [name, []]))
  for (const { records } of members) for (const [partition, offset, value] of records) seen.get(partition)?.push([offset, value])
  for (const [name, records] of seen) {
    records.sort(([a], [b]) => a - b)
    const expected = Array.from({ length: count }, (_, i) => [i, `${name}:${i}`])
    assert.deepEqual(records, expected, name)
  }
}

/** Within each member a partition's offsets only go up, without a gap. @param {Member[]} members */
export function assertInOrder(...members) {
  for (const { name, records } of members) {
    const next = new Map()
    for (const [partition, offset] of records) {
      const expected = next.get(partition)
      if (expected !== undefined) assert.ok(offset >= expected, `${name}: ${partition} offset ${offset} after ${expected - 1}`)
      next.set(partition, offset + 1)
    }
  }
}

/** Sends `count` records to each partition of a topic, numbered on from `from`: `topic-0:0`, `topic-0:1`, … @param {Java} java */
export async function fill(java, bootstrap, topic, partitions, count, from = 0) {
  const records = Array.from({ length: count }, (_, i) =>
    Array.from({ length: partitions }, (__, partition) => ({ partition, value: `${topic}-${partition}:${from + i}` })),
  ).flat()
  await java.run('produce', { bootstrap, topic, records })
}
