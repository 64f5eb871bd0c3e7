import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { isActive } from '../metadata/brokers-image.ts'
import { ClusterImage } from '../metadata/image.ts'
import { DIRECTORY_LOST, DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED, type PartitionImage } from '../metadata/partition-image.ts'
import { BothWays, canonical } from '../znodes/fixture.test.ts'
import { directory, shown, TestController } from './fixture.test.ts'

/**
 * A random cluster life: brokers come, go, fall silent and come back, topics are made, grow, move and go, leaders propose ISRs with epochs that are
 * right or stale, the controller resigns. After every command the state of every partition is held against the rules; now and then the image against
 * the fold of the log, of its own snapshot, and of its znodes. Half of the clusters have eligible leader replicas: there is held against what is trusted who can have
 * what was acknowledged. The seed says it all.
 */
class Life {
  readonly controller: TestController
  readonly prng: Prng
  /** As of the previous check. */
  private before = new Map<string, PartitionImage>()
  private readonly elr: boolean
  private readonly copies = new Copies()
  private readonly znodes = new BothWays()
  private inZnodes = 0
  private mayAddTo = false
  private uncleanAsked = false
  private topicsMade = 0
  readonly counts = new Map<string, number>()

  constructor(seed: number) {
    this.prng = new Prng(seed * 7919 + 1)
    this.elr = this.prng.chance(0.5)
    this.controller = new TestController({
      seed,
      elr: this.elr,
      given: new Map([['min.insync.replicas', String(this.prng.between(1, 3))]]),
      settings: { leaderRebalanceEnable: this.prng.chance(0.5), leaderRebalanceIntervalMs: 3000, uncleanElectionIntervalMs: 2000 },
    })
  }

  step(): void {
    const [name, run] = this.prng.pick(this.actions)
    this.mayAddTo = false
    this.uncleanAsked = false
    run()
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    this.check(name)
  }

  private broker(): number {
    return this.prng.between(1, 5)
  }

  private topic(): string | undefined {
    const names = [...this.controller.image.topics.names()]
    return names.length === 0 ? undefined : this.prng.pick(names)
  }

  private somePartition(): { readonly name: string; readonly partition: PartitionImage } | undefined {
    const name = this.topic()
    const found = name === undefined ? undefined : this.prng.pick(this.controller.image.topics.byName(name)?.partitions ?? [])
    return name === undefined || found === undefined ? undefined : { name, partition: found }
  }

  private someBrokers(): number[] {
    return [1, 2, 3, 4, 5].filter(() => this.prng.chance(0.5))
  }

  private readonly actions: readonly (readonly [string, () => void])[] = [
    ['heartbeat', () => this.heartbeat()],
    ['heartbeat', () => this.heartbeat()],
    ['heartbeats', () => [1, 2, 3, 4, 5].forEach((id) => this.controller.heartbeat(id))],
    ['register', () => this.register()],
    ['connection lost', () => this.connectionLost()],
    ['time', () => this.controller.pass(this.prng.pick([10, 200, 700, 2100]))],
    ['fence', () => this.fence()],
    ['create', () => this.create()],
    ['grow', () => this.grow()],
    ['delete', () => this.remove()],
    ['alter partition', () => this.alterPartition()],
    ['alter partition', () => this.alterPartition()],
    ['alter partition', () => this.alterPartition()],
    ['assign', () => this.assignDirectory()],
    ['elect', () => this.elect()],
    ['reassign', () => this.reassign()],
    ['configure', () => this.configure()],
    ['unregister', () => this.unregister()],
    ['resign', () => this.resign()],
  ]

  private heartbeat(): void {
    const { log } = this.controller
    this.controller.heartbeat(this.broker(), {
      offset: this.prng.chance(0.7) ? log.length - 1 : this.prng.below(log.length),
      wantFence: this.prng.chance(0.1),
      wantShutDown: this.prng.chance(0.15),
    })
  }

