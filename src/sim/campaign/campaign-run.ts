import { DiskError } from '../../base/ports.ts'
import { Prng } from '../../base/prng.ts'
import type { Millis, NodeId } from '../../base/units.ts'
import { createTopic } from '../cluster-requests.ts'
import { ClusterWorld } from '../cluster-world.ts'
import { examine } from '../history/judge.ts'
import { HistoryRecorder } from '../history/recorder.ts'
import { plainLink } from '../network-links.ts'
import type { ClientWorld } from './clients/client.ts'
import { Damages } from './damages.ts'
import { Digest } from './digest.ts'
import type { FaultKind, PlannedFault } from './fault-kinds.ts'
import { Faults } from './faults.ts'
import { Nodes } from './nodes.ts'
import { type CampaignOptions, hasSilentFaults } from './options.ts'
import { PowerPermission } from './permission.ts'
import { placesOf, Population } from './clients/population.ts'
import { behind, dispensable, obstacles } from './progress.ts'
import { drain } from './clients/reader.ts'
import { QuorumJudge } from './quorum-judge.ts'
import { ReplicaJudge } from './replica-judge.ts'
import { Story } from './story.ts'
import { hold, Violation } from './violation.ts'
import { Weather } from './weather.ts'

const topic = 'campaign'
/** All must be well within this after healing. */
const healMsMax: Millis = 30_000
/** Clients end what they do within this. */
const quietMsMax: Millis = 30_000
/** Between two looks while nothing begins or ends. */
const lookMs: Millis = 250
/** Between two looks after processes that have ended by themselves. */
const tickMs: Millis = 10

export interface RunReport {
  readonly seed: number
  readonly digest: string
  readonly simulatedMs: Millis
  readonly events: number
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly acknowledged: number
  readonly operations: number
  readonly healedMs: Millis
}

/** One seed: a cluster, its clients, and all that happens to them. */
export class CampaignRun {
  readonly story: Story
  private readonly options: CampaignOptions
  private readonly plan: readonly PlannedFault[]
  private readonly world: ClusterWorld
  private readonly weather: Weather
  private readonly damages: Damages
  private readonly nodes: Nodes
  private readonly permission: PowerPermission
  private readonly faults: Faults
  private readonly replicaJudge: ReplicaJudge
  private readonly quorumJudge: QuorumJudge
  private readonly recorder: HistoryRecorder
  private readonly digest = new Digest()
  private readonly prng: Prng
  private readonly of: ClientWorld
  private readonly population: Population
  private uncaught: Error | null = null
  private nextLook = 0
  private healedMs = 0

  constructor(options: CampaignOptions, plan: readonly PlannedFault[]) {
    this.options = options
    this.plan = plan
    this.prng = new Prng(options.seed + 11_000_027)
    this.story = new Story(() => this.world.clock.mono())
    this.world = this.makeWorld()
    this.weather = new Weather(this.world.network, { ...plainLink, jitterMs: options.jitterMs })
    this.recorder = new HistoryRecorder((line) => this.digest.add(this.world.clock.mono(), line))
    const clients = placesOf(options)
    this.damages = new Damages(this.world)
    this.nodes = new Nodes(this.world, this.weather, this.story, clients, this.damages)
    this.permission = new PowerPermission(this.world, this.nodes, this.damages, options.durable)
    const { world, weather, nodes, story, prng, permission, damages } = this
    this.faults = new Faults({ world, weather, nodes, story, prng, permission, damages, clients, topic })
    this.replicaJudge = new ReplicaJudge(world, damages)
    this.quorumJudge = new QuorumJudge(world)
    this.of = { world, recorder: this.recorder, story, seed: options.seed, topic, partitions: options.partitions, topicId: null }
    this.population = new Population(options, this.of)
  }

  private makeWorld(): ClusterWorld {
    const { options } = this
    const world = new ClusterWorld(options.nodes, options.seed, propertiesOf(options), {
      network: { latencyMs: options.latencyMs, pieceBytesMax: options.pieceBytesMax, seed: options.seed },
      rateOf: (id) => options.clockRates.get(id) ?? 1,
      onLine: (line) => this.story.onLine(line),
      survivesCrashes: true,
    })
    for (const node of world.nodes.values()) {
      node.disk.syncsLate = true
      if (options.diskDelayMs > 0) node.diskDelayMs = () => this.prng.fraction() * options.diskDelayMs
    }
    world.network.onDelivered = (from, to, bytes) => this.digest.add(world.clock.mono(), `${from}>${to}`, bytes)
    return world
  }

