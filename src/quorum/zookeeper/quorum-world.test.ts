import assert from 'node:assert/strict'
import type { LogLevel } from '../../base/ports.ts'
import { Prng } from '../../base/prng.ts'
import type { Epoch, NodeId, Offset } from '../../base/units.ts'
import { ClusterImage } from '../../metadata/image.ts'
import { decodeRecord, encodeRecord } from '../../metadata/record-frame.ts'
import type { MetadataRecord } from '../../metadata/record-types.ts'
import { handlerTable } from '../../server/handlers.ts'
import { serve, type Server } from '../../server/serve.ts'
import { ManualClock } from '../../sim/manual-clock.ts'
import { MemoryNetwork } from '../../sim/memory-network.ts'
import { MemoryZooKeeper } from '../../sim/zookeeper/memory/client.ts'
import { MemoryEnsemble } from '../../sim/zookeeper/memory/ensemble.ts'
import { canonical, record } from '../../znodes/fixture.test.ts'
import { recordsIn } from '../../znodes/image-in-znodes.ts'
import { imageRoots, paths } from '../../znodes/paths.ts'
import { RandomLog } from '../../znodes/random-log.test.ts'
import { journalledIn, storedLogIn } from '../../znodes/stored-log.ts'
import { ZnodeTree } from '../../znodes/znode-tree.ts'
import type { ZooKeeperOperation } from '../../zookeeper/zookeeper.ts'
import type { CommittedBatch, MetadataSnapshot, QuorumLeader, QuorumListener } from '../metadata-quorum.ts'
import { metadataLogHandlers } from '../raft-handlers.ts'
import type { FollowerPorts } from './log-follower.ts'
import { ZooKeeperObserver } from './zookeeper-observer.ts'
import { ZooKeeperQuorum } from './zookeeper-quorum.ts'

const host = '127.0.0.1'
const firstPort = 9190

/** All that the ensemble has accepted, by offset; what was appended is known here before it is. */
class History {
  readonly records: string[] = []
  readonly epochs: Epoch[] = []
  private readonly appended = new Map<string, string>()

  note(offset: Offset, epoch: Epoch, value: Buffer): void {
    this.appended.set(`${epoch}:${offset}`, value.toString('base64'))
  }

  accept(endOffset: Offset, epoch: Epoch): void {
    for (let offset = this.records.length; offset < endOffset; offset += 1) {
      const value = this.appended.get(`${epoch}:${offset}`)
      assert.ok(value !== undefined, `the controller of epoch ${epoch} has appended what is at ${offset}`)
      this.records.push(value)
      this.epochs.push(epoch)
    }
  }

  check(offset: Offset, epoch: Epoch, value: Buffer): void {
    assert.equal(value.toString('base64'), this.records[offset], `offset ${offset} is told as it was accepted`)
    assert.equal(epoch, this.epochs[offset], `offset ${offset} is of one epoch`)
  }

  foldTo(end: Offset): ClusterImage {
    const image = new ClusterImage()
    for (const value of this.records.slice(0, end)) image.apply(decodeRecord(Buffer.from(value, 'base64')))
    return image
  }
}

/** Folds the log as a controller does: what it appends at once, what is committed when it is told. */
export class Host implements QuorumListener {
  image = new ClusterImage()
  applied: Offset = 0
  committed: Offset = 0
  leading: Epoch = -1
  known: QuorumLeader | null = null
  snapshots = 0
  quorum: ZooKeeperQuorum | null = null
  private log: RandomLog
  private readonly prng: Prng
  private readonly history: History

  constructor(prng: Prng, history: History) {
    this.prng = prng
    this.history = history
    this.log = new RandomLog(prng, this.image)
  }

  onCommitted(batch: CommittedBatch): void {
    for (const [at, value] of batch.values.entries()) this.history.check(batch.baseOffset + at, batch.epoch, value)
    assert.equal(batch.baseOffset, this.committed, 'without a gap')
    this.committed = batch.lastOffset + 1
    if (batch.lastOffset < this.applied) return
    assert.equal(this.leading, -1, 'a leader has written all that is committed')
    for (const value of batch.values) this.image.apply(decodeRecord(value))
    this.applied = this.committed
  }

  onSnapshot(snapshot: MetadataSnapshot): void {
    assert.equal(this.leading, -1)
    this.image = new ClusterImage()
    this.snapshots += 1
    for (const values of snapshot.batches()) for (const value of values) this.image.apply(decodeRecord(value))
    this.log = new RandomLog(this.prng, this.image)
    this.applied = snapshot.endOffset
    this.committed = snapshot.endOffset
    if (this.image.inTransaction) return
    assert.deepEqual(
      canonical(this.image.toRecords()),
      canonical(this.history.foldTo(snapshot.endOffset).toRecords()),
      'the snapshot is the fold of the log',
    )
  }

