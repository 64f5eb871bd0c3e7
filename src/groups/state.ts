import type { Deadlines } from '../base/deadlines.ts'
import type { Entropy } from '../base/ports.ts'
import type { Timestamp, Uuid } from '../base/units.ts'
import type { ClassicDue } from './classic/due.ts'
import type { ConsumerDue } from './consumer/due.ts'
import type { Group } from './group.ts'
import type { OffsetsDue } from './offsets/due.ts'
import type { OffsetStore } from './offsets/offset-store.ts'
import type { ConsumerGroupConfig, GroupSettings } from './settings.ts'

/** A topic as groups see it. */
export interface GroupTopic {
  readonly name: string
  readonly id: Uuid
  readonly partitionCount: number
  /** The racks in which a partition has replicas, sorted and each once; empty when no broker says. */
  racks(partition: number): readonly string[]
}

/** The topics of the cluster as this broker knows them now. */
export interface GroupTopics {
  byName(name: string): GroupTopic | undefined
  byId(id: Uuid): GroupTopic | undefined
  names(): Iterable<string>
}

/** What a coordinator may know of the world. Everything is read anew when it is needed: configuration and topics change. */
export interface GroupsWorld {
  readonly settings: GroupSettings
  consumerConfig(groupId: string): ConsumerGroupConfig
  readonly topics: GroupTopics
  readonly entropy: Entropy
  /** For timestamps in records only; sessions go by the monotonic time of the turn. */
  wallTime(): Timestamp
}

export type Due = ClassicDue | ConsumerDue | OffsetsDue

/**
 * What the subjects of the groups ledger share. `groups` and `offsets` are the fold of the log, and change in `replay` only; but a group object also
 * holds what no log does (who has joined a rebalance in progress, whose answers wait), and `deadlines` are such.
 */
export interface GroupsState {
  readonly world: GroupsWorld
  readonly groups: Map<string, Group>
  readonly offsets: OffsetStore
  readonly deadlines: Deadlines<Due>
}
