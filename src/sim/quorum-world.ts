import type { Entropy, LogLevel, Ports } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import { type Millis, type NodeId, NO_UUID, type Offset } from '../base/units.ts'
import type { CommittedBatch, MetadataSnapshot, QuorumLeader, QuorumListener } from '../quorum/metadata-quorum.ts'
import { raftHandlers } from '../quorum/raft-handlers.ts'
import { RaftNode } from '../quorum/raft-node.ts'
import type { RaftNodeOptions } from '../quorum/raft-node-options.ts'
import { handlerTable } from '../server/handlers.ts'
import { serve, type Server } from '../server/serve.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryDisk } from './memory-disk.ts'
import { MemoryNetwork } from './memory-network.ts'

/** What a listener saw: the fold of the log (here simply all values, by offset), and who led when. */
export class Witness implements QuorumListener {
  /** Values by offset; a snapshot's are numbered from 0. */
  values: string[] = []
  endOffset: Offset = 0
  snapshots = 0
  leading = -1
  leaders: QuorumLeader[] = []
  /** Called when leadership begins, from within the listener. */
  onLeading: (epoch: number) => void = () => {}

  onCommitted(batch: CommittedBatch): void {
    if (batch.baseOffset !== this.endOffset) throw new Error(`offset ${batch.baseOffset} comes after ${this.endOffset - 1}`)
    this.values.push(...batch.values.map((value) => value.toString()))
    this.endOffset = batch.lastOffset + 1
  }

  onSnapshot(snapshot: MetadataSnapshot): void {
    this.values = [...snapshot.batches()].flat().map((value) => value.toString())
    this.endOffset = snapshot.endOffset
    this.snapshots += 1
  }

  onLeader(epoch: number): void {
    this.leading = epoch
    this.onLeading(epoch)
  }

  onResigned(): void {
    this.leading = -1
  }

  onLeaderChange(leader: QuorumLeader): void {
    this.leaders.push(leader)
  }
}

export interface Member {
  readonly id: NodeId
  readonly disk: MemoryDisk
  node: RaftNode
  witness: Witness
  server: Server | null
}

const host = '127.0.0.1'
const firstPort = 9190
const step: Millis = 1

/** Raft nodes with their listeners on one simulated network, each with a disk of its own. */
export class QuorumWorld {
  readonly clock = new ManualClock()
  readonly network: MemoryNetwork
  readonly members = new Map<NodeId, Member>()
  readonly lines: string[] = []
  private readonly voters: readonly { readonly id: NodeId; readonly host: string; readonly port: number }[]
  private readonly prng: Prng
  private readonly options: Partial<RaftNodeOptions>

  constructor(voters: number, seed: number, options: Partial<RaftNodeOptions> = {}) {
    this.network = new MemoryNetwork(this.clock, { latencyMs: 1 })
    this.prng = new Prng(seed)
    this.options = options
    this.voters = Array.from({ length: voters }, (_unused, at) => ({ id: at + 1, host, port: firstPort + at + 1 }))
  }

  /** Starts a voter (its disk is kept from its earlier life) or, with an id above the voters', an observer. */
  async start(id: NodeId): Promise<Member> {
    const disk = this.members.get(id)?.disk ?? new MemoryDisk()
    const member: Member = { id, disk, node: this.makeNode(id, disk), witness: new Witness(), server: null }
    this.members.set(id, member)
    if (this.isVoter(id)) {
      const at = { host, port: firstPort + id, listenerName: 'CONTROLLER', listenerKind: 'controller' as const }
      member.server = await serve(this.ports(disk), at, handlerTable(raftHandlers(member.node)))
    }
    await member.node.start(member.witness)
    return member
  }

  private makeNode(id: NodeId, disk: MemoryDisk): RaftNode {
    return new RaftNode(this.ports(disk), {
      nodeId: id,
      clusterId: 'the-cluster',
      directoryId: NO_UUID,
      voters: this.voters,
      directory: this.isVoter(id) ? `/data/${id}` : null,
      listenerName: 'CONTROLLER',
      ...this.options,
    })
  }

  private isVoter(id: NodeId): boolean {
    return id <= this.voters.length
  }

  ports(disk: MemoryDisk): Ports {
    const prng = new Prng(this.prng.uint32())
    const entropy: Entropy = { uint32: () => prng.uint32(), uuid: () => prng.uuid() }
    const log = { write: (level: LogLevel, event: string, message: string) => void this.lines.push(`${level} ${event}: ${message}`) }
    return { clock: this.clock, entropy, disk, network: this.network, log }
  }

  member(id: NodeId): Member {
    const found = this.members.get(id)
    if (found === undefined) throw new RangeError(`no member ${id}`)
    return found
  }

  /** The member that leads and may act, if any. */
  leader(): Member | null {
    return [...this.members.values()].find((member) => member.witness.leading >= 0 && member.server !== null) ?? null
  }

  /** As kill -9: memory, connections and listener go; with `power` also what was not synced. */
  kill(id: NodeId, power = false): void {
    const member = this.member(id)
    member.server = null
    member.witness.leading = -1
    if (power) member.disk.crash(this.prng)
    else member.disk.kill()
    this.network.kill(host, firstPort + id)
    member.node.abandon()
  }

  freeze(id: NodeId): void {
    this.network.freeze(host, firstPort + id)
  }

  thaw(id: NodeId): void {
    this.network.thaw(host, firstPort + id)
  }

  async stop(id: NodeId): Promise<void> {
    const member = this.member(id)
    let done = false
    const stopping = member.node.stop().then(() => (done = true))
    await this.until(() => done, 5_000)
    await stopping
    await this.closeServer(member)
  }

  private async closeServer(member: Member): Promise<void> {
    let closed = false
    void member.server?.close({ graceMs: 0 }).then(() => (closed = true))
    await this.until(() => closed, 5_000)
    member.server = null
  }

  /** Lets time pass until `done`; returns how long it took. */
  async until(done: () => boolean, limitMs: Millis): Promise<Millis> {
    const start = this.clock.mono()
    while (!done()) {
      if (this.clock.mono() - start > limitMs) throw new Error(`not within ${limitMs} ms\n${this.describe()}`)
      await this.clock.advance(step)
    }
    return this.clock.mono() - start
  }

  describe(): string {
    const members = [...this.members.values()].map((member) => `${member.id}: ${member.node.describe()}`)
    return [...this.lines.slice(-30), ...members].join('\n')
  }
}
