import { assert } from '../base/assert.ts'
import type { DiskError } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import type { Epoch, Millis, NodeId } from '../base/units.ts'
import { type Member, QuorumWorld } from './quorum-world.ts'

const voters = 3
const steps = 220
const settleMs: Millis = 10_000
const listMax = 10

/**
 * Whole quorum nodes with their files, whose power goes: of one, of all, and at any change that is made to a disk. What was committed stays, and so do
 * epochs and votes (RAFT-1, RAFT-2, RAFT-6, RAFT-8, RAFT-9, S-7, S-8), for all of it was synced before anyone heard of it.
 * @throws with what was broken
 */
export async function simulateQuorumLife(seed: number): Promise<void> {
  const life = new QuorumLife(seed)
  await life.begin()
  for (let step = 0; step < steps; step += 1) await life.step()
  await life.end()
}

class QuorumLife {
  private readonly world: QuorumWorld
  private readonly prng: Prng
  /** What any listener was told, in its order. */
  private readonly committed: string[] = []
  private readonly leaders = new Map<Epoch, NodeId>()
  private readonly epochs = new Map<NodeId, Epoch>()
  private readonly dead = new Map<NodeId, number>()
  private readonly failed = new Set<NodeId>()
  private values = 0
  private now = 0

  constructor(seed: number) {
    this.prng = new Prng(seed * 31 + 7)
    this.world = new QuorumWorld(voters, seed, { onFailure: (error) => this.onFailure(error) })
  }

  private onFailure({ path }: DiskError): void {
    const [, id] = /data\/(\d+)/.exec(path) ?? []
    this.failed.add(Number(id))
  }

  async begin(): Promise<void> {
    for (let id = 1; id <= voters; id += 1) await this.start(id)
  }

  async step(): Promise<void> {
    this.now += 1
    await this.world.clock.advance(this.prng.pick([1, 3, 10, 30, 120]))
    for (const id of this.failed) this.cut(id)
    this.look()
    this.act()
    for (const [id, until] of this.dead) if (until <= this.now) await this.start(id)
  }

  private act(): void {
    const { prng } = this
    const id = prng.between(1, voters)
    switch (prng.below(16)) {
      case 0:
        return this.cut(id)
      case 1:
        return this.dieWithin(id)
      case 2:
        if (prng.chance(0.3)) for (let each = 1; each <= voters; each += 1) this.cut(each)
        return
      case 3:
        return this.snapshot(id)
      case 4:
        this.world.leader()?.node.resign(this.world.leader()?.witness.leading ?? -1)
        return
      default:
        return this.append()
    }
  }

  private append(): void {
    const leader = this.world.leader()
    if (leader === null) return
    const list = Array.from({ length: this.prng.between(1, 3) }, () =>
      Buffer.from(`value ${(this.values += 1)} ${'x'.repeat(this.prng.below(300))}`),
    )
    leader.node.append(leader.witness.leading, list)
  }

  private snapshot(id: NodeId): void {
    const member = this.world.member(id)
    if (this.dead.has(id) || member.witness.endOffset === 0) return
    const { values, endOffset } = member.witness
    const batches: Buffer[][] = []
    for (let at = 0; at < values.length; at += listMax) batches.push(values.slice(at, at + listMax).map((value) => Buffer.from(value)))
    member.node.writeSnapshot(endOffset, batches).catch((error: unknown) => {
      if (!this.dead.has(id) && !this.failed.has(id) && member === this.world.member(id)) this.failed.add(id)
      return error
    })
  }

  /** Its disk stands still at some change soon, and then the power goes. */
  private dieWithin(id: NodeId): void {
    const { disk } = this.world.member(id)
    if (!this.dead.has(id)) disk.crashAfter(disk.changes + this.prng.between(1, 12))
  }

  private cut(id: NodeId): void {
    this.failed.delete(id)
    if (this.dead.has(id)) return
    this.world.kill(id, true)
    this.dead.set(id, this.now + (this.prng.chance(0.5) ? 1 : this.prng.between(2, 20)))
  }

  private async start(id: NodeId): Promise<void> {
    this.dead.delete(id)
    const { node } = await this.world.start(id)
    const before = this.epochs.get(id) ?? 0
    assert(node.epoch >= before, `RAFT-2, S-8: node ${id} comes back in epoch ${node.epoch} after ${before}`)
  }

  private look(): void {
    for (const [id, member] of this.world.members) {
      if (this.dead.has(id) || this.failed.has(id)) continue
      this.epochs.set(id, member.node.epoch)
      this.lookAtLeader(id, member)
      this.lookAtValues(id, member)
    }
  }

  private lookAtLeader(id: NodeId, { witness }: Member): void {
    if (witness.leading < 0) return
    const known = this.leaders.get(witness.leading)
    assert(known === undefined || known === id, `RAFT-1: epoch ${witness.leading} is led by ${known} and by ${id}`)
    this.leaders.set(witness.leading, id)
    assert(witness.values.length >= 0, 'a leader has heard of all before it leads')
  }

  private lookAtValues(id: NodeId, { witness }: Member): void {
    for (const [at, value] of witness.values.entries()) {
      const known = this.committed[at]
      if (known === undefined) this.committed.push(value)
      else assert(known === value, `RAFT-9: the value ${at} of node ${id} is ${value.slice(0, 12)}, not ${known.slice(0, 12)}`)
    }
  }

  async end(): Promise<void> {
    for (const member of this.world.members.values()) member.disk.crashAfter(Infinity)
    for (let id = 1; id <= voters; id += 1) if (this.failed.has(id)) this.cut(id)
    for (const id of this.dead.keys()) await this.start(id)
    await this.world.until(() => this.world.leader() !== null, settleMs).catch(() => assert(false, 'RAFT-15: nobody leads'))
    this.append()
    const count = this.committed.length + 1
    const isSettled = (): boolean => [...this.world.members.values()].every(({ witness }) => witness.values.length >= count)
    await this.world.until(isSettled, settleMs).catch(() => this.lost())
    this.look()
  }

  private lost(): void {
    this.look()
    const counts = [...this.world.members].map(([id, { witness }]) => `node ${id} has ${witness.values.length}`).join(', ')
    assert(false, `RAFT-6: of ${this.committed.length} committed values and one more ${counts}`)
  }
}
