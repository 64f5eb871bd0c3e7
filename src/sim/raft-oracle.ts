import { assert } from '../base/assert.ts'
import type { Epoch, NodeId, Offset } from '../base/units.ts'
import { type Entry, mixHash, type SimulatedNode } from './raft-simulated-node.ts'

/** Sees all nodes at once and knows what must never happen. The invariants are RAFT-1 to RAFT-16; each assertion says which one broke. */
export class Oracle {
  readonly committed: Entry[] = []
  /** hashes[n]: of the first n committed entries. */
  private readonly hashes: number[] = [0]
  private readonly leaders = new Map<Epoch, NodeId>()
  private readonly votes = new Map<string, NodeId>()
  /** What a leader put at an offset in its epoch, and the epoch of the entry before it: the same pair everywhere (RAFT-5). */
  private readonly made = new Map<string, { readonly value: number; readonly before: Epoch }>()
  private readonly voters: () => readonly SimulatedNode[]
  elections = 0

  constructor(voters: () => readonly SimulatedNode[]) {
    this.voters = voters
  }

  private get majority(): number {
    return Math.floor(this.voters().length / 2) + 1
  }

  onLeader(node: SimulatedNode, epoch: Epoch): void {
    const other = this.leaders.get(epoch)
    assert(other === undefined || other === node.id, `RAFT-1: epoch ${epoch} is led by ${other} and by ${node.id}`)
    if (other === undefined) this.elections += 1
    this.leaders.set(epoch, node.id)
    const offset = this.lastCommittedBefore(epoch)
    const complete = node.written.start.offset > offset || node.written.at(offset)?.epoch === this.committed[offset]?.epoch
    assert(complete, `RAFT-6: leader ${node.id} of epoch ${epoch} lacks committed offset ${offset}`)
  }

  /** A candidate that was paused may become leader of an epoch that is long past: it need not have what later ones committed. */
  private lastCommittedBefore(epoch: Epoch): Offset {
    let offset = this.committed.length - 1
    while (offset >= 0 && (this.committed[offset]?.epoch ?? 0) >= epoch) offset -= 1
    return offset
  }

  onVote(node: NodeId, epoch: Epoch, candidate: NodeId): void {
    const key = `${node}@${epoch}`
    const other = this.votes.get(key)
    assert(other === undefined || other === candidate, `RAFT-3: ${node} voted for ${other} and ${candidate} in epoch ${epoch}`)
    this.votes.set(key, candidate)
  }

  onSpoken(node: SimulatedNode, epoch: Epoch): void {
    assert(epoch >= node.spokenEpoch, `RAFT-2: ${node.name} speaks of epoch ${epoch} after ${node.spokenEpoch}`)
    node.spokenEpoch = epoch
  }

  onAppend(node: SimulatedNode, offset: Offset, entry: Entry): void {
    const key = `${entry.epoch}:${offset}`
    const before = node.written.epochBefore(offset)
    const made = this.made.get(key)
    if (made === undefined) this.made.set(key, { value: entry.value, before })
    else assert(made.value === entry.value && made.before === before, `RAFT-5: ${node.name} holds another entry at ${key}`)
  }

  onTruncate(node: SimulatedNode, endOffset: Offset): void {
    assert(node.machine?.role !== 'leader', `RAFT-4: leader ${node.id} cuts its log`)
    for (let offset = endOffset; offset < Math.min(node.written.endOffset, this.committed.length); offset += 1) {
      const lost = node.written.at(offset)?.epoch === this.committed[offset]?.epoch
      assert(!lost, `RAFT-12: ${node.name} cuts committed offset ${offset}`)
    }
  }

  onSnapshotInstalled(node: SimulatedNode, offset: Offset, hash: number): void {
    assert(node.machine?.role !== 'leader', `RAFT-10: leader ${node.id} loads a snapshot`)
    assert(this.hashes[offset] === hash, `RAFT-10: the snapshot at ${offset} is not the state at ${offset}`)
  }

  onHighWatermark(node: SimulatedNode, offset: Offset): void {
    assert(offset >= node.applied.offset, `RAFT-7: the high watermark of ${node.name} falls to ${offset}`)
    for (let at = node.applied.offset; at < offset; at += 1) this.apply(node, at)
    if (node.machine?.role === 'leader') this.checkDurable(node, offset)
  }

  private apply(node: SimulatedNode, offset: Offset): void {
    const entry = node.written.at(offset)
    assert(entry !== undefined, `${node.name} lacks offset ${offset} that it calls committed`)
    const agreed = this.committed[offset]
    if (agreed === undefined) this.extend(offset, entry)
    else assert(agreed.epoch === entry.epoch && agreed.value === entry.value, `RAFT-9: ${node.name} commits another entry at ${offset}`)
    const hash = mixHash(mixHash(node.applied.hash, entry.epoch), entry.value)
    node.applied = { offset: offset + 1, hash }
    assert(this.hashes[offset + 1] === hash, `RAFT-9: the state of ${node.name} after ${offset} is another`)
  }

  private extend(offset: Offset, entry: Entry): void {
    assert(offset === this.committed.length, `offset ${offset} is committed before those below it`)
    const before = this.committed.at(-1)?.epoch ?? 0
    assert(entry.epoch >= before, `RAFT-16: a record of epoch ${entry.epoch} is applied after one of ${before}`)
    this.committed.push(entry)
    this.hashes.push(mixHash(mixHash(this.hashes.at(-1) ?? 0, entry.epoch), entry.value))
  }

  private checkDurable(leader: SimulatedNode, offset: Offset): void {
    const epoch = leader.written.epochBefore(offset)
    const holders = this.voters().filter((voter) => {
      const { durable, loss } = voter
      // It said so, and does not vote until it has it again
      if (loss !== null && loss.endOffset >= offset) return true
      return durable.start.offset >= offset || (durable.endOffset >= offset && durable.epochBefore(offset) === epoch)
    })
    assert(holders.length >= this.majority, `RAFT-8: ${offset} is called committed, durable on ${holders.length} voters`)
  }

  /** At the end, all healed: what every voter holds below the high watermark is what was committed. */
  checkConverged(nodes: readonly SimulatedNode[]): void {
    for (const node of nodes) {
      const { written, applied } = node
      assert(applied.offset === this.committed.length, `${node.name} has applied ${applied.offset} of ${this.committed.length}`)
      assert(
        written.start.offset === 0 || written.snapshots[0]?.id.offset === written.start.offset,
        `RAFT-10: no snapshot at the start of ${node.name}`,
      )
      for (let at = written.start.offset; at < applied.offset; at += 1) {
        assert(written.at(at)?.value === this.committed[at]?.value, `RAFT-9: ${node.name} differs at ${at}`)
      }
    }
  }
}
