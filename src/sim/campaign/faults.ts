import { ballastFileName } from '../../log/ballast/ballast.ts'
import type { Prng } from '../../base/prng.ts'
import type { Millis, NodeId } from '../../base/units.ts'
import { type ClusterWorld, placeOf } from '../cluster-world.ts'
import type { DiskAction } from '../memory-disk.ts'
import type { Place } from '../network-links.ts'
import { type FaultKind, type PlannedFault, type Target, targetName } from './fault-kinds.ts'
import type { Damages } from './damages.ts'
import type { Nodes } from './nodes.ts'
import type { PowerPermission } from './permission.ts'
import { RotFaults } from './rot-faults.ts'
import type { Story } from './story.ts'
import { between, oneWay, type Weather, type WayFault } from './weather.ts'

export interface FaultSurroundings {
  readonly world: ClusterWorld
  readonly nodes: Nodes
  readonly weather: Weather
  readonly permission: PowerPermission
  readonly damages: Damages
  readonly story: Story
  readonly prng: Prng
  readonly clients: readonly Place[]
  /** The topic whose partitions targets name. */
  readonly topic: string
}

/** A fault that has begun: what it is, in words, and what ends it. */
export interface Begun {
  readonly text: string
  readonly end: () => void
}

interface UnderWay {
  readonly planned: PlannedFault
  readonly until: Millis
  readonly end: () => void
}

const nothing = (): void => {}
const clogMsMax: Millis = 1_500
const writesToLiveMax = 60
const hourMs: Millis = 3_600_000

/** Begins and ends what the plan has, one by one, and knows what is under way. */
export class Faults {
  /** How often each kind was begun. */
  readonly counts = new Map<FaultKind, number>()
  private readonly around: FaultSurroundings
  private readonly rot: RotFaults
  /** What disks take that are not slow, of those that were slow once: faults overlap. */
  private readonly usualDelays = new Map<NodeId, () => Millis>()
  private underWay: UnderWay[] = []

  constructor(around: FaultSurroundings) {
    this.around = around
    this.rot = new RotFaults(around)
  }

  get count(): number {
    return this.underWay.length
  }

  /** When the next one under way ends; Infinity when there is none. */
  get nextEnd(): Millis {
    return Math.min(Infinity, ...this.underWay.map((it) => it.until))
  }

  /** Returns whether it could begin. */
  begin(planned: PlannedFault): boolean {
    const begun = this.attempt(planned)
    if (begun === null) return false
    const { kind, target, forMs } = planned
    const duration = forMs === 0 ? '' : ` for ${forMs} ms`
    const aim = target.kind === 'node' ? '' : ` (${targetName(target)})`
    this.around.story.tell('fault', `#${planned.number} ${begun.text}${aim}${duration}`)
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    if (forMs > 0) this.underWay.push({ planned, until: this.around.world.clock.mono() + forMs, end: begun.end })
    return true
  }

  /** Ends those whose time is over. */
  endDue(): void {
    const now = this.around.world.clock.mono()
    this.endThose((it) => it.until <= now)
  }

  endAll(): void {
    this.endThose(() => true)
  }

  private endThose(isOver: (fault: UnderWay) => boolean): void {
    const over = this.underWay.filter(isOver)
    this.underWay = this.underWay.filter((it) => !isOver(it))
    for (const { planned, end } of over) {
      this.around.story.tell('fault', `#${planned.number} ends`)
      end()
    }
  }

  private attempt(planned: PlannedFault): Begun | null {
    const id = this.resolve(planned.target)
    if (planned.kind === 'killAll' || planned.kind === 'powerCutAll') return this.toAll(planned.kind)
    if (id === null) return null
    switch (planned.kind) {
      case 'kill':
      case 'powerCut':
      case 'emptyDisk':
      case 'freeze':
      case 'stop':
        return this.toProcess(planned.kind, id)
      case 'rot':
      case 'misdirected':
        return this.rot.begin(planned, id)
      case 'killAtWrite':
        return this.killAtWrite(planned, id)
      case 'slowDisk':
      case 'fullDisk':
      case 'writeError':
      case 'syncError':
        return this.toDisk(planned, id)
      case 'wallClock':
        return this.toWallClock(planned, id)
      case 'resets':
        return this.resetConnections(planned, id)
      default:
        return this.toWays(planned, id)
    }
  }

