import type { Ticket } from '../../base/machine.ts'
import type { Millis } from '../../base/units.ts'

/** A way of assigning that the member knows, with what it wants to tell the leader in that case (for consumers, a ConsumerProtocolSubscription). */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** A JoinGroup or SyncGroup that is answered later, in the form of its version. */
export interface Waiting {
  readonly ticket: Ticket
  readonly version: number
}

export interface ClassicMemberFields {
  readonly memberId: string
  /** Null: a dynamic member. */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: Millis
  readonly sessionTimeoutMs: Millis
  /** In the order in which the member prefers them. */
  readonly protocols: readonly MemberProtocol[]
  /** Opaque; empty as long as no leader has assigned anything. */
  readonly assignment: Buffer
}

export const noBytes = Buffer.alloc(0)

/** One member of a classic group (org.apache.kafka.coordinator.group.classic.ClassicGroupMember). It is changed by its group alone. */
export class ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  rebalanceTimeoutMs: Millis
  sessionTimeoutMs: Millis
  protocols: readonly MemberProtocol[]
  assignment: Buffer
  /** Changed by `ClassicMembers` alone, which counts them. */
  awaitingJoin: Waiting | null = null
  awaitingSync: Waiting | null = null
  /** Has not been told its first generation: its id may be unknown to itself, so nobody can send heartbeats for it. */
  isNew = false

  constructor(fields: ClassicMemberFields) {
    this.memberId = fields.memberId
    this.groupInstanceId = fields.groupInstanceId
    this.clientId = fields.clientId
    this.clientHost = fields.clientHost
    this.rebalanceTimeoutMs = fields.rebalanceTimeoutMs
    this.sessionTimeoutMs = fields.sessionTimeoutMs
    this.protocols = fields.protocols
    this.assignment = fields.assignment
  }

  /** The same member under another id; nobody waits for that one. */
  underId(memberId: string): ClassicMember {
    const { groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols, assignment } = this
    return new ClassicMember({
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      rebalanceTimeoutMs,
      sessionTimeoutMs,
      protocols,
      assignment,
    })
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** Who waits for an answer cannot be expected to send heartbeats; who is new is given a longer session instead. */
  get needsNoHeartbeat(): boolean {
    return !this.isNew && (this.awaitingJoin !== null || this.awaitingSync !== null)
  }

  /** What it tells the leader if this protocol is chosen; empty when it does not know the protocol. */
  metadata(protocolName: string | null): Buffer {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? noBytes
  }

  /** The same protocols in the same order, with the same metadata. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    const own = this.protocols
    return own.length === protocols.length && own.every((one, at) => isSame(one, protocols[at]))
  }
}

function isSame(one: MemberProtocol, other: MemberProtocol | undefined): boolean {
  return other !== undefined && one.name === other.name && one.metadata.equals(other.metadata)
}
