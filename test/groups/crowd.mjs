// Many members in one group, and many groups, of bare members.
//
// What is measured:
//   rebalance of N (classic)    the leader of a stable group joins again, then all others; from the sending of the last JoinGroup to the last SyncGroup answer.
//                               What lies before the last join (members learn of a rebalance with their next heartbeat) is the clients' part.
//   growth of N (consumer)      N members join one after the other, as fast as one connection can say it, then all beat every `beatEveryMs`;
//                               from the sending of the last join to the moment at which every partition has one owner, each member has its share
//                               and all are in the group's last epoch. Heartbeats are the only messages, so their interval is part of it.
//   N groups of one member      from the first request to the last group's first commit; then the latency of a commit in each group
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../rig/cluster.mjs'
import { ClassicMember, ConsumerMember, errorName } from '../rig/raw-groups.mjs'

const beatEveryMs = 100
const rebalanceInProgress = 27
/** A first classic generation waits for group.initial.rebalance.delay.ms. */
const startingAtOnce = 250
const convergeTimeoutMs = 120_000

/** @typedef {Awaited<ReturnType<typeof import('../rig/cluster.mjs').startCluster>>} Cluster */

/** @param {Cluster} cluster @param {string} topic @param {number} partitions */
export async function makeTopic(cluster, topic, partitions) {
  const wanted = [{ name: topic, numPartitions: partitions, replicationFactor: Math.min(3, cluster.nodes.length) }]
  const answer = await cluster.ask('createTopics', 7, { topics: wanted, timeoutMs: 30_000 })
  if (answer.topics[0].errorCode !== 0) throw new Error(`topic ${topic}: ${errorName(answer.topics[0].errorCode)}`)
  await cluster.waitInSync(topic)
}

/** What a promise gives and how long it took. @template T @param {() => Promise<T>} what */
async function timed(what) {
  const began = performance.now()
  const value = await what()
  return { value, ms: performance.now() - began }
}

/** A classic group of many. */
export class ClassicCrowd {
  /** @param {Cluster} cluster @param {string} group @param {string} topic @param {number} partitions @param {number} size */
  constructor(cluster, group, topic, partitions, size) {
    const options = {
      topics: [topic],
      partitionsOf: { [topic]: partitions },
      sessionTimeoutMs: 60_000,
      rebalanceTimeoutMs: 60_000,
      requestTimeoutMs: 70_000,
    }
    this.members = Array.from({ length: size }, () => new ClassicMember(cluster, group, options))
    this.partitions = partitions
  }

  /** The leader joins again, which begins a rebalance; when the others know of it they do, all at once. @returns {Promise<{ lastJoinToSyncedMs: number, firstJoinToSyncedMs: number }>} */
  async rebalance() {
    const began = performance.now()
    const leader = this.members.find(({ leads }) => leads)
    const first = leader?.enter()
    const others = this.members.filter((member) => member !== leader)
    if (leader !== undefined && others.length > 0)
      await until('a rebalance begins', async () => (await others[0].beat()) === rebalanceInProgress, { everyMs: 5 })
    await Promise.all([first, ...others.map((member) => member.enter())])
    this.check()
    const lastJoin = Math.max(...this.members.map(({ joinedAt }) => joinedAt))
    const synced = Math.max(...this.members.map(({ syncedAt }) => syncedAt))
    return { lastJoinToSyncedMs: synced - lastJoin, firstJoinToSyncedMs: synced - began }
  }

  check() {
    const generations = new Set(this.members.map(({ generation }) => generation))
    if (generations.size !== 1) throw new Error(`members are in generations ${[...generations].join()}`)
    const owned = this.members.flatMap(({ assigned }) => Object.values(assigned).flat())
    if (owned.length !== this.partitions || new Set(owned).size !== owned.length) throw new Error('the shares are not what the leader gave')
  }

  async beat() {
    const errors = await Promise.all(this.members.map((member) => member.beat()))
    const wrong = errors.find((code) => code !== 0)
    if (wrong !== undefined) throw new Error(`heartbeat: ${errorName(wrong)}`)
  }

  close() {
    for (const member of this.members) member.close()
  }
}

/** A consumer group of many. */
export class ConsumerCrowd {
  /** @param {Cluster} cluster @param {string} group @param {string} topic @param {number} partitions @param {number} size */
  constructor(cluster, group, topic, partitions, size) {
    this.members = Array.from(
      { length: size },
      (_, index) => new ConsumerMember(cluster, group, { memberId: `member-${String(index).padStart(4, '0')}`, topics: [topic] }),
    )
    this.partitions = partitions
    this.group = group
  }