  onLeader(epoch: Epoch): void {
    this.leading = epoch
    assert.equal(this.applied, this.history.records.length, 'who leads has all that was accepted')
  }

  onResigned(): void {
    this.leading = -1
    if (this.applied > this.committed) this.quorum?.redeliver()
  }

  onLeaderChange(leader: QuorumLeader): void {
    this.known = leader
  }

  /** Appends a few records if it may. Returns how many. */
  write(size: number): number {
    if (this.leading < 0 || this.quorum === null) return 0
    const before = this.applied
    for (let left = size; left > 0; left -= 1) {
      const first = this.image.features.isBootstrapped
        ? this.freely()
        : record('featureLevel', { name: 'metadata.version', featureLevel: 30 })
      if (first === null) continue
      if (!this.append([first])) break
    }
    return this.applied - before
  }

  /** A topic of so many partitions, in one batch. */
  writeTopic(partitions: number): void {
    const topicId = this.prng.uuid()
    const replicas = [1, 2, 3]
    const directories = replicas.map(() => this.prng.uuid())
    const batch = [record('topic', { name: `large-${this.applied}`, topicId })]
    for (let partitionId = 0; partitionId < partitions; partitionId += 1) {
      const lists = { replicas, isr: replicas, removingReplicas: [], addingReplicas: [], directories }
      batch.push(record('partition', { partitionId, topicId, leader: 1, leaderEpoch: 0, partitionEpoch: 0, ...lists }))
    }
    this.append(batch)
  }

  private append(batch: readonly MetadataRecord[]): boolean {
    const values = batch.map(encodeRecord)
    for (const [at, value] of values.entries()) this.history.note(this.applied + at, this.leading, value)
    const last = this.quorum?.append(this.leading, values) ?? null
    if (last === null) return false
    assert.equal(last, this.applied + batch.length - 1)
    for (const each of batch) this.image.apply(each)
    this.applied += batch.length
    return true
  }

  /** Records within a transaction take effect at its end, so there nothing that depends on the image can be made up. */
  private freely(): MetadataRecord | null {
    if (this.image.inTransaction) return this.prng.chance(0.5) ? record('endTransaction', {}) : record('abortTransaction', {})
    return this.log.next()
  }
}

export interface Member {
  readonly id: NodeId
  readonly quorum: ZooKeeperQuorum
  readonly host: Host
  readonly server: Server
  readonly client: MemoryZooKeeper | null
}

export interface ObservingBroker {
  readonly observer: ZooKeeperObserver
  readonly host: Host
  readonly client: MemoryZooKeeper | null
}

/** Controllers over one ensemble in memory, with whoever judges what the ensemble accepts. */
export class World {
  readonly clock = new ManualClock()
  readonly prng: Prng
  readonly network: MemoryNetwork
  readonly ensemble: MemoryEnsemble
  readonly history = new History()
  readonly members = new Map<NodeId, Member>()
  readonly lines: string[] = []
  readonly owners = new Map<Epoch, bigint>()
  journals = 0
  private stored: { endOffset: Offset; epoch: Epoch } = { endOffset: 0, epoch: 0 }

  constructor(seed: number) {
    this.prng = new Prng(seed)
    this.network = new MemoryNetwork(this.clock, { latencyMs: 1 })
    this.ensemble = new MemoryEnsemble(this.clock, new Prng(seed + 1), { sessionTimeoutMs: 3000, latencyMs: 4 })
    this.ensemble.onCommit = (session, operations) => this.judge(session, operations)
  }

  private judge(session: bigint, operations: readonly ZooKeeperOperation[]): void {
    for (const operation of operations) {
      if (operation.op === 'delete' || operation.op === 'check') continue
      const text = operation.data.toString()
      if (operation.path === paths.controllerEpoch && operation.op === 'set') {
        assert.equal(Number(text), (Math.max(0, ...this.owners.keys()) || 0) + 1, 'controller epochs rise by one (ZK-1)')
        this.owners.set(Number(text), session)
      }
      if (operation.path === paths.log && operation.op === 'set') this.judgeAppend(session, text)
    }
  }