  private resolve(target: Target): NodeId | null {
    const { world, topic } = this.around
    if (target.kind === 'node') return target.id
    if (target.kind === 'controller') return world.activeController()
    if (![...world.nodes.values()].some((it) => it.life !== null)) return null
    if (target.kind === 'coordinator') return idOrNull(world.leaderOf('__consumer_offsets', 0))
    const partition = world.partition(topic, target.partition)
    if (partition === undefined) return null
    if (target.kind === 'leader') return idOrNull(partition.leader)
    return partition.replicas.find((it) => it !== partition.leader) ?? null
  }

  // --- processes ---

  private toProcess(kind: 'kill' | 'powerCut' | 'emptyDisk' | 'freeze' | 'stop', id: NodeId): Begun | null {
    const { nodes } = this.around
    const life = nodes.lifeOf(id)
    if (life === null) return null
    const start = (): void => {
      if (!nodes.isStopping(id)) nodes.start(id)
    }
    if (kind === 'freeze') {
      if (nodes.isFrozen(id)) return null
      nodes.freeze(id)
      return { text: `node ${id} stands still`, end: () => nodes.thaw(id) }
    }
    if (kind === 'stop') {
      if (!nodes.isRunning(id) || !life.started) return null
      nodes.stop(id)
      return { text: `node ${id} is told to stop`, end: start }
    }
    const lossy = kind === 'kill' ? null : this.loseMore(kind, id)
    if (lossy !== null) return { text: lossy, end: start }
    nodes.kill(id)
    return { text: `node ${id} is killed`, end: start }
  }

  /** A death that loses what was not synced, or all: where the product promises to survive it. Returns what it is, in words. */
  private loseMore(kind: 'powerCut' | 'emptyDisk', id: NodeId): string | null {
    const { world, nodes, permission } = this.around
    const { config } = world.node(id)
    if (kind === 'emptyDisk' && config.logDirs.includes(config.metadataLogDir)) return null
    if (kind === 'powerCut' && permission.isUnlimited) return this.cutPower(id)
    if (!permission.mayLose(id)) return null
    if (kind === 'powerCut') return this.cutPower(id)
    nodes.kill(id)
    world.replaceLogDisks(id)
    return `node ${id} is killed, and its log directories are empty when it comes back`
  }

  private cutPower(id: NodeId): string {
    this.around.nodes.cutPower(id)
    return `node ${id} loses its power, and what it had not synced`
  }

  /** Dies right before one of its next changes to the disk, and so between what it says before and after it. */
  private killAtWrite({ amount }: PlannedFault, id: NodeId): Begun | null {
    const { world, nodes, story, permission } = this.around
    const { disk } = world.node(id)
    if (!nodes.isRunning(id) || nodes.mayEnd(id)) return null
    let left = Math.ceil(amount * amount * writesToLiveMax)
    disk.fault = (action, path) => {
      left -= 1
      if (left > 0) return null
      story.tell('fault', `node ${id} dies before it can ${action} ${path}`)
      if (permission.isUnlimited) nodes.cutPower(id)
      else nodes.kill(id)
      // What the dead program still has to say in this moment does not reach its disk
      disk.fault = () => 'EIO'
      world.clock.after(0, () => (disk.fault = () => null))
      return 'EIO'
    }
    const end = (): void => {
      if (left > 0) disk.fault = () => null
      if (nodes.lifeOf(id) === null) nodes.start(id)
    }
    return { text: `node ${id} is to die at its next change number ${left} of the disk`, end }
  }

