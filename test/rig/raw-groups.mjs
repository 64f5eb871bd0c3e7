// Groups over the bare client: who coordinates, what is committed, and members that say exactly what a test wants them to say.
import { setTimeout as sleep } from 'node:timers/promises'
import { ErrorCode } from './build.mjs'
import { assignment, readAssignment, subscription } from './group-bytes.mjs'
import { ask, connect } from './wire.mjs'

/** @typedef {Awaited<ReturnType<typeof import('./cluster.mjs').startCluster>>} Cluster */

const patienceMs = 30_000
const names = new Map(Object.entries(ErrorCode).map(([name, code]) => [code, name]))

/** Kafka's name of an error. @param {number} code */
export const errorName = (code) => names.get(code) ?? `error ${code}`

/** Kafka's hash of a group id, and so its partition of __consumer_offsets. @param {string} group */
export function offsetsPartition(group, partitions = 50) {
  let hash = 0
  for (let at = 0; at < group.length; at += 1) hash = (Math.imul(hash, 31) + group.charCodeAt(at)) | 0
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % partitions
}

/** A group id that begins so and has the same coordinator as another. @param {string} prefix @param {string} group */
export function groupBeside(prefix, group) {
  for (let number = 0; ; number += 1) {
    const name = `${prefix}-${number}`
    if (offsetsPartition(name) === offsetsPartition(group)) return name
  }
}

/** Errors after which a client asks for the coordinator again, or the same one again. */
const retriable = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
])

/** The node that coordinates a group, in the eyes of any that answers. @param {Cluster} cluster @param {string} group */
export async function coordinatorOf(cluster, group, timeoutMs = patienceMs) {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await cluster.ask('findCoordinator', 6, { coordinatorKeys: [group] })
    const { errorCode, nodeId } = answer.coordinators[0]
    if (errorCode === 0) return cluster.node(nodeId)
    if (performance.now() > deadline) throw new Error(`no coordinator of ${group}: ${errorName(errorCode)}`)
    await sleep(50)
  }
}

/**
 * What is committed, from the coordinator, as one operation on the register of each partition.
 * @param {Cluster} cluster @param {string} group @param {string} topic @param {readonly number[]} partitions
 * @returns {Promise<{ begin: number, at: number, offsets: Record<number, number> }>}
 */
export async function readOffsets(cluster, group, topic, partitions) {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const node = await coordinatorOf(cluster, group)
    const begin = Number(process.hrtime.bigint() / 1000n)
    const groups = [{ groupId: group, topics: [{ name: topic, partitionIndexes: [...partitions] }] }]
    const answer = await ask(node.port, 'offsetFetch', 9, { groups, requireStable: true })
    const at = Number(process.hrtime.bigint() / 1000n)
    const found = answer.groups[0]
    if (found.errorCode === 0) {
      const list = found.topics.flatMap((it) => it.partitions)
      return { begin, at, offsets: Object.fromEntries(list.map((it) => [it.partitionIndex, Number(it.committedOffset)])) }
    }
    if (!retriable.has(found.errorCode) || performance.now() > deadline)
      throw new Error(`offsets of ${group}: ${errorName(found.errorCode)}`)
    await sleep(50)
  }
}

/** The connection of a member to its coordinator, found again whenever it is gone. */
class Link {
  /** @param {Cluster} cluster @param {string} group @param {number} requestTimeoutMs */
  constructor(cluster, group, requestTimeoutMs) {
    this.cluster = cluster
    this.group = group
    this.requestTimeoutMs = requestTimeoutMs
    /** @type {import('./wire.mjs').Wire | undefined} */
    this.wire = undefined
  }

  async open() {
    if (this.wire !== undefined && !this.wire.socket.destroyed) return this.wire
    const node = await coordinatorOf(this.cluster, this.group)
    this.wire = await connect(node.port, this.requestTimeoutMs)
    this.wire.clientId = 'raw'
    return this.wire
  }

  drop() {
    this.wire?.close()
    this.wire = undefined
  }

  /** One request, once; the next one goes to another when this one was no coordinator. @param {string} name @param {number} version @param {object} body @returns {Promise<any>} */
  async call(name, version, body, timeoutMs = this.requestTimeoutMs) {
    const wire = await this.open()
    try {
      const answer = await wire.call(name, version, body, timeoutMs)
      if (answer.errorCode === ErrorCode.NOT_COORDINATOR || answer.errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE) this.drop()
      return answer
    } catch (error) {
      this.drop()
      throw error
    }
  }
}

