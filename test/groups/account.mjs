// The books of a workload: who owned which partition when, what was delivered to whom, which commits were asked for and acknowledged, and
// what follows from it. All times are microseconds of the machine's monotonic clock.
import { backwardSteps, linearizable, nothing } from './register.mjs'

/** @typedef {{ member: string, group: string, partition: number, begin: number, end: number, how: 'held' | 'revoked' | 'lost' | 'silenced' | 'paused', generation: number, started?: boolean }} Ownership `end` Infinity: held to the last */
/** @typedef {{ member: string, group: string, id: string, begin: number, end: number, generation: number, memberId: string, offsets: Record<string, number>, error?: string, sure: boolean }} Commit */

/** Refusals that say for sure that nothing was written (NOT_COORDINATOR does not: it also comes when a leader is deposed that has written); counted only for requests that are sent once (a client that repeats may have succeeded before). */
const refusals = new Set([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'FENCED_MEMBER_EPOCH',
  'STALE_MEMBER_EPOCH',
  'FENCED_INSTANCE_ID',
  'REBALANCE_IN_PROGRESS',
  'COORDINATOR_LOAD_IN_PROGRESS',
])

export class Account {
  constructor() {
    /** @type {Map<string, { group: string, ended: boolean }>} */
    this.members = new Map()
    /** @type {Ownership[]} */
    this.ownerships = []
    /** @type {Map<string, Commit>} */
    this.commits = new Map()
    /** Each member's last acknowledged commit. @type {Map<string, Commit>} */
    this.latest = new Map()
    /** @type {{ member: string, group: string, partition: number, begin: number, end: number, value: number }[]} */
    this.reads = []
    /** @type {{ member: string, group: string, partition: number, first: number, last: number, at: number }[]} */
    this.deliveries = []
    /** What should not be, found while listening. @type {string[]} */
    this.problems = []
    /** @type {any[]} */
    this.told = []
  }

  /** @param {string} name @param {string} group */
  open(name, group) {
    this.members.set(name, { group, ended: false })
  }

  /** @param {string} name */
  hasEnded(name) {
    return this.members.get(name)?.ended === true
  }

  /** One line of a member's. @param {any} event */
  take(event) {
    const group = this.members.get(event.member)?.group ?? ''
    const at = this.hands[event.event]
    if (at === undefined) this.problems.push(`${event.member} says ${JSON.stringify(event)}`)
    else at.call(this, { ...event, group })
  }

  /** @type {Record<string, (event: any) => void>} */
  hands = {
    assigned: (event) => {
      this.told.push(event)
      for (const partition of event.partitions)
        this.ownerships.push({
          member: event.member,
          group: event.group,
          partition,
          begin: event.at,
          end: Infinity,
          how: 'held',
          generation: event.generation,
        })
    },
    revoked: (event) => this.given(event, 'revoked'),
    lost: (event) => this.given(event, 'lost'),
    delivered: ({ member, group, at, batches }) => {
      for (const [partition, first, last] of batches) {
        this.started(member, group, partition, first, at)
        this.deliveries.push({ member, group, partition, first, last, at })
      }
    },
    commit: ({ member, group, id, at, offsets, generation, memberId }) => {
      this.commits.set(`${member}/${id}`, { member, group, id, begin: at, end: Infinity, offsets, generation, memberId, sure: true })
    },
    committed: ({ member, id, at, generation, error, once }) => {
      const commit = this.commits.get(`${member}/${id}`)
      if (commit === undefined) return
      if (generation !== commit.generation) commit.sure = false
      if (error === undefined) {
        commit.end = at
        this.latest.set(member, commit)
      } else commit.error = error
      if (once === true && refusals.has(error)) this.commits.delete(`${member}/${id}`)
    },
    read: ({ member, group, begin, at, offsets }) => {
      for (const [partition, value] of Object.entries(offsets))
        this.reads.push({ member, group, partition: Number(partition), begin, end: at, value })
    },
    ended: ({ member, at }) => {
      const found = this.members.get(member)
      if (found !== undefined) found.ended = true
      this.silenced(member, at)
    },
  }

