// Groups whose coordinator is killed or stopped while their members commit all the time.
//
// Six groups share one partition of __consumer_offsets, so one broker coordinates them all; it is the one that is hit. The witnesses:
//   java classic, java consumer   two stock Java consumers each, of either protocol, with otherwise stock settings (sessions of 45 s), that
//                                 poll and then commit their positions (commitSync) at most every 20 ms
//   raw classic, raw consumer     a bare member each that sends one OffsetCommit at a time, at most every 10 ms, gives up on an answer after
//                                 `rawTimeoutMs`, and after an error or a closed connection asks the others (never the one that is hit) for the coordinator
//                                 again, 20 ms later. It shows the broker's part of the time, without a stock client's back-offs.
// Two more groups turn their generation, or epoch, once before and once after each blow.
//
// What is measured, per member, after a signal at time S: the longest time without an acknowledged commit between S and the end of the round's
// first part (before the node comes back); the figure is from S to the end of that silence, the worst of a group's members. Commits of which
// the answer was under way when the coordinator died do not end it. A SIGSTOPped broker answers nothing and closes nothing: there the time
// after which a client gives up on a request is part of every figure (request.timeout.ms of Java's: 1,000 ms, `rawTimeoutMs`: 250 ms), twice when
// the client then asks that broker, of all, for the coordinator.
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster, until } from '../rig/cluster.mjs'
import { Java } from '../rig/java.mjs'
import { ClassicMember, ConsumerMember, coordinatorOf, errorName, groupBeside, offsetsPartition, readOffsets } from '../rig/raw-groups.mjs'
import { Account } from './account.mjs'
import { MemberProcess, nowMicros } from './workload.mjs'

export const requestTimeoutMs = 1000
export const rawTimeoutMs = 250
const intervalMs = 20
const settleMs = 500
const resumeTimeoutMs = 60_000
/** A join waits for the initial rebalance delay. */
const turnTimeoutMs = 2000
const rawEveryMs = 10
const rawAgainMs = 20
const rawBeatEveryMs = 1000
const partitions = [0, 1, 2, 3]
const topic = 'load'

/** @typedef {{ begin: number, end: number }} Span */

/** The longest time without one of the instants between two others. @param {number[]} times ascending @param {number} from @param {number} to @returns {Span} */
export function longestSilence(times, from, to) {
  const within = [from, ...times.filter((time) => time > from && time < to), to]
  let longest = { begin: from, end: from }
  for (let i = 1; i < within.length; i += 1) {
    if (within[i] - within[i - 1] > longest.end - longest.begin) longest = { begin: within[i - 1], end: within[i] }
  }
  return longest
}

/** A bare member that commits in a loop and keeps books like a Java member. */
class RawWitness {
  /** @param {Account} account @param {string} name @param {ClassicMember | ConsumerMember} member */
  constructor(account, name, member) {
    this.account = account
    this.name = name
    this.member = member
    this.stopping = false
    this.id = 0
    this.lastBeat = 0
    /** @type {string[]} */
    this.refused = []
    account.open(name, member.group)
    this.done = Promise.resolve()
  }

  async start() {
    if (this.member instanceof ClassicMember) await patiently(() => this.enter())
    else await until(`${this.name} is in`, async () => (await beatAll(this.member)) && this.member.ownedNames.length === partitions.length)
    this.done = this.run()
  }

  /** With the patience that a join needs. */
  async enter() {
    const { link } = this.member
    link.requestTimeoutMs = turnTimeoutMs
    await this.member.enter()
    link.requestTimeoutMs = rawTimeoutMs
  }

  get generation() {
    return this.member instanceof ClassicMember ? this.member.generation : this.member.epoch
  }

  async run() {
    while (!this.stopping) {
      const began = performance.now()
      try {
        if (began - this.lastBeat > rawBeatEveryMs) {
          this.lastBeat = began
          this.judge(await this.member.beat())
        }
        await this.commit()
        await sleep(Math.max(0, rawEveryMs - (performance.now() - began)))
      } catch {
        await sleep(rawAgainMs)
      }
    }
  }

  async commit() {
    const id = (this.id += 1)
    const offsets = Object.fromEntries(partitions.map((partition) => [partition, id]))
    this.tell('commit', { id, offsets, generation: this.generation, memberId: this.member.memberId })
    const error = await this.member.commit(topic, offsets)
    this.tell('committed', { id, generation: this.generation, once: true, ...(error === 0 ? {} : { error: errorName(error) }) })
    this.judge(error)
    if (error !== 0) {
      this.member.link.drop()
      await sleep(rawAgainMs)
    }
  }

  /** What must not come, whatever happens to the coordinator. @param {number} error */
  judge(error) {
    const name = errorName(error)
    if (
      [
        'UNKNOWN_MEMBER_ID',
        'ILLEGAL_GENERATION',
        'FENCED_MEMBER_EPOCH',
        'STALE_MEMBER_EPOCH',
        'REBALANCE_IN_PROGRESS',
        'GROUP_ID_NOT_FOUND',
      ].includes(name)
    )
      this.refused.push(name)
  }