  /** Now and then with another disk. */
  private register(): void {
    const id = this.broker()
    const disk = this.prng.chance(0.1) ? this.prng.between(1, 9) : 0
    const known = this.controller.image.brokers.byId(id)
    const keepsAll = disk === 0 && this.prng.chance(0.5)
    const answer = this.controller.register(id, {
      rack: this.prng.pick(['a', 'b']),
      dirs: [directory(id, disk)],
      previousEpoch: keepsAll ? (known?.epoch ?? -1) : -1,
    })
    if (answer.errorCode === 0 && !keepsAll) this.copies.lostBy(id)
  }

  private connectionLost(): void {
    const brokerId = this.broker()
    this.controller.internal({ api: 'brokerConnectionLost', brokerId, brokerEpoch: this.controller.epochs.get(brokerId) ?? -1 })
  }

  private fence(): void {
    const brokerId = this.broker()
    this.controller.internal({ api: 'fence', brokerId, brokerEpoch: this.controller.epochs.get(brokerId) ?? -1, why: 'chance' })
  }

  private create(): void {
    const named = this.prng.pick(['t', 'u', '__proto__', 'a.b', 'a_b'])
    const name = this.prng.chance(0.5) ? named : `t${(this.topicsMade += 1) % 6}`
    const configs = this.prng.chance(0.2) ? [{ name: 'unclean.leader.election.enable', value: 'true' }] : []
    const asked = { name, numPartitions: this.prng.between(1, 3), replicationFactor: this.prng.between(1, 4), assignments: [], configs }
    this.controller.call('createTopics', { topics: [asked] })
  }

  private grow(): void {
    const name = this.topic()
    if (name === undefined) return
    const count = Math.min(6, (this.controller.image.topics.byName(name)?.partitions.length ?? 0) + 1)
    this.controller.call('createPartitions', { topics: [{ name, count, assignments: null }], timeoutMs: 1, validateOnly: false })
  }

  private remove(): void {
    const name = this.topic()
    if (name !== undefined && this.prng.chance(0.4)) this.controller.call('deleteTopics', { topics: [{ name }], timeoutMs: 1 })
  }

  /** Where it is, in a directory that the broker does not have, or lost. */
  private assignDirectory(): void {
    const some = this.somePartition()
    if (some === undefined) return
    const { partition } = some
    const brokerId = this.prng.chance(0.9) ? this.prng.pick(partition.replicas) : this.broker()
    const own = this.controller.image.brokers.byId(brokerId)?.logDirs[0] ?? directory(brokerId)
    const id = this.prng.pick([own, own, directory(brokerId, 9), DIRECTORY_LOST])
    const topics = [{ topicId: partition.topicId, partitions: [{ partitionIndex: partition.partition }] }]
    const brokerEpoch = this.controller.epochs.get(brokerId) ?? -1
    this.controller.call('assignReplicasToDirs', { brokerId, brokerEpoch, directories: [{ id, topics }] })
  }

  private alterPartition(): void {
    const some = this.somePartition()
    if (some === undefined) return
    const { name, partition } = some
    this.mayAddTo = true
    const stale = this.prng.chance(0.2)
    const isr = this.prng.chance(0.5)
      ? partition.replicas
      : partition.replicas.filter((id) => id === partition.leader || this.prng.chance(0.5))
    const answer = this.controller.alterIsr(name, isr, {
      partition: partition.partition,
      leader: this.prng.chance(0.9) ? partition.leader : this.broker(),
      ...(stale
        ? {
            partitionEpoch: partition.partitionEpoch - this.prng.between(-1, 1),
            leaderEpoch: partition.leaderEpoch - this.prng.between(-1, 1),
          }
        : {}),
      recovery: this.prng.chance(0.8) ? 0 : partition.leaderRecoveryState,
    })
    if (answer.errorCode !== 0) return
    const now = this.controller.partition(name, partition.partition)
    assert.deepEqual(
      [answer.isr, answer.partitionEpoch, answer.leaderEpoch],
      [now.isr, now.partitionEpoch, now.leaderEpoch],
      'the answer is the state',
    )
  }

  private elect(): void {
    this.uncleanAsked = this.prng.chance(0.3)
    this.controller.call('electLeaders', { electionType: this.uncleanAsked ? 1 : 0, topicPartitions: null })
  }