  /** @throws Violation */
  async run(): Promise<RunReport> {
    const { world, options } = this
    await world.startAll(20_000)
    this.of.topicId = await createTopic(world, topic, options.replicationFactor, { 'min.insync.replicas': '2' }, options.partitions)
    this.story.tell('campaign', `${options.nodes} nodes serve; faults begin`)
    this.population.start()
    await this.faultsPhase()
    await this.healPhase()
    await this.quietPhase()
    return this.report()
  }

  /** Something was thrown where nobody caught it. What fails on a disk ends the process of that disk, as it would in production. */
  onUncaught(error: unknown): void {
    const found = error instanceof DiskError ? /^\/(?:data|metadata)\/(\d+)/.exec(error.path)?.[1] : undefined
    const reason = error instanceof Error ? error : new Error(String(error))
    if (found === undefined) {
      this.uncaught ??= reason
      return
    }
    const life = this.nodes.lifeOf(Number(found))
    if (life !== null) life.failure ??= reason.stack ?? reason.message
  }

  private report(): RunReport {
    const { clock } = this.world
    return {
      seed: this.options.seed,
      digest: this.digest.text,
      simulatedMs: clock.mono(),
      events: clock.events,
      faults: this.faults.counts,
      acknowledged: this.population.acknowledged,
      operations: this.recorder.history.size,
      healedMs: this.healedMs,
    }
  }

  private look(): void {
    this.replicaJudge.look()
    this.quorumJudge.look((id) => this.nodes.isStopping(id))
  }

  // --- faults ---

  private async faultsPhase(): Promise<void> {
    const { clock } = this.world
    const begin = clock.mono()
    for (const planned of this.plan) {
      await this.passUntil(begin + planned.at)
      if (this.faults.count < this.options.faultsAtOnceMax && this.faults.begin(planned)) this.look()
    }
    await this.passUntil(begin + this.options.faultsMs)
  }

  /** Lets time pass, ends what is over, buries the dead. */
  private async passUntil(time: Millis): Promise<void> {
    const { clock } = this.world
    while (clock.mono() < time) {
      await clock.advance(Math.min(tickMs, time - clock.mono()))
      if (this.uncaught !== null) throw this.uncaught
      const isDue = this.faults.nextEnd <= clock.mono()
      this.nodes.look()
      this.faults.endDue()
      if (!isDue && clock.mono() < this.nextLook) continue
      this.nextLook = clock.mono() + lookMs
      this.look()
    }
  }

  // --- healing ---

  private async healPhase(): Promise<void> {
    this.story.tell('campaign', 'faults are over')
    this.population.settle()
    const away = this.options.healsInTwoSteps ? this.whoStaysAway() : null
    this.faults.endAll()
    if (away !== null) {
      this.story.tell('fault', `node ${away} stays away; the others must go on without it`)
      this.nodes.kill(away)
      await this.demandProgress(this.nodes.ids.filter((id) => id !== away))
    }
    this.startAll(null)
    this.story.tell('campaign', 'all are back')
    await this.demandProgress(this.nodes.ids)
  }

  private whoStaysAway(): NodeId | null {
    if (this.world.activeController() === null) return null
    const found = dispensable(this.world, this.permission.untrusted)
    return found.length === 0 ? null : this.prng.pick(found)
  }

  private startAll(but: NodeId | null): void {
    for (const id of this.nodes.ids) if (id !== but && this.nodes.lifeOf(id) === null && !this.nodes.isStopping(id)) this.nodes.start(id)
  }

  /** A log directory that has failed is out of service until the next start, which is for an operator to bring about when the disk is well again. */
  private restartCrippled(alive: readonly NodeId[]): void {
    const { nodes, world, story } = this
    for (const id of alive) {
      const known = world.image().brokers.byId(id)?.logDirs.length ?? Infinity
      if (nodes.lifeOf(id)?.started !== true || nodes.isStopping(id) || known >= world.node(id).config.logDirs.length) continue
      story.tell('cluster', `node ${id}, of which a log directory is out of service, is started again`)
      nodes.kill(id)
      nodes.start(id)
    }
  }