  /** @param {string} event @param {object} rest */
  tell(event, rest) {
    this.account.take({ event, member: this.name, at: nowMicros(), ...rest })
  }

  async stop() {
    this.stopping = true
    await this.done
    this.member.close()
  }
}

/** @param {ClassicMember | ConsumerMember} member */
async function beatAll(member) {
  const error = await member.beat()
  if (error !== 0) throw new Error(errorName(error))
  return true
}

/** @typedef {{ signal: string, victim: number, wasController: boolean, gapsMs: Record<string, number>, moved: number }} Round `gapsMs` by kind of witness */

export class CoordinatedGroups {
  /** @param {Awaited<ReturnType<typeof startCluster>>} cluster */
  constructor(cluster) {
    this.cluster = cluster
    this.account = new Account()
    this.java = new Java()
    this.members = new MemberProcess(this.account)
    const first = 'failover-java-classic'
    /** Kind of witness → its group. */
    this.groups = {
      'java classic': first,
      'java consumer': groupBeside('failover-java-consumer', first),
      'raw classic': groupBeside('failover-raw-classic', first),
      'raw consumer': groupBeside('failover-raw-consumer', first),
    }
    const options = {
      requestTimeoutMs: rawTimeoutMs,
      sessionTimeoutMs: 45_000,
      topics: [topic],
      partitionsOf: { [topic]: partitions.length },
    }
    const turner = { ...options, requestTimeoutMs: turnTimeoutMs }
    this.raws = [
      new RawWitness(this.account, 'raw-classic', new ClassicMember(cluster, this.groups['raw classic'], options)),
      new RawWitness(
        this.account,
        'raw-consumer',
        new ConsumerMember(cluster, this.groups['raw consumer'], { ...options, memberId: 'raw-consumer' }),
      ),
    ]
    this.turning = new ClassicMember(cluster, groupBeside('failover-turning', first), turner)
    this.epochs = new ConsumerMember(cluster, groupBeside('failover-epochs', first), { ...turner, memberId: 'epochs' })
    this.turns = 0
    /** @type {string[]} */
    this.problems = []
  }

  /** @param {Record<string, string | number>} [properties] of the brokers */
  static async start(properties = {}) {
    const cluster = await startCluster({ properties: { 'group.initial.rebalance.delay.ms': 200, ...properties } })
    const it = new CoordinatedGroups(cluster)
    try {
      await it.begin()
      return it
    } catch (error) {
      await it.stop()
      throw error
    }
  }

  async begin() {
    const { bootstrap } = this.cluster
    await this.java.run('createTopic', { bootstrap, topic, partitions: partitions.length })
    await this.cluster.waitInSync(topic)
    await this.java.run('loadStart', {
      bootstrap,
      topic,
      partitions,
      intervalMs,
      props: { 'request.timeout.ms': String(requestTimeoutMs) },
    })
    for (const kind of /** @type {const} */ (['classic', 'consumer'])) {
      const props = { 'group.protocol': kind, 'request.timeout.ms': String(requestTimeoutMs), 'default.api.timeout.ms': '30000' }
      for (const name of [`${kind}-1`, `${kind}-2`])
        this.members.open(name, { group: this.groups[`java ${kind}`], bootstrap, topic, props, commitEveryMs: 20 })
    }
    for (const raw of this.raws) await raw.start()
    await this.turn()
    await until('the Java members share the partitions', () => this.spread(), { timeoutMs: resumeTimeoutMs })
    await this.cluster.waitInSync('__consumer_offsets')
    await this.resumed(nowMicros())
    await sleep(settleMs)
    this.settled = this.account.told.length
  }

  spread() {
    return ['java classic', 'java consumer'].every((kind) => {
      const holding = [...this.account.holding(this.groups[kind]).values()].filter((it) => it.length > 0)
      return holding.length === 2 && holding.flat().length === partitions.length
    })
  }

  /** A new generation of one group, a new epoch of another: each above the one before. */
  async turn() {
    this.turns += 1
    const before = { generation: this.turning.generation, epoch: this.epochs.epoch }
    await patiently(() => this.turning.enter())
    if (this.turns > 1) this.epochs.subscribe(this.turns % 2 === 0 ? [topic, 'no-such-topic'] : [topic])
    // at most one assignment per group.consumer.assignment.interval.ms: the new epoch may take a second
    await patiently(async () => {
      await beatAll(this.epochs)
      if (this.epochs.epoch < before.epoch) this.problems.push(`after epoch ${before.epoch} came ${this.epochs.epoch}`)
      if (this.epochs.epoch === before.epoch) throw new Error(`still in epoch ${before.epoch}`)
    })
    if (this.turning.generation <= before.generation)
      this.problems.push(`after generation ${before.generation} came ${this.turning.generation}`)
  }

  /** The members of a kind of witness. @param {string} kind */
  names(kind) {
    return [...this.account.members].filter(([, { group }]) => group === this.groups[kind]).map(([name]) => name)
  }

