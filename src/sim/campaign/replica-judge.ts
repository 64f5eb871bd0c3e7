import { addTo } from '../../base/grouped.ts'
import type { Epoch, NodeId, Offset } from '../../base/units.ts'
import type { HostedPartition } from '../../broker/hosted-partition.ts'
import { type PartitionImage, RECOVERED } from '../../metadata/partition-image.ts'
import { batchCrcIsValid, batchHeaders } from '../../protocol/records/batch-header.ts'
import type { ClusterWorld } from '../cluster-world.ts'
import { type Damages, folderOf } from './damages.ts'
import { before, difference, wasCleaned } from './same-batches.ts'
import { hold } from './violation.ts'

/** One replica of a live node, as it is now. */
interface Seen {
  readonly node: NodeId
  readonly hosted: HostedPartition
  readonly bytes: Buffer
  /** Its disk has spoilt something of it: what it holds is not looked at, what it serves is. */
  readonly isDamaged: boolean
}

interface Exposed {
  readonly highWatermark: Offset
  readonly epoch: Epoch
}

/** Who has all that is committed, says the controller. */
interface Trusted {
  /** In sync or eligible to lead. */
  readonly members: readonly NodeId[]
  readonly partitionEpoch: Epoch
}

/**
 * Looks into the memory and at the disks of live nodes:
 *  - REP-1, REP-2: what a leader holds for committed is on every member of the committed in-sync set, and on every eligible replica, byte for byte.
 *  - REP-4: a batch of one leader epoch at one offset is always and everywhere the same.
 *  - REP-5: leader epochs do not fall inside a log.
 *  - REP-6: a later leader has all that an earlier one has shown to readers.
 *  - REP-11: nobody is in sync and eligible at once, and nobody leads who was neither: no operator asks for that here.
 *  - S-4: what is in a log checks, but where the disk has spoilt it: nobody takes rot from another.
 */
export class ReplicaJudge {
  private readonly world: ClusterWorld
  private readonly exposed = new Map<string, Exposed>()
  /** By partition, epoch and offset: the checksum of the batch. */
  private readonly written = new Map<string, number>()
  /** By replica: what was looked at, the epoch at its end, and the offset after it. */
  private readonly checked = new Map<string, { readonly bytes: Buffer; readonly epoch: Epoch; readonly next: Offset }>()

  private readonly damages: Damages

  constructor(world: ClusterWorld, damages: Damages) {
    this.world = world
    this.damages = damages
  }

  /** @throws Violation */
  look(): void {
    for (const [key, replicas] of this.replicas()) {
      for (const seen of replicas) this.checkLog(key, seen)
      const trusted = this.trusted(replicas)
      const newest = Math.max(...replicas.map((it) => it.hosted.replica.leaderEpoch))
      for (const seen of replicas) {
        if (!seen.hosted.isLeader) continue
        if (!seen.isDamaged) this.checkTrusted(key, seen, replicas, trusted)
        if (seen.hosted.replica.leaderEpoch === newest) this.checkLeader(key, seen)
      }
    }
  }

  /** When all is quiet: all replicas are the same to their end, but for what each has compacted for itself. @throws Violation */
  lookAtEnd(): void {
    this.look()
    for (const [key, replicas] of this.replicas()) {
      const [first, ...others] = replicas
      if (first === undefined) continue
      const sizes = replicas.map(({ node, bytes }) => `node ${node} has ${bytes.length} bytes`).join(', ')
      for (const { bytes } of others) {
        const found = difference(first.bytes, bytes, first.hosted.log.config.cleanupCompact)
        hold(found === null, 'REP-15', () => `the replicas of ${key} differ at ${found}: ${sizes}`)
      }
    }
  }

  /** By topic id and partition. */
  private replicas(): ReadonlyMap<string, readonly Seen[]> {
    const found = new Map<string, Seen[]>()
    for (const { id, life } of this.world.nodes.values()) {
      if (life === null || !life.started || life.process.isDead || life.failure !== null) continue
      for (const hosted of life.broker.partitions) {
        if (hosted.replica.role === 'none' || hosted.log.failure !== null) continue
        const key = `${hosted.name} (${hosted.topicId})`
        const seen = { node: id, hosted, bytes: this.bytesOf(id, hosted), isDamaged: this.damages.has(id, folderOf(hosted)) }
        addTo(found, key, seen)
      }
    }
    return found
  }

  private bytesOf(id: NodeId, hosted: HostedPartition): Buffer {
    const { disk } = this.world.node(id)
    const folder = folderOf(hosted)
    if (!disk.exists(folder)) return Buffer.alloc(0)
    const segments = disk.list(folder).filter((name) => name.endsWith('.log'))
    return Buffer.concat(segments.map((name) => disk.readSmall(`${folder}/${name}`)))
  }

