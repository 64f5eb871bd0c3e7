import { assert } from '../base/assert.ts'
import { Prng } from '../base/prng.ts'
import { type Millis, type NodeId, partitionName, type TopicPartition } from '../base/units.ts'
import { createTopic, textsOf } from './cluster-requests.ts'
import { ClusterWorld } from './cluster-world.ts'

export interface StressOptions {
  /** How long nodes fail, of simulated time. */
  readonly faultsMs: Millis
  readonly partitions: number
}

export interface StressReport {
  readonly acknowledged: number
  readonly unknown: number
  readonly faults: readonly string[]
  /** Simulated time from the end of the faults until all was well again. */
  readonly healedMs: Millis
}

const nodeCount = 3
const topic = 'stressed'
const healMsMax: Millis = 60_000
const produceTimeoutMs: Millis = 8_000
const pauseBetweenFaultsMs = { least: 20, most: 1_800 }

/** What one producer was told of its values. */
interface Told {
  readonly at: TopicPartition
  readonly acknowledged: string[]
  readonly unknown: Set<string>
}

/**
 * Nodes are killed, cut off their power, frozen, stopped and started while clients produce with acks=all and idempotence; then all is healed, and what
 * must hold holds: each acknowledged value is read exactly once and in order, no other more than once, and all replicas are equal in their bytes.
 */
export class ClusterStress {
  private readonly world: ClusterWorld
  private readonly options: StressOptions
  private readonly prng: Prng
  private readonly told: Told[]
  private readonly faults: string[] = []
  private readonly frozen = new Set<NodeId>()
  /** It has lost its power and may have lost records, and may still be trusted, or needed, somewhere. */
  private wounded: NodeId | null = null
  private producing = true

  constructor(seed: number, options: StressOptions) {
    this.world = new ClusterWorld(nodeCount, seed)
    this.options = options
    this.prng = new Prng(seed + 1_000_003)
    this.told = Array.from({ length: options.partitions }, (_unused, partition) => ({
      at: { topic, partition },
      acknowledged: [],
      unknown: new Set<string>(),
    }))
  }

  async run(): Promise<StressReport> {
    const { world } = this
    await world.startAll()
    await createTopic(world, topic, nodeCount, { 'min.insync.replicas': '2' }, this.options.partitions)
    const producers = Promise.all(this.told.map((it) => this.produce(it)))
    const end = world.clock.mono() + this.options.faultsMs
    while (world.clock.mono() < end) {
      await world.clock.advance(this.prng.between(pauseBetweenFaultsMs.least, pauseBetweenFaultsMs.most))
      await this.fault()
      this.checkLives()
    }
    const healedMs = await this.heal()
    this.producing = false
    await world.run(producers, healMsMax)
    await world.clock.advance(1_500)
    await this.judge()
    const acknowledged = this.told.reduce((sum, it) => sum + it.acknowledged.length, 0)
    const unknown = this.told.reduce((sum, it) => sum + it.unknown.size, 0)
    return { acknowledged, unknown, faults: this.faults, healedMs }
  }

  describe(): string {
    return [...this.faults, this.world.describe()].join('\n')
  }

  private async produce({ at, acknowledged, unknown }: Told): Promise<void> {
    const client = this.world.client(`producer-${at.partition}`)
    for (let n = 0; this.producing; n += 1) {
      const text = `${at.partition}-${n}`
      try {
        await client.produce(at, [{ value: Buffer.from(text) }], { timeoutMs: produceTimeoutMs })
        acknowledged.push(text)
      } catch {
        unknown.add(text)
      }
      await new Promise<void>((resolve) => void this.world.clock.after(this.prng.between(0, 30), resolve))
    }
    client.close()
  }

  private async fault(): Promise<void> {
    const id = this.prng.between(1, nodeCount)
    const { life } = this.world.node(id)
    if (life === null) return this.note(`start ${id}`, () => void this.world.start(id))
    if (this.frozen.has(id)) return this.note(`thaw ${id}`, () => this.thaw(id))
    switch (this.prng.between(0, 5)) {
      case 0:
      case 1:
        return this.note(`kill ${id}`, () => this.world.kill(id))
      case 2:
        if (this.mayLosePower(id)) return this.note(`power off ${id}`, () => this.powerOff(id))
        return this.note(`kill ${id}`, () => this.world.kill(id))
      case 3:
      case 4:
        return this.note(`freeze ${id}`, () => this.freeze(id))
      default:
        if (!life.started || this.frozen.size > 0) return
        this.note(`stop ${id}`, () => {})
        return this.world.stop(id, 25_000)
    }
  }