  private judgeAppend(session: bigint, text: string): void {
    const { endOffset, epoch, journal } = storedLogIn(text)
    assert.equal(session, this.owners.get(Math.max(...this.owners.keys())), 'only the owner of the newest epoch writes')
    assert.ok(
      endOffset >= this.stored.endOffset && epoch >= this.stored.epoch,
      `${endOffset} of ${epoch} after ${JSON.stringify(this.stored)}`,
    )
    if (journal > 0) this.journals += 1
    if (endOffset > this.stored.endOffset) this.history.accept(endOffset, epoch)
    this.stored = { endOffset, epoch }
  }

  async start(id: NodeId, onForeign: (error: Error) => void = (error) => assert.fail(error.message)): Promise<Member> {
    const ports = this.ports(id)
    const held: { client: MemoryZooKeeper | null } = { client: null }
    const quorum = new ZooKeeperQuorum(ports, {
      nodeId: id,
      clusterId: 'the-cluster',
      listenerName: 'CONTROLLER',
      endpoint: { host, port: firstPort + id },
      open: () => (held.client = new MemoryZooKeeper(this.ensemble)),
      onForeign,
    })
    const listener = new Host(new Prng(this.prng.uint32()), this.history)
    listener.quorum = quorum
    const at = { host, port: firstPort + id, listenerName: 'CONTROLLER', listenerKind: 'controller' as const }
    const server = await serve(ports, at, handlerTable(metadataLogHandlers(quorum)))
    const member: Member = {
      id,
      quorum,
      host: listener,
      server,
      get client() {
        return held.client
      },
    }
    this.members.set(id, member)
    await quorum.start(listener)
    return member
  }

  private ports(id: NodeId): FollowerPorts {
    const prng = new Prng(this.prng.uint32())
    const entropy = { uint32: () => prng.uint32(), uuid: () => prng.uuid() }
    const log = {
      write: (level: LogLevel, event: string, text: string) =>
        void this.lines.push(`${this.clock.mono()} ${id} ${level} ${event}: ${text}`),
    }
    return { clock: this.clock, entropy, network: this.network, log }
  }

  async observe(id: NodeId): Promise<ObservingBroker> {
    const held: { client: MemoryZooKeeper | null } = { client: null }
    const observer = new ZooKeeperObserver(this.ports(id), {
      nodeId: id,
      clusterId: 'the-cluster',
      listenerName: 'CONTROLLER',
      open: () => (held.client = new MemoryZooKeeper(this.ensemble)),
      connectionTimeoutMs: 5_000,
    })
    const listener = new Host(new Prng(this.prng.uint32()), this.history)
    const started = observer.start(listener)
    await this.run(20)
    await started
    return {
      observer,
      host: listener,
      get client() {
        return held.client
      },
    }
  }

  kill(id: NodeId): void {
    const member = this.members.get(id)
    if (member === undefined) return
    this.members.delete(id)
    member.client?.die()
    member.quorum.abandon()
    this.network.kill(host, firstPort + id)
  }

  leaders(): readonly Member[] {
    return [...this.members.values()].filter((it) => it.host.leading >= 0 && it.quorum.leads(it.host.leading))
  }

  async run(ms: number): Promise<void> {
    await this.clock.advance(ms)
  }

  async until(what: string, is: () => boolean, limitMs = 60_000): Promise<void> {
    for (let waited = 0; waited < limitMs; waited += 20) {
      if (is()) return
      await this.run(20)
    }
    assert.fail(`${what} has not come to be within ${limitMs} ms:\n${this.lines.slice(-30).join('\n')}`)
  }

  settled(): boolean {
    const [leader, ...more] = this.leaders()
    if (leader === undefined || more.length > 0 || leader.host.committed !== leader.host.applied) return false
    return [...this.members.values()].every((it) => it.host.committed === leader.host.committed)
  }

  /** The znodes, with the journal over them, are the fold of what was committed. */
  checkZnodes(): void {
    const all = new Map(this.ensemble.texts())
    const stored = storedLogIn(all.get(paths.log) ?? '')
    const tree = new ZnodeTree([...all].filter(([path]) => imageRoots.some((root) => path === root || path.startsWith(`${root}/`))))
    for (let at = 0; at < stored.journal; at += 1) {
      const path = `${paths.journal}/${String(at).padStart(10, '0')}`
      tree.carryOut(journalledIn(path, all.get(path) ?? ''))
    }
    const fold = this.history.foldTo(stored.endOffset)
    if (!fold.inTransaction) assert.deepEqual(canonical(imageOf(recordsIn(tree)).toRecords()), canonical(fold.toRecords()))
  }
}

function imageOf(records: Iterable<MetadataRecord>): ClusterImage {
  const image = new ClusterImage()
  for (const each of records) image.apply(each)
  return image
}