  private reassign(): void {
    const some = this.somePartition()
    if (some === undefined) return
    const replicas = this.prng.chance(0.25) ? null : this.someBrokers()
    this.controller.call('alterPartitionReassignments', {
      topics: [{ name: some.name, partitions: [{ partitionIndex: some.partition.partition, replicas }] }],
    })
  }

  private configure(): void {
    const resourceName = this.topic()
    if (resourceName === undefined) return
    const [name, value] = this.prng.pick([
      ['min.insync.replicas', '2'],
      ['min.insync.replicas', '1'],
      ['min.insync.replicas', '3'],
      ['unclean.leader.election.enable', 'false'],
      ['retention.ms', '1'],
    ] as const)
    const configs = [{ name, configOperation: this.prng.pick([0, 1]), value }]
    this.controller.call('incrementalAlterConfigs', { resources: [{ resourceType: 2, resourceName, configs }], validateOnly: false })
  }

  private unregister(): void {
    if (this.prng.chance(0.2)) this.controller.call('unregisterBroker', { brokerId: this.broker() })
  }

  private resign(): void {
    if (!this.prng.chance(0.3)) return
    this.controller.host.resign()
    this.controller.lead()
  }

  private minIsr(topic: string): number {
    const { configs } = this.controller.image
    return Number(configs.ofTopic(topic).get('min.insync.replicas') ?? configs.ofAllBrokers().get('min.insync.replicas'))
  }

  private check(action: string): void {
    const { image } = this.controller
    const seen = new Map<string, PartitionImage>()
    for (const topic of image.topics.all()) {
      const unclean = this.uncleanAsked || image.configs.ofTopic(topic.name).get('unclean.leader.election.enable') === 'true'
      for (const partition of topic.partitions) {
        assert.ok(partition !== undefined, 'no holes')
        const key = `${topic.id}:${partition.partition}`
        const before = this.before.get(key)
        const why = `${action}: ${topic.name}-${partition.partition} ${before === undefined ? 'new' : shown(before)} -> ${shown(partition)}`
        this.checkState(partition, why)
        if (before !== undefined && before !== partition) this.checkChange(before, partition, unclean, why)
        if (this.elr) this.copies.check(key, partition, this.minIsr(topic.name), this.mayAddTo || unclean, why)
        seen.set(key, partition)
      }
    }
    this.before = seen
  }

  private checkState(partition: PartitionImage, why: string): void {
    const { replicas, isr, leader, addingReplicas: adding, removingReplicas: removing, directories } = partition
    const active = (id: number): boolean => isActive(this.controller.image.brokers.byId(id))
    assert.ok(replicas.length > 0 && new Set(replicas).size === replicas.length, why)
    assert.ok((isr.length > 0 || this.elr) && new Set(isr).size === isr.length && isr.every((id) => replicas.includes(id)), why)
    assert.ok(leader === -1 || (isr.includes(leader) && active(leader)), `${why}: the leader is in sync and active`)
    assert.ok((isr.length === 1 && !this.elr) || isr.every(active), `${why}: only the last member of an ISR may be gone`)
    const hasReplica = (id: number): boolean => {
      const where = partition.directories[replicas.indexOf(id)] ?? ''
      const dirs = this.controller.image.brokers.byId(id)?.logDirs ?? []
      return dirs.includes(where) || where === DIRECTORY_UNASSIGNED || where === DIRECTORY_MIGRATING
    }
    assert.ok(leader === -1 || hasReplica(leader), `${why}: the leader has what it leads`)
    const trusted = [...isr, ...partition.eligibleLeaderReplicas]
    assert.ok(leader !== -1 || !trusted.some((id) => active(id) && hasReplica(id)), `${why}: who can lead leads`)
    assert.ok(new Set(trusted).size === trusted.length && trusted.every((id) => replicas.includes(id)), `${why}: trusted once`)
    assert.ok([...adding, ...removing].every((id) => replicas.includes(id)) && !adding.some((id) => removing.includes(id)), why)
    assert.equal(directories.length, replicas.length, why)
  }