  /** Only what has come since the last look, where what was there then is as it was. */
  private checkLog(key: string, { node, bytes, isDamaged }: Seen): void {
    const place = `${key} on node ${node}`
    if (isDamaged) return void this.checked.delete(place)
    const known = this.checked.get(place)
    const isGrown = known !== undefined && bytes.subarray(0, known.bytes.length).equals(known.bytes)
    const from = isGrown ? known.bytes.length : 0
    let { epoch, next } = isGrown ? known : { epoch: -1, next: -1 }
    for (const { header, at: position } of batchHeaders(bytes, from)) {
      const at = `${place} at ${header.baseOffset}`
      hold(batchCrcIsValid(bytes, position, header.sizeBytes), 'S-4', () => `${at}: the batch does not check`)
      hold(header.baseOffset >= next, 'REP-5', () => `${at} comes after ${next - 1}`)
      hold(header.leaderEpoch >= epoch, 'REP-5', () => `${at} is of epoch ${header.leaderEpoch}, after ${epoch}`)
      epoch = header.leaderEpoch
      next = header.lastOffset + 1
      if (!wasCleaned(header)) this.checkBatch(`${key}/${epoch}/${header.baseOffset}`, header.crc, at)
    }
    this.checked.set(place, { bytes, epoch, next })
  }

  private checkBatch(name: string, crc: number, at: string): void {
    const known = this.written.get(name)
    if (known === undefined) this.written.set(name, crc)
    else hold(known === crc, 'REP-4', () => `${at}: there are two batches of one epoch`)
  }

  /** What the newest word on it is, of all that live nodes know. A leader knows of its own changes before metadata says so. */
  private trusted(replicas: readonly Seen[]): Trusted {
    let newest: Trusted = { members: [], partitionEpoch: -1 }
    for (const { hosted } of replicas) {
      const { isr, partitionEpoch } = hosted.replica
      if (partitionEpoch > newest.partitionEpoch) newest = { members: isr, partitionEpoch }
    }
    for (const { life } of this.world.nodes.values()) {
      const [first] = replicas
      if (life === null || first === undefined) continue
      const found = life.broker.metadata.image.topics.byId(first.hosted.topicId)?.partitions[first.hosted.partition]
      if (found === undefined || found.partitionEpoch < newest.partitionEpoch) continue
      this.checkElection(first.hosted.name, found)
      newest = { members: [...found.isr, ...found.eligibleLeaderReplicas], partitionEpoch: found.partitionEpoch }
    }
    return newest
  }

  private checkElection(
    name: string,
    { isr, eligibleLeaderReplicas: elr, leader, leaderEpoch, leaderRecoveryState }: PartitionImage,
  ): void {
    hold(!elr.some((id) => isr.includes(id)), 'REP-11', () => `${name}: in sync are ${isr.join(', ')}, eligible ${elr.join(', ')}`)
    hold(leaderRecoveryState === RECOVERED, 'REP-11', () => `${name}: ${leader} was elected uncleanly in epoch ${leaderEpoch}`)
  }

  private checkTrusted(key: string, leader: Seen, replicas: readonly Seen[], trusted: Trusted): void {
    const end = leader.hosted.replica.highWatermark
    const whole = before(leader.bytes, end)
    for (const member of replicas) {
      if (member.isDamaged || member === leader || !trusted.members.includes(member.node)) continue
      // Nearly always so, and far cheaper to see than batch by batch
      if (member.bytes.subarray(0, whole.length).equals(whole)) continue
      const found =
        member.hosted.log.logEndOffset < end
          ? 'its end'
          : difference(whole, before(member.bytes, end), leader.hosted.log.config.cleanupCompact)
      hold(
        found === null,
        'REP-2',
        () =>
          `${key}: node ${leader.node} leads in epoch ${leader.hosted.replica.leaderEpoch} with high watermark ${end}; node ${member.node}, trusted ` +
          `(${trusted.members.join(', ')} in partition epoch ${trusted.partitionEpoch}), ends at ${member.hosted.log.logEndOffset}, and differs at ${found}`,
      )
    }
  }

  private checkLeader(key: string, { node, hosted }: Seen): void {
    const { leaderEpoch, highWatermark } = hosted.replica
    const known = this.exposed.get(key)
    if (known !== undefined) {
      hold(
        leaderEpoch < known.epoch || hosted.log.logEndOffset >= known.highWatermark,
        'REP-6',
        () =>
          `${key}: node ${node} leads in epoch ${leaderEpoch} and ends at ${hosted.log.logEndOffset}; in epoch ${known.epoch} readers were shown ` +
          `what is before ${known.highWatermark}`,
      )
    }
    if (known === undefined || highWatermark > known.highWatermark) this.exposed.set(key, { highWatermark, epoch: leaderEpoch })
  }
}
