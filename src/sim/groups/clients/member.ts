import type { Millis } from '../../../base/units.ts'
import type { OffsetHistory, PendingOp } from '../offset-history.ts'
import type { LogJudge } from '../log-judge.ts'
import type { GroupsOptions } from '../options.ts'
import type { Ownership } from '../ownership.ts'
import type { Link, LinkWorld } from './link.ts'
import type { PartitionKey } from '../shadow.ts'
import type { SimulatedTopics } from '../topics.ts'

/** What members of groups share. */
export interface MemberWorld extends LinkWorld {
  readonly options: GroupsOptions
  readonly topics: SimulatedTopics
  readonly ownership: Ownership
  readonly history: OffsetHistory
  readonly judge: LogJudge
  /** Nobody commits any more. */
  readonly isQuiet: boolean
  /** Never given twice: every commit is told from every other. */
  nextOffset(): number
  /** What the leader of a classic group knew of the topics when it last assigned, by group. */
  readonly assignedFrom: Map<string, string>
  /** A member's answer to a join or a sync of a generation, or a heartbeat's epoch. */
  onEpochTold(groupId: string, epoch: number): void
  /** A member of the consumer protocol believes to own these, too, from now on. */
  onTaken(member: Member, added: readonly PartitionKey[]): void
}

/** Somebody in a group, as the world treats it; which protocol it speaks is its own business. */
export interface Member {
  readonly name: string
  readonly groupId: string
  readonly instanceId: string | null
  readonly link: Link
  /** Wants to be in the group, and lives. */
  readonly isIn: boolean
  readonly memberId: string
  readonly protocol: 'classic' | 'consumer'
  readonly topics: readonly string[]
  /** The generation, or the member's epoch. */
  readonly epoch: number
  /** By topic name. */
  ownedByName(): ReadonlySet<PartitionKey>
  /** A process begins: it joins. */
  start(): void
  /** A static member may say that it will be back; without it, chance decides. */
  leave(isTemporary?: boolean): void
  /** Its memory is gone. */
  crash(): void
  /** As a person reads it. */
  describe(): string
}

/** What a commit or a fetch is signed with. */
export interface Signature {
  readonly memberId: string
  readonly epoch: number
  readonly instanceId: string | null
}

export const nobody: Signature = { memberId: '', epoch: -1, instanceId: null }

export type PendingOps = Map<number, Map<PartitionKey, PendingOp>>

export const restartMinMs: Millis = 50