  /**
   * The first record of an ownership tells what the member read as its committed offset, between being given the partition and getting the
   * record; nothing committed means the beginning. @param {string} member @param {string} group @param {number} partition @param {number} first @param {number} at
   */
  started(member, group, partition, first, at) {
    const owned = this.ownerships.findLast((it) => it.member === member && it.partition === partition)
    if (owned === undefined || owned.started === true) return
    owned.started = true
    this.reads.push({ member, group, partition, begin: owned.begin, end: at, value: first === 0 ? nothing : first })
  }

  /** @param {any} event @param {'revoked' | 'lost'} how */
  given({ member, group, at, partitions, generation }, how) {
    this.told.push({ event: how, member, group, at, partitions, generation })
    for (const it of this.ownerships) {
      if (it.member !== member || !partitions.includes(it.partition) || it.how === 'revoked' || it.how === 'lost') continue
      if (it.how === 'held') Object.assign(it, { how, end: at })
    }
  }

  /** The process is no more. @param {string} name @param {number} at */
  silenced(name, at) {
    for (const it of this.ownerships) if (it.member === name && it.how === 'held') Object.assign(it, { how: 'silenced', end: at })
  }

  /** The process stands still, for longer than its session: what it owned it owns no more, though it does not know. @param {string} name @param {number} at */
  paused(name, at) {
    for (const it of this.ownerships) if (it.member === name && it.how === 'held') Object.assign(it, { how: 'paused', end: at })
  }

  /** Who has which partitions now, as the members see it. @param {string} group @returns {Map<string, number[]>} */
  holding(group) {
    /** @type {Map<string, number[]>} */
    const found = new Map()
    for (const it of this.ownerships) {
      if (it.group !== group || it.how !== 'held') continue
      found.set(it.member, [...(found.get(it.member) ?? []), it.partition])
    }
    return found
  }

  /** The acknowledged commits of a group, by their ends. @param {string} group */
  acknowledged(group) {
    return [...this.commits.values()].filter((it) => it.group === group && it.end !== Infinity).sort((a, b) => a.end - b.end)
  }

  /** Whether a member has had a commit acknowledged that it began after an instant. @param {string} member @param {number} micros */
  hasCommittedSince(member, micros) {
    return (this.latest.get(member)?.begin ?? 0) > micros
  }

  /** The highest offset that was acknowledged. @param {string} group @param {number} partition */
  highestCommitted(group, partition) {
    const latest = [...this.latest.values()].filter((it) => it.group === group)
    return Math.max(nothing, ...latest.map(({ offsets }) => offsets[partition] ?? nothing))
  }

  /** All operations on one committed offset. @param {string} group @param {number} partition @returns {import('./register.mjs').Operation[]} */
  history(group, partition) {
    const writes = [...this.commits.values()]
      .filter((it) => it.group === group && partition in it.offsets)
      .map(({ offsets, begin, end, member }) => ({
        kind: /** @type {const} */ ('write'),
        value: offsets[partition],
        begin,
        end,
        by: member,
      }))
    const reads = this.reads.filter((it) => it.group === group && it.partition === partition)
    return [
      ...writes,
      ...reads.map(({ value, begin, end, member }) => ({ kind: /** @type {const} */ ('read'), value, begin, end, by: member })),
    ]
  }

  /** Everything that is wrong, in words; nothing when all is well. @param {string} group @param {readonly number[]} partitions */
  breaches(group, partitions) {
    return [
      ...this.problems,
      ...partitions.flatMap((partition) => [
        ...this.registerBreaches(group, partition),
        ...this.ownerBreaches(group, partition),
        ...this.commitBreaches(group, partition),
        ...this.orderBreaches(group, partition),
      ]),
      ...this.generationBreaches(group),
    ]
  }

  /** G-2, G-3. @param {string} group @param {number} partition */
  registerBreaches(group, partition) {
    const history = this.history(group, partition)
    const verdict = linearizable(history)
    const stuck = verdict.ok
      ? []
      : [`partition ${partition}: no order of its commits and reads explains ${JSON.stringify(verdict.stuck)} (then at ${verdict.value})`]
    return [...stuck, ...backwardSteps(history).map((it) => `partition ${partition}: ${it}`)]
  }