  private note(what: string, run: () => void): void {
    this.faults.push(`${this.world.clock.mono().toFixed(0)} ${what}`)
    run()
  }

  /** One node may lose what it has not synced at any time, whatever happens to the others: see PowerPermission. */
  private mayLosePower(id: NodeId): boolean {
    return !this.isWounded() || this.wounded === id
  }

  private powerOff(id: NodeId): void {
    this.wounded = id
    this.world.kill(id, true)
  }

  /** Another may lose its power when this one has registered again, and everything is on two replicas that are in sync or eligible. */
  private isWounded(): boolean {
    const { wounded, world } = this
    if (wounded === null || world.activeController() === null) return wounded !== null
    const isSafe = [...world.image().topics.all()].every(({ partitions }) =>
      partitions.every((it) => it === undefined || it.isr.length + it.eligibleLeaderReplicas.length >= 2),
    )
    if (world.node(wounded).life?.started === true && isSafe) this.wounded = null
    return this.wounded !== null
  }

  private freeze(id: NodeId): void {
    this.frozen.add(id)
    this.world.freeze(id)
  }

  private thaw(id: NodeId): void {
    this.frozen.delete(id)
    this.world.thaw(id)
  }

  private checkLives(): void {
    for (const { id, life } of this.world.nodes.values()) {
      assert(life === null || life.failure === null, `node ${id} failed: ${life?.failure ?? ''}`)
    }
  }

  private async heal(): Promise<Millis> {
    const { world } = this
    for (const id of [...this.frozen]) this.thaw(id)
    for (const [id, node] of world.nodes) if (node.life === null) world.start(id)
    const whole = (): boolean =>
      world.activeController() !== null &&
      this.told.every(({ at }) => {
        const state = world.partition(at.topic, at.partition)
        return state !== undefined && state.leader >= 0 && state.isr.length === nodeCount
      })
    const served = await world.untilAllServe(healMsMax)
    return served + (await world.until(whole, healMsMax))
  }

  private async judge(): Promise<void> {
    for (const told of this.told) {
      const { at } = told
      const highWatermark = this.judgeOrder(told, await this.readAll(at))
      const replicas = [...this.world.nodes.keys()].map((id) => this.world.bytesOf(id, at.topic, at.partition, highWatermark))
      const [first] = replicas
      assert(first !== undefined && first.length > 0, 'there is a replica')
      for (const bytes of replicas) assert(bytes.equals(first), `the replicas of ${partitionName(at.topic, at.partition)} differ`)
    }
  }

  private async readAll(at: TopicPartition): Promise<readonly string[]> {
    const client = this.world.client('reader')
    const seen: string[] = []
    for (;;) {
      const { records, highWatermark } = await this.world.run(client.fetch(at, seen.length, { timeoutMs: 10_000, maxWaitMs: 100 }))
      assert(records.length > 0 || highWatermark === seen.length, `nothing is read at ${seen.length}, before ${highWatermark}`)
      if (records.length === 0) break
      seen.push(...textsOf(records))
    }
    client.close()
    return seen
  }

  /** Returns the number of values. */
  private judgeOrder({ at, acknowledged, unknown }: Told, seen: readonly string[]): number {
    const name = partitionName(at.topic, at.partition)
    const twice = seen.find((text, index) => seen.indexOf(text) !== index)
    assert(twice === undefined, `${name}: ${twice ?? ''} is there twice`)
    const known = new Set(acknowledged)
    const stranger = seen.find((text) => !known.has(text) && !unknown.has(text))
    assert(stranger === undefined, `${name}: ${stranger ?? ''} was never produced`)
    const kept = seen.filter((text) => known.has(text))
    const wrong = acknowledged.findIndex((text, index) => kept[index] !== text)
    assert(
      wrong < 0,
      `${name}: of the acknowledged, ${acknowledged[wrong] ?? ''} should come as number ${wrong}, there is ${kept[wrong] ?? 'nothing'}`,
    )
    return seen.length
  }
}