  private toAll(kind: 'killAll' | 'powerCutAll'): Begun | null {
    const { nodes } = this.around
    const alive = nodes.ids.filter((id) => nodes.lifeOf(id) !== null)
    if (alive.length === 0) return null
    for (const id of alive) {
      if (kind === 'powerCutAll') nodes.cutPower(id)
      else nodes.kill(id)
    }
    const end = (): void => {
      for (const id of alive) nodes.start(id)
    }
    return {
      text: kind === 'powerCutAll' ? 'all nodes lose their power at once, and what they had not synced' : 'all nodes are killed',
      end,
    }
  }

  // --- the network ---

  private toWays(planned: PlannedFault, id: NodeId): Begun | null {
    const found = this.waysOf(planned, id)
    return found === null ? null : { text: found.text, end: this.around.weather.begin(found.ways) }
  }

  private waysOf({ kind, amount, forMs }: PlannedFault, id: NodeId): { readonly text: string; readonly ways: readonly WayFault[] } | null {
    const { nodes, clients } = this.around
    const here = [placeOf(id)]
    const others = nodes.places.filter((it) => it !== placeOf(id))
    const everybody = [...others, ...clients]
    const other = this.otherOf(id, amount)
    switch (kind) {
      case 'isolate':
        if (amount < 0.5) return { text: `node ${id} is cut off from the other nodes`, ways: between(here, others, { cut: true }) }
        return { text: `node ${id} is cut off from everybody`, ways: between(here, everybody, { cut: true }) }
      case 'isolateOneWay':
        if (amount < 0.5) return { text: `node ${id} hears nobody`, ways: oneWay(everybody, here, { cut: true }) }
        return { text: `nobody hears node ${id}`, ways: oneWay(here, everybody, { cut: true }) }
      case 'halves':
        return this.halves(amount)
      case 'bridge':
        return this.bridge(id)
      case 'cutPair':
        return { text: `nodes ${id} and ${other} are cut off from each other`, ways: between(here, [placeOf(other)], { cut: true }) }
      case 'cutPairOneWay':
        return { text: `node ${other} does not hear node ${id}`, ways: oneWay(here, [placeOf(other)], { cut: true }) }
      case 'cutFromController':
        return this.cutFromController(id)
      case 'cutFromClients':
        return { text: `node ${id} is cut off from all clients`, ways: between(here, clients, { cut: true }) }
      case 'clog':
        if (forMs > clogMsMax) return { text: `what node ${id} sends is held up`, ways: oneWay(here, everybody, { delayMs: clogMsMax }) }
        return { text: `what is sent to node ${id} is held up`, ways: oneWay(everybody, here, { delayMs: forMs }) }
      case 'slowLink':
        return this.slowLink(id, amount)
      case 'narrowLink':
        return {
          text: `node ${id} and the others have ${Math.ceil(amount * 20)} KB/s between them`,
          ways: between(here, others, { bytesPerMs: Math.ceil(amount * 20) }),
        }
      case 'refuseDials':
        return { text: `nobody gets a new connection to node ${id}`, ways: oneWay(everybody, here, { refusesNew: true }) }
      default:
        return null
    }
  }

  private otherOf(id: NodeId, amount: number): NodeId {
    const others = this.around.nodes.ids.filter((it) => it !== id)
    return others[Math.floor(amount * others.length)] ?? id
  }

  private halves(amount: number) {
    const { nodes, clients } = this.around
    const all = nodes.ids
    const from = Math.floor(amount * all.length)
    const size = Math.floor(all.length / 2)
    const few = Array.from({ length: size }, (_unused, at) => all[(from + at) % all.length] ?? 0)
    const many = all.filter((it) => !few.includes(it))
    // Half of the clients are on each side
    const near = clients.filter((_unused, at) => at % 2 === 0)
    const far = clients.filter((_unused, at) => at % 2 === 1)
    const ways = between([...few.map(placeOf), ...near], [...many.map(placeOf), ...far], { cut: true })
    return { text: `nodes ${few.join(', ')} and nodes ${many.join(', ')} are cut off from each other`, ways }
  }