  /** G-5: no two owners at once. One that has lost its membership may not know it yet; what it may still do is G-1's. @param {string} group @param {number} partition */
  ownerBreaches(group, partition) {
    const owners = this.ownerships.filter((it) => it.group === group && it.partition === partition).sort((a, b) => a.begin - b.begin)
    return owners.flatMap((one, index) =>
      owners
        .slice(index + 1)
        .filter((other) => other.begin < one.end && one.how !== 'lost' && other.member !== one.member)
        .map(
          (other) =>
            `partition ${partition}: assigned to ${other.member} at ${other.begin} while ${one.member} had it until ${one.end} (${one.how})`,
        ),
    )
  }

  /** G-1: of one generation at most one member's commits are accepted, and none of an older one after a newer one's. @param {string} group @param {number} partition */
  commitBreaches(group, partition) {
    const commits = this.acknowledged(group).filter(({ offsets, sure }) => sure && partition in offsets)
    /** @type {Map<number, Commit>} */
    const owners = new Map()
    /** @type {string[]} */
    const found = []
    /** @type {Commit | undefined} */
    let newest
    for (const commit of commits) {
      const owner = owners.get(commit.generation)
      if (owner !== undefined && owner.memberId !== commit.memberId)
        found.push(`partition ${partition}: ${owner.member} and ${commit.member} both committed in generation ${commit.generation}`)
      owners.set(commit.generation, commit)
      if (newest !== undefined && newest.memberId !== commit.memberId && commit.generation < newest.generation && commit.begin > newest.end)
        found.push(
          `partition ${partition}: ${commit.member} committed in generation ${commit.generation} after ${newest.member} had in ${newest.generation}`,
        )
      if (newest === undefined || commit.generation > newest.generation) newest = commit
    }
    return found
  }

  /** Within one ownership each record once and in order, and its first one not beyond what was committed. @param {string} group @param {number} partition */
  orderBreaches(group, partition) {
    /** @type {string[]} */
    const found = []
    for (const name of this.members.keys()) {
      const starts = this.told
        .filter((it) => it.event === 'assigned' && it.member === name && it.partitions.includes(partition))
        .map(({ at }) => at)
      const mine = this.deliveries
        .filter((it) => it.member === name && it.group === group && it.partition === partition)
        .sort((a, b) => a.at - b.at)
      mine.forEach((it, index) => {
        const before = mine[index - 1]
        const anew = before === undefined || starts.some((start) => start > before.at && start <= it.at)
        if (!anew && it.first !== before.last + 1) found.push(`partition ${partition}: ${name} got ${it.first} after ${before.last}`)
        if (it.last < it.first) found.push(`partition ${partition}: ${name} got a batch from ${it.first} to ${it.last}`)
      })
    }
    return found
  }

  /** G-4: what members learn of their generation or epoch never goes back, while it is the same member. @param {string} group */
  generationBreaches(group) {
    /** @type {Map<string, number>} */
    const highest = new Map()
    /** @type {string[]} */
    const found = []
    for (const { member, memberId, generation } of [...this.commits.values()]
      .filter((it) => it.group === group)
      .sort((a, b) => a.begin - b.begin)) {
      if (generation < 0) continue
      const key = `${member}/${memberId}`
      const before = highest.get(key) ?? 0
      if (generation < before) found.push(`${member} was in generation ${before} and then in ${generation}`)
      highest.set(key, Math.max(before, generation))
    }
    return found
  }

  /** Records that nobody got. @param {string} group @param {Record<number, number>} produced how many there are in each partition @returns {string[]} */
  missing(group, produced) {
    return Object.entries(produced).flatMap(([partition, count]) => {
      const got = new Uint8Array(count)
      for (const it of this.deliveries) if (it.group === group && it.partition === Number(partition)) got.fill(1, it.first, it.last + 1)
      const first = got.indexOf(0)
      return first < 0
        ? []
        : [`partition ${partition}: nobody got record ${first} of ${count} (and ${got.filter((it) => it === 0).length - 1} more)`]
    })
  }

  /** How often records were delivered beyond once. @param {string} group */
  repeated(group) {
    const all = this.deliveries.filter((it) => it.group === group)
    /** @type {Map<number, Set<number>>} */
    const once = new Map()
    let total = 0
    for (const { partition, first, last } of all) {
      const set = once.get(partition) ?? new Set()
      once.set(partition, set)
      for (let offset = first; offset <= last; offset += 1) set.add(offset)
      total += last - first + 1
    }
    return total - [...once.values()].reduce((sum, set) => sum + set.size, 0)
  }
}
