import type { SimulatedNode, Snapshot } from './raft-simulated-node.ts'
import type { RaftWorld } from './raft-world.ts'

/** Followers are left alone until the first leader is settled. */
export const settledAfterMs = 2000

/** Load, and all that can go wrong. */
export class RaftFaults {
  private readonly world: RaftWorld
  /** Off: no more records are proposed. */
  proposing = true

  constructor(world: RaftWorld) {
    this.world = world
  }

  propose(): void {
    if (!this.proposing) return
    const leaders = this.world.voters.filter((node) => node.machine?.role === 'leader' && node.pausedUntil <= this.world.now)
    for (const node of leaders) {
      const epoch = node.machine?.leaderEpoch() ?? null
      if (epoch !== null) this.world.step(node, { kind: 'propose', epoch, count: this.world.random.between(1, 3) })
    }
  }

  crashOne(): void {
    if (!this.world.faulty) return
    const leader = this.world.voters.find((node) => node.machine?.role === 'leader')
    this.world.crash(leader !== undefined && this.world.random.chance(0.5) ? leader : this.world.random.pick(this.world.nodes))
  }

  /** Of one voter at a time: the others have what it has acknowledged. */
  rotOne(): void {
    if (!this.world.faulty || this.world.voters.some((voter) => voter.loss !== null)) return
    const node = this.world.random.pick(this.world.voters)
    this.world.crash(node)
    if (node.machine !== null) return
    node.rot()
    this.world.tell(`the disk of ${node.name} spoils its log, which ended at ${node.loss?.endOffset}`)
  }

  pauseOne(): void {
    if (!this.world.faulty) return
    const node = this.world.random.pick(this.world.nodes)
    const forMs = this.world.random.chance(0.5) ? this.world.random.below(500) : this.world.random.between(500, 4000)
    node.pausedUntil = Math.max(node.pausedUntil, this.world.now + forMs)
    this.world.tell(`${node.name} pauses until ${node.pausedUntil.toFixed(0)}`)
  }

  /** Any set of directed links, an isolated node, or a bridge: two sides that only one node sees both of. */
  partition(): void {
    this.world.cut.clear()
    if (!this.world.faulty || this.world.random.chance(0.4)) return
    const shape = this.world.random.pick(['links', 'isolate', 'oneWay', 'bridge'] as const)
    const chosen = this.world.random.pick(this.world.nodes)
    for (const a of this.world.nodes) {
      for (const b of this.world.nodes) {
        if (a !== b && this.isCut(shape, chosen, a, b)) this.world.cut.add(`${a.id}>${b.id}`)
      }
    }
    this.world.tell(`partition ${shape} around ${chosen.name}: ${[...this.world.cut].join(' ')}`)
  }

  isolateFollower(): void {
    this.world.cut.clear()
    const leader = this.world.voters.find((node) => node.machine?.role === 'leader')
    if (!this.world.faulty || leader === undefined || this.world.now < settledAfterMs || this.world.random.chance(0.3)) return
    const follower = this.world.random.pick(this.world.voters.filter((node) => node !== leader))
    const others = this.world.random.chance(0.5) ? [leader] : this.world.nodes
    for (const other of others) {
      this.world.cut.add(`${follower.id}>${other.id}`)
      this.world.cut.add(`${other.id}>${follower.id}`)
    }
    this.world.tell(`${follower.name} is cut off from ${others.length === 1 ? 'the leader' : 'all'}`)
  }

  private isCut(shape: 'links' | 'isolate' | 'oneWay' | 'bridge', chosen: SimulatedNode, a: SimulatedNode, b: SimulatedNode): boolean {
    if (shape === 'links') return this.world.random.chance(0.3)
    if (shape === 'isolate') return a === chosen || b === chosen
    if (shape === 'oneWay') return a === chosen
    return a !== chosen && b !== chosen && a.id % 2 !== b.id % 2
  }

  snapshotOne(): void {
    const node = this.world.random.pick(this.world.voters)
    const { machine, applied } = node
    if (machine === null || applied.offset === 0 || applied.offset <= (node.written.snapshots.at(-1)?.id.offset ?? 0)) return
    if (applied.offset > node.durable.endOffset) return
    const snapshot: Snapshot = { id: { offset: applied.offset, epoch: machine.epochBefore(applied.offset) }, hash: applied.hash }
    for (const store of [node.written, node.durable]) store.snapshots.push(snapshot)
    this.world.tell(`${node.name} makes a snapshot at ${applied.offset}`)
    this.world.step(node, { kind: 'snapshotCreated', snapshotId: snapshot.id })
  }

  resignOne(): void {
    if (!this.world.faulty) return
    const leader = this.world.voters.find((node) => node.machine?.role === 'leader' && node.pausedUntil <= this.world.now)
    const epoch = leader?.machine?.leaderEpoch() ?? null
    if (leader === undefined || epoch === null) return
    const leaves = this.world.random.chance(0.5)
    this.world.tell(`${leader.name} is asked to ${leaves ? 'leave' : 'resign'}`)
    this.world.step(leader, leaves ? { kind: 'shutdown' } : { kind: 'resign', epoch })
  }

  heal(): void {
    this.world.faulty = false
    this.world.cut.clear()
    this.world.tell('all is healed')
    for (const node of this.world.nodes) {
      node.pausedUntil = Math.min(node.pausedUntil, this.world.now)
      this.world.start(node)
      this.world.afterEvent(node)
    }
  }
}