const byId = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

/** A member of a classic group. Nothing happens by itself: each request is a call. */
export class ClassicMember {
  /**
   * @param {Cluster} cluster @param {string} group
   * @param {{ topics?: string[], sessionTimeoutMs?: number, rebalanceTimeoutMs?: number, requestTimeoutMs?: number, partitionsOf?: Record<string, number> }} [options]
   *   `partitionsOf`: what the leader shares out
   */
  constructor(
    cluster,
    group,
    { topics = [], sessionTimeoutMs = 30_000, rebalanceTimeoutMs = 30_000, requestTimeoutMs = 40_000, partitionsOf = {} } = {},
  ) {
    this.link = new Link(cluster, group, requestTimeoutMs)
    this.group = group
    this.sessionTimeoutMs = sessionTimeoutMs
    this.rebalanceTimeoutMs = rebalanceTimeoutMs
    this.partitionsOf = partitionsOf
    this.protocols = [{ name: 'range', metadata: subscription(topics) }]
    this.memberId = ''
    this.generation = -1
    /** Whether it shares out. */
    this.leads = false
    /** @type {Record<string, number[]>} */
    this.assigned = {}
    /** When the last JoinGroup was sent, and the last SyncGroup answered (ms of performance.now). */
    this.joinedAt = 0
    this.syncedAt = 0
  }

  /** JoinGroup until it is let in. @returns {Promise<any>} */
  async join() {
    for (;;) {
      this.joinedAt = performance.now()
      const answer = await this.link.call('joinGroup', 9, {
        groupId: this.group,
        sessionTimeoutMs: this.sessionTimeoutMs,
        rebalanceTimeoutMs: this.rebalanceTimeoutMs,
        memberId: this.memberId,
        protocolType: 'consumer',
        protocols: this.protocols,
      })
      if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.memberId = answer.memberId
      else if (answer.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.memberId = ''
      else if (answer.errorCode === 0) return this.joined(answer)
      else if (retriable.has(answer.errorCode)) await sleep(20)
      else throw new Error(`join: ${errorName(answer.errorCode)}`)
    }
  }

  /** @param {any} answer */
  joined(answer) {
    this.memberId = answer.memberId
    this.generation = answer.generationId
    this.leads = answer.leader === answer.memberId
    return answer
  }

  /** SyncGroup with the answer of the join; false when another rebalance has begun. @param {any} joined */
  async sync(joined) {
    const answer = await this.link.call('syncGroup', 5, {
      groupId: this.group,
      generationId: this.generation,
      memberId: this.memberId,
      protocolType: 'consumer',
      protocolName: joined.protocolName,
      assignments: joined.leader === this.memberId ? this.share(joined.members.map(({ memberId }) => memberId)) : [],
    })
    if (answer.errorCode === ErrorCode.REBALANCE_IN_PROGRESS) return false
    if (answer.errorCode !== 0) throw new Error(`sync: ${errorName(answer.errorCode)}`)
    this.assigned = readAssignment(answer.assignment)
    this.syncedAt = performance.now()
    return true
  }

  /** Each topic's partitions in turn. @param {string[]} ids */
  share(ids) {
    const members = ids.toSorted(byId)
    return members.map((memberId, index) => {
      const mine = Object.entries(this.partitionsOf).map(([topic, count]) => [
        topic,
        Array.from({ length: count }, (_, partition) => partition).filter((partition) => partition % members.length === index),
      ])
      return { memberId, assignment: assignment(Object.fromEntries(mine)) }
    })
  }

  /** Joins and syncs until it is in. */
  async enter() {
    while (!(await this.sync(await this.join())));
  }

  /** @returns {Promise<number>} the error */
  async beat() {
    const body = { groupId: this.group, generationId: this.generation, memberId: this.memberId }
    return (await this.link.call('heartbeat', 4, body)).errorCode
  }

  /** One OffsetCommit, sent once. @param {string} topic @param {Record<number, number>} offsets @returns {Promise<number>} the first error, or 0 */
  async commit(topic, offsets, timeoutMs = this.link.requestTimeoutMs) {
    return commitOnce(this.link, { memberId: this.memberId, generationIdOrMemberEpoch: this.generation }, topic, offsets, timeoutMs)
  }

  async leave() {
    await this.link.call('leaveGroup', 5, { groupId: this.group, members: [{ memberId: this.memberId }] })
    this.close()
  }

  close() {
    this.link.drop()
  }
}

/** @param {Link} link @param {object} who @param {string} topic @param {Record<number, number>} offsets @param {number} timeoutMs */
async function commitOnce(link, who, topic, offsets, timeoutMs) {
  const partitions = Object.entries(offsets).map(([partition, committedOffset]) => ({
    partitionIndex: Number(partition),
    committedOffset,
    committedMetadata: '',
  }))
  const answer = await link.call('offsetCommit', 9, { groupId: link.group, ...who, topics: [{ name: topic, partitions }] }, timeoutMs)
  const errors = answer.topics.flatMap((it) => it.partitions.map(({ errorCode }) => errorCode))
  return errors.find((code) => code !== 0) ?? 0
}

/** A member of a consumer group (KIP-848). Nothing happens by itself. */
export class ConsumerMember {
  /** @param {Cluster} cluster @param {string} group @param {{ memberId: string, topics: string[], rebalanceTimeoutMs?: number, requestTimeoutMs?: number }} options */
  constructor(cluster, group, { memberId, topics, rebalanceTimeoutMs = 60_000, requestTimeoutMs = 40_000 }) {
    this.link = new Link(cluster, group, requestTimeoutMs)
    this.group = group
    this.memberId = memberId
    this.topics = topics
    this.rebalanceTimeoutMs = rebalanceTimeoutMs
    this.epoch = 0
    /** What it owns: topic id → partitions. @type {Map<string, number[]>} */
    this.owned = new Map()
    this.subscribing = false
    /** Whether it has yet to tell that it took up, or let go of, what it was told to. */
    this.untold = false
    this.joinedAt = 0
  }

