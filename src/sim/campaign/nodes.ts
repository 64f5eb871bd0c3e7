import type { Millis, NodeId } from '../../base/units.ts'
import { type ClusterWorld, type NodeLife, placeOf } from '../cluster-world.ts'
import type { Place } from '../network-links.ts'
import type { Damages } from './damages.ts'
import { hold } from './violation.ts'
import type { Story } from './story.ts'
import { between, type Weather } from './weather.ts'

/** What a process that ends by itself is started again after, as by a supervisor. */
const restartMs: Millis = 300
/** A disk that has failed may end a process so much later. */
const diskFaultMs: Millis = 5_000
/** A process that was told to stop is killed when it has not stopped by then. */
const stopMsMax: Millis = 20_000

/** The processes of all nodes: their starts, stops and deaths, and who starts again what has ended by itself. */
export class Nodes {
  private readonly world: ClusterWorld
  private readonly weather: Weather
  private readonly story: Story
  private readonly clients: readonly Place[]
  private readonly damages: Damages
  /** Until when a node may end by itself, because its disk fails or has failed. */
  private readonly diskFaultUntil = new Map<NodeId, Millis>()
  private readonly full = new Set<NodeId>()
  private readonly restartAt = new Map<NodeId, Millis>()
  private readonly frozen = new Map<NodeId, NodeLife>()
  private readonly stopping = new Set<NodeLife>()
  /** Ends what the loss of a machine's power does to the network. */
  private readonly powerless = new Map<NodeId, () => void>()

  constructor(world: ClusterWorld, weather: Weather, story: Story, clients: readonly Place[], damages: Damages) {
    this.world = world
    this.weather = weather
    this.story = story
    this.clients = clients
    this.damages = damages
  }

  get ids(): readonly NodeId[] {
    return [...this.world.nodes.keys()]
  }

  get places(): readonly Place[] {
    return this.ids.map(placeOf)
  }

  lifeOf(id: NodeId): NodeLife | null {
    return this.world.node(id).life
  }

  isFrozen(id: NodeId): boolean {
    return this.frozen.has(id)
  }

  /** Runs, is not about to stop, and is not frozen. */
  isRunning(id: NodeId): boolean {
    const life = this.lifeOf(id)
    return life !== null && !this.frozen.has(id) && !this.stopping.has(life) && life.failure === null
  }

  get allServe(): boolean {
    return this.ids.every((id) => this.isRunning(id) && this.lifeOf(id)?.started === true)
  }

  start(id: NodeId): void {
    this.restartAt.delete(id)
    this.powerless.get(id)?.()
    this.powerless.delete(id)
    if (this.lifeOf(id) === null) this.world.start(id)
  }

  /** What the disk has spoilt is known for a loss only when the machine dies with its process. */
  kill(id: NodeId): void {
    this.restartAt.delete(id)
    this.frozen.delete(id)
    this.world.kill(id, this.damages.isDamaged(id))
  }

  /** Nobody hears of it: what listens there does not refuse, connections are not reset until the machine is back. */
  cutPower(id: NodeId): void {
    const others = [...this.places.filter((it) => it !== placeOf(id)), ...this.clients]
    this.powerless.set(id, this.weather.begin(between([placeOf(id)], others, { cut: true })))
    this.restartAt.delete(id)
    this.frozen.delete(id)
    this.world.kill(id, true)
  }

  freeze(id: NodeId): void {
    const life = this.lifeOf(id)
    if (life === null) return
    this.frozen.set(id, life)
    this.world.freeze(id)
  }

  thaw(id: NodeId): void {
    const life = this.frozen.get(id)
    this.frozen.delete(id)
    if (life !== undefined && this.lifeOf(id) === life) this.world.thaw(id)
  }

  /** As SIGTERM; it takes its time. `stopped` is called when it has come to its end by itself. */
  stop(id: NodeId, stopped: () => void = () => {}): void {
    const life = this.lifeOf(id)
    if (life === null) return
    this.stopping.add(life)
    const end = (how: string): void => {
      if (!this.stopping.delete(life) || this.lifeOf(id) !== life) return
      this.story.tell('cluster', `node ${id} has stopped${how}`)
      this.kill(id)
      if (how === '') stopped()
    }
    const work = life.broker.stop().then(() => life.controller.stop())
    work.then(
      () => end(''),
      (error: unknown) => end(`: ${String(error)}`),
    )
    this.world.clock.after(stopMsMax, () => end(`, killed after ${stopMsMax / 1000} s`))
  }

  isStopping(id: NodeId): boolean {
    const life = this.lifeOf(id)
    return life !== null && this.stopping.has(life)
  }

  /** A full disk is no reason to end, but for nothing else may be done to the same disk. */
  beginFullDisk(id: NodeId): () => void {
    this.full.add(id)
    return () => void this.full.delete(id)
  }

  isFull(id: NodeId): boolean {
    return this.full.has(id)
  }

  /** Until a while after `end` is called the node may end by itself. */
  beginDiskFault(id: NodeId): () => void {
    this.diskFaultUntil.set(id, Infinity)
    return () => void this.diskFaultUntil.set(id, this.world.clock.mono() + diskFaultMs)
  }

  hasDiskFault(id: NodeId): boolean {
    return this.diskFaultUntil.get(id) === Infinity
  }

  /** Its disk has failed at some time. */
  hadDiskFault(id: NodeId): boolean {
    return this.diskFaultUntil.has(id)
  }

  /** Its disk fails, or has not long ago. */
  mayEnd(id: NodeId): boolean {
    return (this.diskFaultUntil.get(id) ?? -Infinity) > this.world.clock.mono()
  }

  /** Buries processes that ended by themselves, and starts them again. @throws Violation for one that had no reason to end */
  look(): void {
    const now = this.world.clock.mono()
    for (const id of this.ids) {
      const life = this.lifeOf(id)
      if (life !== null && life.failure !== null) this.bury(id, life.failure)
      const restartAt = this.restartAt.get(id)
      if (restartAt !== undefined && now >= restartAt && !this.hasDiskFault(id)) {
        this.story.tell('cluster', `node ${id} is started again`)
        this.start(id)
      }
    }
  }

  private bury(id: NodeId, reason: string): void {
    const [first] = reason.split('\n')
    const isDiskError = /DiskError|log director|EIO/.test(reason) && !/ENOSPC/.test(reason)
    hold(isDiskError && this.mayEnd(id), 'P-1', () => `node ${id} has ended: ${reason}`)
    this.story.tell('cluster', `node ${id} ends by itself: ${first ?? ''}`)
    this.kill(id)
    this.restartAt.set(id, this.world.clock.mono() + restartMs)
  }
}