  /** REP-15: what is there comes together. @throws Violation with what is stuck */
  private async demandProgress(alive: readonly NodeId[]): Promise<void> {
    const { clock } = this.world
    const begin = clock.mono()
    const acknowledged = this.population.acknowledged
    const [away = null] = this.nodes.ids.filter((id) => !alive.includes(id))
    await this.untilNothingIsStuck(() => {
      this.startAll(away)
      this.restartCrippled(alive)
      const silence = this.population.acknowledged > acknowledged ? [] : ['no produce has succeeded']
      return [
        ...obstacles(this.world, alive),
        ...(away === null ? this.damages.describe() : []),
        ...silence,
        ...this.population.obstacles(),
      ]
    })
    this.healedMs = Math.max(this.healedMs, clock.mono() - begin)
    this.story.tell('campaign', `all is well after ${(clock.mono() - begin).toFixed(0)} ms`)
  }

  /** @throws Violation */
  private async untilNothingIsStuck(look: () => readonly string[]): Promise<void> {
    const { clock } = this.world
    const begin = clock.mono()
    for (let stuck = look(); stuck.length > 0; stuck = look()) {
      hold(
        clock.mono() - begin < healMsMax,
        'REP-15',
        () => `not well after ${healMsMax / 1000} s without faults:\n  ${stuck.join('\n  ')}`,
      )
      await this.passUntil(clock.mono() + 50)
    }
  }

  // --- the end ---

  private async quietPhase(): Promise<void> {
    const { world } = this
    await world.run(this.population.stop(), quietMsMax)
    await this.passUntil(world.clock.mono() + 1_500)
    await world.run(drain(this.of, 'drain'), quietMsMax)
    // What faults leave behind may show late: who was cut off at the end is fenced, who was told to stop has stopped, when all looked well
    await this.untilNothingIsStuck(() => {
      this.startAll(null)
      this.restartCrippled(this.nodes.ids)
      return [...obstacles(world, this.nodes.ids), ...behind(world), ...this.damages.describe()]
    })
    this.replicaJudge.lookAtEnd()
    this.quorumJudge.look((id) => this.nodes.isStopping(id))
    this.judgeHistory()
  }

  private judgeHistory(): void {
    const verdict = examine(this.recorder.history)
    const [first] = verdict.errors
    if (first === undefined) return
    const counts = [...verdict.errorCounts].map(([kind, count]) => `${count} ${kind}`).join(', ')
    throw new Violation(first.kind, `${counts}; the first: ${JSON.stringify(first, null, 1).slice(0, 3_000)}`)
  }
}

/** Segments of some dozens of batches: where one ends and the next begins is where names have to be durable too. */
const durableProperties = {
  'log.flush.interval.messages': '1',
  'log.index.interval.bytes': '0',
  'log.index.size.max.bytes': '512',
}

/** What is spoilt and read by nobody is found in time; most of it lies in segments that are done. */
const silentProperties = {
  'odradek.log.scrub.bytes.per.second': '100000000',
  'log.flush.offset.checkpoint.interval.ms': '1000',
  'log.index.interval.bytes': '0',
  'log.index.size.max.bytes': '512',
}

function propertiesOf(options: CampaignOptions): Record<string, string> {
  const apart: Record<string, string> = options.metadataApart ? { 'metadata.log.dir': '/metadata/%id' } : {}
  return {
    'metadata.log.max.record.bytes.between.snapshots': String(options.snapshotBytes),
    'replica.fetch.response.max.bytes': String(options.replicaFetchBytes),
    'log.dirs': Array.from({ length: options.logDirs }, (_unused, at) => `/data/%id/${at}`).join(','),
    'offsets.topic.num.partitions': '1',
    'min.insync.replicas': '2',
    'group.initial.rebalance.delay.ms': '100',
    'group.min.session.timeout.ms': '1000',
    'group.consumer.min.session.timeout.ms': '1000',
    'group.consumer.session.timeout.ms': '2000',
    'group.consumer.min.heartbeat.interval.ms': '200',
    'group.consumer.heartbeat.interval.ms': '400',
    ...(hasSilentFaults(options) ? { ...silentProperties, 'odradek.log.scrub.interval.ms': String(options.scrubMs) } : {}),
    ...(options.durable ? durableProperties : {}),
    ...apart,
  }
}
