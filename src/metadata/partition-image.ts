import type { Epoch, NodeId, Uuid } from '../base/units.ts'
import type { PartitionChangeRecord, PartitionRecord } from './records/topics.ts'

/** The state of one partition. Immutable: a change makes a new one, so whoever keeps an old one can hold them side by side. */
export interface PartitionImage {
  readonly topicId: Uuid
  readonly partition: number
  /** The preferred leader first. */
  readonly replicas: readonly NodeId[]
  readonly isr: readonly NodeId[]
  readonly removingReplicas: readonly NodeId[]
  readonly addingReplicas: readonly NodeId[]
  /** NO_NODE when it has none. */
  readonly leader: NodeId
  readonly leaderRecoveryState: number
  /** Rises with each change of leader (and when a reassignment removes a replica). */
  readonly leaderEpoch: Epoch
  /** Rises with each change. */
  readonly partitionEpoch: Epoch
  /** Log directory ids, one for each of `replicas`. */
  readonly directories: readonly Uuid[]
  readonly eligibleLeaderReplicas: readonly NodeId[]
  readonly lastKnownElr: readonly NodeId[]
}

/** LeaderRecoveryState: 1 after an unclean election, until the leader has made up its mind about what it lost. */
export const RECOVERED = 0
export const RECOVERING = 1
const NO_RECOVERY_STATE_CHANGE = -1
/** PartitionChangeRecord.leader when the leader, and its epoch, stay. */
export const NO_LEADER_CHANGE = -2

/** Reserved directory ids (org.apache.kafka.common.DirectoryId). */
export const DIRECTORY_MIGRATING: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA'
export const DIRECTORY_UNASSIGNED: Uuid = 'AAAAAAAAAAAAAAAAAAAAAQ'
export const DIRECTORY_LOST: Uuid = 'AAAAAAAAAAAAAAAAAAAAAg'
/** The ids (0, 0) to (0, 99) name no directory. */
const RESERVED_PREFIX = 'A'.repeat(20)
const RESERVED_COUNT = 100

export function isReservedDirectory(id: Uuid): boolean {
  return id.startsWith(RESERVED_PREFIX) && Buffer.from(id, 'base64url').readUInt8(15) < RESERVED_COUNT
}

type Ids = readonly (number | string)[]

/**
 * The same few lists of replicas stand in thousands of partitions: one copy of each is kept. The table is emptied when it has grown beyond
 * `internedListsMax`; what was shared stays shared.
 */
const internedListsMax = 10_000
const interned = new Map<string, Ids>()

export function intern<T extends Ids>(ids: T): T {
  const key = ids.join(',')
  const known = interned.get(key)
  // Numbers and directory ids cannot make the same key: an id is 22 characters long.
  if (known !== undefined) return known as T
  if (interned.size >= internedListsMax) interned.clear()
  interned.set(key, ids)
  return ids
}

/** `topicId` is the record's: the caller's own copy of the string, so that a topic's partitions share one. */
export function partitionFromRecord(record: PartitionRecord, topicId: Uuid): PartitionImage {
  const directories =
    record.directories.length === record.replicas.length ? record.directories : record.replicas.map(() => DIRECTORY_MIGRATING)
  return {
    topicId,
    partition: record.partitionId,
    replicas: intern(record.replicas),
    isr: intern(record.isr),
    removingReplicas: intern(record.removingReplicas),
    addingReplicas: intern(record.addingReplicas),
    leader: record.leader,
    leaderRecoveryState: record.leaderRecoveryState,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
    directories: intern(directories),
    eligibleLeaderReplicas: intern(record.eligibleLeaderReplicas ?? []),
    lastKnownElr: intern(record.lastKnownElr ?? []),
  }
}

/** What a PartitionChangeRecord makes of a partition (PartitionRegistration.merge). */
export function partitionAfter(before: PartitionImage, change: PartitionChangeRecord): PartitionImage {
  const leaderChanges = change.leader !== NO_LEADER_CHANGE
  return {
    topicId: before.topicId,
    partition: before.partition,
    replicas: change.replicas === null ? before.replicas : intern(change.replicas),
    isr: change.isr === null ? before.isr : intern(change.isr),
    removingReplicas: change.removingReplicas === null ? before.removingReplicas : intern(change.removingReplicas),
    addingReplicas: change.addingReplicas === null ? before.addingReplicas : intern(change.addingReplicas),
    leader: leaderChanges ? change.leader : before.leader,
    leaderRecoveryState: change.leaderRecoveryState === NO_RECOVERY_STATE_CHANGE ? before.leaderRecoveryState : change.leaderRecoveryState,
    leaderEpoch: leaderChanges ? before.leaderEpoch + 1 : before.leaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
    directories: directoriesAfter(before, change),
    eligibleLeaderReplicas: change.eligibleLeaderReplicas === null ? before.eligibleLeaderReplicas : intern(change.eligibleLeaderReplicas),
    lastKnownElr: change.lastKnownElr === null ? before.lastKnownElr : intern(change.lastKnownElr),
  }
}

function directoriesAfter(before: PartitionImage, change: PartitionChangeRecord): readonly Uuid[] {
  const replicas = change.replicas ?? before.replicas
  if (change.directories !== null && change.directories.length === replicas.length) return intern(change.directories)
  if (change.replicas === null) return before.directories
  return intern(replicas.map((replica) => directoryOf(before, replica) ?? DIRECTORY_MIGRATING))
}

/** Counted on for all that was acknowledged: in sync, or eligible to lead (KIP-966). */
export function isTrusted({ isr, eligibleLeaderReplicas }: PartitionImage, replica: NodeId): boolean {
  return isr.includes(replica) || eligibleLeaderReplicas.includes(replica)
}

/** The directory that a replica is in; undefined when the broker is no replica. */
export function directoryOf(partition: PartitionImage, replica: NodeId): Uuid | undefined {
  const at = partition.replicas.indexOf(replica)
  return at < 0 ? undefined : partition.directories[at]
}

export function isReassigning(partition: PartitionImage): boolean {
  return partition.addingReplicas.length > 0 || partition.removingReplicas.length > 0
}

export function hasPreferredLeader(partition: PartitionImage): boolean {
  return partition.leader === partition.replicas[0]
}