  /** All join; then all beat until each has its share. @returns {Promise<{ lastJoinToStableMs: number, joinsMs: number }>} */
  async grow() {
    const began = performance.now()
    for (const member of this.members) await this.beatOne(member)
    const lastJoin = Math.max(...this.members.map(({ joinedAt }) => joinedAt))
    const deadline = lastJoin + convergeTimeoutMs
    while (!this.converged) {
      if (performance.now() > deadline) throw new Error(`${this.group} does not converge: ${this.told}`)
      const round = performance.now()
      await Promise.all(this.members.map((member) => this.beatOne(member)))
      if (!this.converged) await sleep(Math.max(0, beatEveryMs - (performance.now() - round)))
    }
    return { lastJoinToStableMs: performance.now() - lastJoin, joinsMs: lastJoin - began }
  }

  /** @param {ConsumerMember} member */
  async beatOne(member) {
    const error = await member.beat()
    if (error !== 0) throw new Error(`heartbeat of ${member.memberId}: ${errorName(error)}`)
  }

  /** Each partition has one owner, all have said so, and all are in one epoch. */
  get converged() {
    const owned = this.members.flatMap((member) => member.ownedNames)
    const quiet = this.members.every(({ untold }) => !untold)
    return (
      quiet &&
      owned.length === this.partitions &&
      new Set(owned).size === owned.length &&
      new Set(this.members.map(({ epoch }) => epoch)).size === 1
    )
  }

  get told() {
    const owned = this.members.flatMap((member) => member.ownedNames)
    const epochs = this.members.map(({ epoch }) => epoch)
    return `${owned.length} partitions given, ${new Set(owned).size} of ${this.partitions}; epochs ${Math.min(...epochs)} to ${Math.max(...epochs)}`
  }

  async leave() {
    await Promise.all(this.members.map((member) => member.leave()))
  }

  close() {
    for (const member of this.members) member.close()
  }
}

/** Many groups of one member. */
export class ManyGroups {
  /** @param {Cluster} cluster @param {string} prefix @param {string} topic @param {number} size @param {'classic' | 'consumer'} protocol */
  constructor(cluster, prefix, topic, size, protocol) {
    this.topic = topic
    const classic = { topics: [topic], partitionsOf: { [topic]: 1 }, sessionTimeoutMs: 60_000 }
    this.members = Array.from({ length: size }, (_, index) =>
      protocol === 'classic'
        ? new ClassicMember(cluster, `${prefix}-${index}`, classic)
        : new ConsumerMember(cluster, `${prefix}-${index}`, { memberId: 'only', topics: [topic] }),
    )
  }

  /** All groups come to life. @returns {Promise<number>} ms */
  async start() {
    const { ms } = await timed(() => inParts(this.members, startingAtOnce, (member) => this.enter(member)))
    return ms
  }

  /** @param {ClassicMember | ConsumerMember} member */
  async enter(member) {
    if (member instanceof ClassicMember) await member.enter()
    else {
      await until(
        `${member.group} has its partition`,
        async () => {
          const error = await member.beat()
          if (error !== 0) throw new Error(errorName(error))
          return member.ownedNames.length === 1 && !member.untold
        },
        { everyMs: beatEveryMs },
      )
    }
    await this.commit(member, 1)
  }

  /** @param {ClassicMember | ConsumerMember} member @param {number} offset */
  async commit(member, offset) {
    const { value, ms } = await timed(() => member.commit(this.topic, { 0: offset }))
    if (value !== 0) throw new Error(`commit of ${member.group}: ${errorName(value)}`)
    return ms
  }

  /** One commit in each group, some at a time. @param {number} offset @returns {Promise<number[]>} latencies, ms */
  async commits(offset) {
    /** @type {number[]} */
    const latencies = []
    await inParts(this.members, 10, async (member) => {
      latencies.push(await this.commit(member, offset))
    })
    return latencies
  }

  close() {
    for (const member of this.members) member.close()
  }
}

/** @template T @param {T[]} items @param {number} atOnce @param {(item: T) => Promise<unknown>} work */
async function inParts(items, atOnce, work) {
  const rest = [...items]
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
    }),
  )
}