  /** The acknowledgements of each member. @param {string} kind @returns {Map<string, number[]>} */
  acks(kind) {
    /** @type {Map<string, number[]>} */
    const found = new Map(this.names(kind).map((name) => [name, []]))
    for (const { member, end } of this.account.acknowledged(this.groups[kind])) found.get(member)?.push(end)
    return found
  }

  /** Waits until every member has had a commit acknowledged that it sent after an instant. @param {number} micros */
  async resumed(micros) {
    const names = Object.keys(this.groups).flatMap((kind) => this.names(kind))
    await until('all members commit again', () => names.every((name) => this.account.hasCommittedSince(name, micros)), {
      timeoutMs: resumeTimeoutMs,
    })
  }

  /**
   * One round: hit the coordinator, wait until every member commits again, bring the node back, wait until it is in sync.
   * @param {'SIGKILL' | 'SIGSTOP' | 'SIGTERM'} signal @param {'controller' | 'other' | 'any'} [role] whether the coordinator is to be the active controller as well
   * @returns {Promise<Round>}
   */
  async round(signal, role = 'any') {
    if (role !== 'any') await this.place(role)
    await this.turn()
    const node = await coordinatorOf(this.cluster, this.groups['java classic'])
    const wasController = (await this.cluster.activeController()).id === node.id
    const toldBefore = this.account.told.length
    const begin = nowMicros()
    this.cluster.signal(node, signal)
    if (signal === 'SIGTERM') await node.waitDown()
    await until('another broker coordinates', async () => (await coordinatorOf(this.cluster, this.groups['java classic'])).id !== node.id, {
      everyMs: 50,
    })
    await this.resumed(nowMicros())
    await this.turn()
    await sleep(settleMs)
    const middle = nowMicros()
    const gapsMs = Object.fromEntries(Object.keys(this.groups).map((kind) => [kind, this.gap(kind, begin, middle)]))
    if (signal === 'SIGSTOP') this.cluster.signal(node, 'SIGCONT')
    else {
      await node.waitDown()
      await node.restart()
    }
    await this.cluster.waitInSync(topic, '__consumer_offsets')
    await sleep(settleMs)
    const moved = this.account.told.slice(toldBefore).filter((it) => it.partitions.length > 0).length
    return { signal, victim: node.id, wasController, gapsMs, moved }
  }

  /** Makes the active controller, or another broker, the coordinator: first among the replicas, and then elected. @param {'controller' | 'other'} role */
  async place(role) {
    const { cluster } = this
    const name = '__consumer_offsets'
    const number = offsetsPartition(this.groups['java classic'])
    await until(
      `the coordinator is ${role === 'controller' ? 'the active controller' : 'another than the active controller'}`,
      async () => {
        const controller = (await cluster.activeController()).id
        const { leader, replicas } = (await cluster.partitions(name))[number]
        if ((leader === controller) === (role === 'controller')) return true
        const order = replicas.toSorted(
          (a, b) => Number((b === controller) === (role === 'controller')) - Number((a === controller) === (role === 'controller')),
        )
        await cluster.ask('alterPartitionReassignments', 1, {
          timeoutMs: 10_000,
          topics: [{ name, partitions: [{ partitionIndex: number, replicas: order }] }],
        })
        await cluster.ask('electLeaders', 2, {
          electionType: 0,
          topicPartitions: [{ topic: name, partitions: [number] }],
          timeoutMs: 10_000,
        })
        return false
      },
      { everyMs: 200 },
    )
    await this.resumed(nowMicros())
    await sleep(settleMs)
  }

  /** @param {string} kind @param {number} begin @param {number} end @returns {number} ms */
  gap(kind, begin, end) {
    return Math.max(...[...this.acks(kind).values()].map((times) => longestSilence(times, begin, end).end - begin)) / 1000
  }

  /** Ends the load; what is wrong, in words. @returns {Promise<string[]>} */
  async verify() {
    for (const raw of this.raws) await raw.stop()
    await this.members.close()
    for (const group of Object.values(this.groups)) {
      const read = await readOffsets(this.cluster, group, topic, partitions)
      const [member] = [...this.account.members].find(([, it]) => it.group === group) ?? ['']
      this.account.take({ event: 'read', member, ...read })
    }
    const { errors } = await this.java.run('loadStop')
    return [
      ...this.problems,
      ...Object.entries(errors).map(([error, count]) => `${count} × ${error}`),
      ...this.raws.flatMap(({ name, refused }) => refused.map((error) => `${name} was refused: ${error}`)),
      ...new Set(Object.values(this.groups).flatMap((group) => this.account.breaches(group, partitions).map((it) => `${group}: ${it}`))),
    ]
  }

  async stop() {
    for (const raw of this.raws) await raw.stop()
    this.turning.close()
    this.epochs.close()
    await this.members.end()
    await this.java.stop()
    await this.cluster.stop()
  }
}

/** Again and again while the coordinator is looked for. @param {() => Promise<unknown>} what */
async function patiently(what) {
  await until('the coordinator answers', async () => (await what(), true), { timeoutMs: resumeTimeoutMs, everyMs: rawAgainMs })
}