  private checkChange(before: PartitionImage, after: PartitionImage, unclean: boolean, why: string): void {
    assert.ok(after.partitionEpoch > before.partitionEpoch, why)
    assert.ok(after.leaderEpoch >= before.leaderEpoch, why)
    if (after.leader !== before.leader) assert.ok(after.leaderEpoch > before.leaderEpoch, `${why}: a new leader, a new epoch`)
    const gone = before.replicas.some((id) => !after.replicas.includes(id))
    if (gone) assert.ok(after.leaderEpoch > before.leaderEpoch, `${why}: a replica went, a new epoch`)
    // Time may pass several changes, of which one may be unclean
    if (unclean || after.leaderRecoveryState === 1) return
    const trusted = [...before.isr, ...before.eligibleLeaderReplicas]
    const allowed = this.mayAddTo ? after.replicas : trusted
    assert.ok(
      after.isr.every((id) => allowed.includes(id)),
      `${why}: only a leader's proposal adds to an ISR`,
    )
    if (after.leader !== -1 && after.leader !== before.leader && !this.mayAddTo)
      assert.ok(trusted.includes(after.leader), `${why}: a clean election`)
    if (!this.mayAddTo && gone)
      assert.ok(
        [...after.isr, ...after.eligibleLeaderReplicas].some((id) => trusted.includes(id)) || trusted.length === 0,
        `${why}: what was acknowledged stays`,
      )
  }

  checkFold(): void {
    const { image, follower } = this.controller
    const records = JSON.stringify([...image.toRecords()])
    assert.equal(JSON.stringify([...follower.toRecords()]), records, 'what a standby has folded is what the active controller has')
    const copy = new ClusterImage()
    for (const record of image.toRecords()) copy.apply(record)
    assert.equal(JSON.stringify([...copy.toRecords()]), records, 'a snapshot says it all')
    this.znodes.apply(this.controller.log.slice(this.inZnodes))
    this.inZnodes = this.controller.log.length
    this.znodes.check()
    assert.deepEqual(canonical(this.znodes.image.toRecords()), canonical(image.toRecords()), 'so do the znodes')
  }
}

/**
 * Who has all that was acknowledged of each partition, if its leader acknowledges something whenever it may: while the ISR is large enough. Whoever is not
 * in the ISR then has not got it, until a leader takes it in.
 */
class Copies {
  private readonly holders = new Map<string, Set<number>>()

  lostBy(broker: number): void {
    for (const holders of this.holders.values()) holders.delete(broker)
  }

  check(key: string, partition: PartitionImage, minIsr: number, mayAdd: boolean, why: string): void {
    const { isr, leader, replicas, eligibleLeaderReplicas: elr } = partition
    const before = this.holders.get(key)
    const holders = new Set(before ?? [...isr, ...elr])
    // A leader took them in, or what they have counts from now on
    const counts = partition.leaderRecoveryState === 1 ? [...isr, ...elr] : mayAdd ? isr : []
    counts.forEach((id) => holders.add(id))
    for (const id of [...isr, ...elr])
      assert.ok(holders.has(id), `${why}: ${id} is trusted, but ${[...holders].join()} have what was acknowledged`)
    this.holders.set(key, leader !== -1 && isr.length >= Math.min(minIsr, replicas.length) ? new Set(isr) : holders)
  }
}

const seeds = Number(process.env['CONTROLLER_SEEDS'] ?? 40)
const steps = 250

test(`${seeds} lives of a cluster break no rule`, () => {
  const counts = new Map<string, number>()
  for (let seed = 1; seed <= seeds; seed += 1) {
    const life = new Life(seed)
    for (let at = 0; at < steps; at += 1) {
      try {
        life.step()
        if (at % 25 === 0) life.checkFold()
      } catch (error) {
        throw new Error(`seed ${seed}, step ${at}: ${String(error)}`, { cause: error })
      }
    }
    life.checkFold()
    for (const [name, count] of life.counts) counts.set(name, (counts.get(name) ?? 0) + count)
  }
  for (const [name, count] of counts) assert.ok(count > seeds, `${name} was tried ${count} times`)
})

test('the same seed is the same life', () => {
  const story = (): string => {
    const life = new Life(4711)
    for (let at = 0; at < 100; at += 1) life.step()
    return JSON.stringify(life.controller.log)
  }
  assert.equal(story(), story())
})
