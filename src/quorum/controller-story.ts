import type { Clock, Log } from '../base/ports.ts'
import { type Millis, type NodeId, type Offset, partitionName } from '../base/units.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { NO_LEADER_CHANGE } from '../metadata/partition-image.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'

interface Line {
  readonly event: string
  readonly message: () => string
  readonly fields: Readonly<Record<string, string | number | boolean | null>>
}

interface Pending {
  readonly lastOffset: Offset
  readonly lines: readonly Line[]
}

interface LeaderMove {
  readonly from: NodeId
  readonly to: NodeId
  count: number
  readonly first: string
  readonly epoch: number
}

/**
 * What a person wants to hear from the active controller, told when it is committed: brokers that come and go, and leaders that move, with the
 * time their partitions were without one.
 */
export class ControllerStory {
  private readonly clock: Clock
  private readonly log: Log
  private readonly lastHeard = new Map<NodeId, Millis>()
  private pending: Pending[] = []
  private electedAt: Millis = 0

  constructor(ports: { readonly clock: Clock; readonly log: Log }) {
    this.clock = ports.clock
    this.log = ports.log
  }

  onHeartbeat(broker: NodeId): void {
    this.lastHeard.set(broker, this.clock.mono())
  }

  onElected(): void {
    this.electedAt = this.clock.mono()
  }

  onGone(broker: NodeId, silentForMs: Millis): void {
    this.lastHeard.set(broker, this.clock.mono() - silentForMs)
  }

  onResigned(): void {
    this.pending = []
    this.lastHeard.clear()
  }

  /** Called before the records are replayed: `image` is what was before. */
  onAppended(records: readonly MetadataRecord[], image: ClusterImage, lastOffset: Offset): void {
    const lines = [...this.brokerLines(records, image), ...this.leaderLines(records, image)]
    if (lines.length > 0) this.pending.push({ lastOffset, lines })
  }

  onCommitted(lastOffset: Offset): void {
    while (this.pending.length > 0 && (this.pending[0]?.lastOffset ?? Infinity) <= lastOffset) {
      for (const line of this.pending.shift()?.lines ?? []) this.log.write('info', line.event, line.message(), line.fields)
    }
  }

  private *brokerLines(records: readonly MetadataRecord[], image: ClusterImage): Iterable<Line> {
    for (const record of records) {
      if (record.type !== 'brokerRegistrationChange') continue
      const { brokerId, fenced, inControlledShutdown } = record.message
      const fields = { brokerId }
      if (fenced > 0)
        yield { event: 'broker-fenced', message: () => `broker ${brokerId} is fenced: it leads nothing until it is back`, fields }
      if (fenced < 0 && image.brokers.byId(brokerId)?.fenced !== false)
        yield { event: 'broker-unfenced', message: () => `broker ${brokerId} is in service`, fields }
      if (inControlledShutdown > 0) yield { event: 'broker-leaving', message: () => `broker ${brokerId} is stopping in order`, fields }
    }
  }

  private *leaderLines(records: readonly MetadataRecord[], image: ClusterImage): Iterable<Line> {
    const moves = new Map<string, LeaderMove>()
    for (const record of records) {
      if (record.type !== 'partitionChange' || record.message.leader === NO_LEADER_CHANGE) continue
      const { topicId, partitionId, leader } = record.message
      const before = image.partition(topicId, partitionId)
      if (before === undefined || before.leader === leader) continue
      const key = `${before.leader}>${leader}`
      const move = moves.get(key)
      if (move !== undefined) move.count += 1
      else {
        const first = partitionName(image.topics.byId(topicId)?.name ?? topicId, partitionId)
        moves.set(key, { from: before.leader, to: leader, count: 1, first, epoch: before.leaderEpoch + 1 })
      }
    }
    const lost = lostBrokers(records)
    const leaving = leavingBrokers(records)
    for (const move of moves.values()) {
      const orderly = leaving.has(move.from) || image.brokers.byId(move.from)?.inControlledShutdown === true
      yield this.moveLine(move, orderly, lost.has(move.from))
    }
  }

  private moveLine(move: LeaderMove, orderly: boolean, isLost: boolean): Line {
    const what = move.count === 1 ? move.first : `${move.first} and ${move.count - 1} more`
    const since = orderly || !isLost ? null : Math.min(this.lastHeard.get(move.from) ?? this.electedAt, this.clock.mono())
    const now = this.clock
    return {
      event: 'leaders-changed',
      message: () => `${what}: leader ${name(move.from)} → ${name(move.to)} (epoch ${move.epoch})${gapText(since, now.mono(), orderly)}`,
      fields: { from: move.from, to: move.to, partitions: move.count },
    }
  }
}

/** Brokers that these records fence, or that come back as another incarnation. */
function lostBrokers(records: readonly MetadataRecord[]): ReadonlySet<NodeId> {
  const lost = new Set<NodeId>()
  for (const record of records) {
    if (record.type === 'registerBroker') lost.add(record.message.brokerId)
    else if (record.type === 'brokerRegistrationChange' && record.message.fenced > 0) lost.add(record.message.brokerId)
  }
  return lost
}

/** Brokers that begin their controlled shutdown with these records: their partitions move in the same batch. */
function leavingBrokers(records: readonly MetadataRecord[]): ReadonlySet<NodeId> {
  const leaving = new Set<NodeId>()
  for (const record of records) {
    if (record.type === 'brokerRegistrationChange' && record.message.inControlledShutdown > 0) leaving.add(record.message.brokerId)
  }
  return leaving
}

function name(leader: NodeId): string {
  return leader < 0 ? 'none' : String(leader)
}

function gapText(since: Millis | null, now: Millis, orderly: boolean): string {
  if (orderly) return ', handed over'
  return since === null ? '' : `, ${(now - since).toFixed(0)} ms without a leader`
}