  /** Subscribes to other topics with the next heartbeat. @param {string[]} topics */
  subscribe(topics) {
    this.topics = topics
    this.subscribing = true
  }

  /** One heartbeat; takes up at once what it is assigned. @returns {Promise<number>} the error */
  async beat() {
    const joining = this.epoch === 0
    if (joining) this.joinedAt = performance.now()
    const telling = this.untold
    this.untold = false
    const answer = await this.link.call('consumerGroupHeartbeat', 1, {
      groupId: this.group,
      memberId: this.memberId,
      memberEpoch: this.epoch,
      ...(joining ? { rebalanceTimeoutMs: this.rebalanceTimeoutMs, subscribedTopicNames: this.topics, topicPartitions: [] } : {}),
      ...(!joining && this.subscribing ? { subscribedTopicNames: this.topics } : {}),
      ...(!joining && telling ? { topicPartitions: this.ownedList() } : {}),
    })
    if (answer.errorCode !== 0) {
      this.untold ||= telling
      return answer.errorCode
    }
    this.subscribing = false
    this.epoch = answer.memberEpoch
    if (answer.assignment !== null) this.take(answer.assignment.topicPartitions)
    return 0
  }

  /** @param {{ topicId: string, partitions: number[] }[]} list */
  take(list) {
    this.owned = new Map(list.map(({ topicId, partitions }) => [topicId, [...partitions]]))
    this.untold = true
  }

  ownedList() {
    return [...this.owned].map(([topicId, partitions]) => ({ topicId, partitions }))
  }

  get ownedNames() {
    return this.ownedList().flatMap(({ topicId, partitions }) => partitions.map((partition) => `${topicId}-${partition}`))
  }

  /** One OffsetCommit, sent once. @param {string} topic @param {Record<number, number>} offsets @returns {Promise<number>} */
  async commit(topic, offsets, timeoutMs = this.link.requestTimeoutMs) {
    return commitOnce(this.link, { memberId: this.memberId, generationIdOrMemberEpoch: this.epoch }, topic, offsets, timeoutMs)
  }

  async leave() {
    await this.link.call('consumerGroupHeartbeat', 1, { groupId: this.group, memberId: this.memberId, memberEpoch: -1 })
    this.close()
  }

  close() {
    this.link.drop()
  }
}
