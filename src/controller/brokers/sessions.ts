import { type Millis, NEVER, type NodeId, NO_OFFSET, type Offset } from '../../base/units.ts'
import type { BrokerImage } from '../../metadata/brokers-image.ts'
import { fastFencesMax, fastFenceWindowMs } from '../settings.ts'

export interface SessionTimes {
  readonly sessionTimeoutMs: Millis
  readonly heartbeatIntervalMs: Millis
}

/** A node that nothing has been heard of for so long. */
export interface SilentNode {
  readonly id: NodeId
  readonly forMs: Millis
}

interface Session {
  readonly epoch: Offset
  lastContact: Millis
  /** Up to where the broker has replayed the metadata log. */
  metadataOffset: Offset
  /** The connection of its heartbeats was closed, and no heartbeat has come since. */
  connectionLost: boolean
  /** Where the records stand that moved its leaders away; null when it is not in controlled shutdown, as far as this controller knows. */
  shutdownOffset: Offset | null
}

/** Heartbeats that may be missing before a new incarnation of the broker is believed rather than the silent old one. */
const silentHeartbeatsMin = 3

/**
 * When each broker was last heard. Not in the log and not replayed: each active controller starts with a grace period for everybody, and forgets all
 * of it when it resigns. Being wrong here costs availability, never data: a fence is safe at any moment.
 */
export class Sessions {
  private readonly times: SessionTimes
  private readonly sessions = new Map<NodeId, Session>()
  private readonly fastFences = new Map<NodeId, Millis[]>()

  constructor(times: SessionTimes) {
    this.times = times
  }

  /**
   * A new term as the active controller: everybody is taken to have been heard just now, but for a node that is known to have been silent
   * (its controller led, and was deposed for it): its time runs already, with a few heartbeats left to prove otherwise.
   */
  begin(now: Millis, brokers: Iterable<BrokerImage>, silent: SilentNode | null): void {
    this.sessions.clear()
    this.fastFences.clear()
    const { sessionTimeoutMs, heartbeatIntervalMs } = this.times
    const countedMax = Math.max(0, sessionTimeoutMs - silentHeartbeatsMin * heartbeatIntervalMs)
    for (const broker of brokers) {
      const silentMs = silent?.id === broker.id ? Math.min(silent.forMs, countedMax) : 0
      this.heard(now - silentMs, broker.id, broker.epoch, NO_OFFSET)
      // Nobody has a connection to this controller yet: until its first heartbeat, another incarnation is believed rather than a memory
      this.connectionLost(broker.id, broker.epoch)
    }
  }

  heard(now: Millis, broker: NodeId, epoch: Offset, metadataOffset: Offset): void {
    const session = this.sessions.get(broker)
    if (session === undefined || session.epoch !== epoch) {
      this.sessions.set(broker, { epoch, lastContact: now, metadataOffset, connectionLost: false, shutdownOffset: null })
    } else {
      session.lastContact = now
      session.metadataOffset = Math.max(session.metadataOffset, metadataOffset)
      session.connectionLost = false
    }
  }

  forget(broker: NodeId): void {
    this.sessions.delete(broker)
  }

  connectionLost(broker: NodeId, epoch: Offset): boolean {
    const session = this.sessions.get(broker)
    if (session === undefined || session.epoch !== epoch) return false
    session.connectionLost = true
    return true
  }

  /**
   * Whether an incarnation is to be taken for alive when another wants its id. Kafka waits for the session to end; a broker that was killed and is
   * back in a moment would wait with it. Here a closed connection, or silence for a few heartbeats, is enough: of two processes that are both alive
   * and have the same id by mistake, the first goes on sending over an open connection and keeps the id.
   */
  isAlive(now: Millis, broker: NodeId, epoch: Offset): boolean {
    const session = this.sessions.get(broker)
    if (session === undefined || session.epoch !== epoch || session.connectionLost) return false
    const silenceMs = Math.min(this.times.sessionTimeoutMs, silentHeartbeatsMin * this.times.heartbeatIntervalMs)
    return now - session.lastContact < silenceMs
  }

  expiresAt(broker: NodeId, epoch: Offset): Millis {
    const session = this.sessions.get(broker)
    return session === undefined || session.epoch !== epoch ? NEVER : session.lastContact + this.times.sessionTimeoutMs
  }

  /** The controller itself was asleep: nobody could be heard, so nobody is to be blamed for that time. */
  forgive(sleptMs: Millis): void {
    for (const session of this.sessions.values()) session.lastContact += sleptMs
  }

  metadataOffset(broker: NodeId): Offset {
    return this.sessions.get(broker)?.metadataOffset ?? NO_OFFSET
  }

  shutdownOffset(broker: NodeId): Offset | null {
    return this.sessions.get(broker)?.shutdownOffset ?? null
  }

  setShutdownOffset(broker: NodeId, offset: Offset): void {
    const session = this.sessions.get(broker)
    if (session !== undefined) session.shutdownOffset = offset
  }

  /** Takes one of the fast fences that a broker may suffer in a while; false when they are used up. */
  takeFastFence(now: Millis, broker: NodeId): boolean {
    const recent = (this.fastFences.get(broker) ?? []).filter((at) => now - at < fastFenceWindowMs)
    const allowed = recent.length < fastFencesMax
    if (allowed) recent.push(now)
    this.fastFences.set(broker, recent)
    return allowed
  }
}