  /** The node in the middle hears everybody; the two sides do not hear each other. */
  private bridge(middle: NodeId) {
    const others = this.around.nodes.ids.filter((it) => it !== middle)
    const left = others.filter((_unused, at) => at % 2 === 0)
    const right = others.filter((_unused, at) => at % 2 === 1)
    const ways = between(left.map(placeOf), right.map(placeOf), { cut: true })
    return { text: `only through node ${middle} do ${left.join(', ')} and ${right.join(', ')} hear of each other`, ways }
  }

  private cutFromController(id: NodeId) {
    const controller = this.around.world.activeController()
    if (controller === null || controller === id) return null
    const ways = between([placeOf(id)], [placeOf(controller)], { cut: true })
    return { text: `node ${id} is cut off from the active controller, node ${controller}`, ways }
  }

  private slowLink(id: NodeId, amount: number) {
    const { nodes, clients } = this.around
    const delayMs = Math.ceil(amount * 300)
    const others = [...nodes.places.filter((it) => it !== placeOf(id)), ...clients]
    return {
      text: `all ways of node ${id} take ${delayMs} ms longer`,
      ways: between([placeOf(id)], others, { delayMs, jitterMs: delayMs }),
    }
  }

  private resetConnections({ amount }: PlannedFault, id: NodeId): Begun | null {
    const { world, nodes, clients, prng } = this.around
    let count = 0
    for (const place of [...nodes.places, ...clients]) {
      if (place === placeOf(id)) continue
      count += world.network.reset(placeOf(id), place, () => prng.chance(amount))
      count += world.network.reset(place, placeOf(id), () => prng.chance(amount))
    }
    return count === 0 ? null : { text: `${count} connections of node ${id} are reset`, end: nothing }
  }

  // --- clocks and disks ---

  private toWallClock({ amount }: PlannedFault, id: NodeId): Begun {
    const { clock } = this.around.world.node(id)
    const by = Math.round((amount * 2 - 1) * hourMs)
    clock.wallShiftMs = by
    return { text: `the wall clock of node ${id} is set ${(by / 60_000).toFixed(1)} minutes off`, end: nothing }
  }

  private toDisk({ kind, amount }: PlannedFault, id: NodeId): Begun | null {
    const { world, nodes, permission } = this.around
    const node = world.node(id)
    const { disk } = node
    if (nodes.hasDiskFault(id) || nodes.isFull(id)) return null
    if (kind === 'slowDisk') {
      const most = Math.ceil(amount * amount * 1_500)
      const usual = this.usualDelays.get(id) ?? node.diskDelayMs
      this.usualDelays.set(id, usual)
      const slow = (): Millis => this.around.prng.between(1, most)
      node.diskDelayMs = slow
      const end = (): void => {
        if (node.diskDelayMs === slow) node.diskDelayMs = usual
      }
      return { text: `the disk of node ${id} takes up to ${most} ms`, end }
    }
    if (kind === 'fullDisk') {
      // Without all of its ballast, which comes back a while after there is room again, or after a loss of power, a node may end for want of room
      const { metadataLogDir, metadataBallastBytes } = node.config
      if ((disk.fileAt(`${metadataLogDir}/${ballastFileName}`)?.size ?? 0) < metadataBallastBytes) return null
      const ends = nodes.beginFullDisk(id)
      disk.spaceBytes = disk.usedSpace() + Math.floor(amount * 20_000)
      const end = (): void => {
        disk.spaceBytes = Infinity
        ends()
      }
      return { text: `the disk of node ${id} has ${disk.spaceBytes - disk.usedSpace()} bytes left`, end }
    }
    if (!permission.mayLose(id)) return null
    const ends = nodes.beginDiskFault(id)
    const action: DiskAction = kind === 'writeError' ? 'write' : 'sync'
    const { logDirs } = node.config
    const where = amount < 0.5 ? '' : (logDirs.at(-1) ?? '')
    disk.fault = (done, path) => (done === action && path.startsWith(where) ? 'EIO' : null)
    const end = (): void => {
      disk.fault = () => null
      ends()
    }
    return { text: `every ${action} of node ${id}${where === '' ? '' : ` in ${where}`} fails`, end }
  }
}

function idOrNull(id: NodeId): NodeId | null {
  return id < 0 ? null : id
}
