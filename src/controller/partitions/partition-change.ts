import { assert } from '../../base/assert.ts'
import { NO_NODE, type NodeId, type Uuid } from '../../base/units.ts'
import { bumpsLeaderEpochOnIsrShrink, hasDirectories } from '../../metadata/metadata-version.ts'
import { directoryOf, NO_LEADER_CHANGE, type PartitionImage, RECOVERING } from '../../metadata/partition-image.ts'
import type { RecordDraft } from '../../metadata/record-types.ts'

/** preferred: move to the preferred replica if it can lead. online: keep a leader that can lead. unclean: as online, and rather one that lost data than none. */
export type Election = 'preferred' | 'online' | 'unclean'

/** What somebody wants of a partition; what is not named stays. */
export interface PartitionTarget {
  readonly isr?: readonly NodeId[]
  readonly replicas?: readonly NodeId[]
  readonly adding?: readonly NodeId[]
  readonly removing?: readonly NodeId[]
  readonly leaderRecoveryState?: number
  readonly election?: Election
  /** What replicas have said in the present leader epoch is not to count any more, whoever leads on. */
  readonly bumpEpoch?: boolean
  /** Where a broker says that its replica is. */
  readonly directory?: { readonly broker: NodeId; readonly id: Uuid }
}

/** What the rules have to know besides the partition. */
export interface ChangeSetting {
  readonly metadataVersion: number
  /** Whether a broker may lead at all. */
  readonly isActive: (broker: NodeId) => boolean
  /** Whether a broker still has the directory that holds its replica. Who came back with another disk has not. */
  readonly hasReplica: (broker: NodeId) => boolean
  /** In force for the topic, no more than it has replicas. */
  readonly minIsr: number
  /** The directory in which a broker has a replica that it was just given, or has just fetched. */
  readonly directoryFor: (broker: NodeId) => Uuid
}

interface Elected {
  readonly leader: NodeId
  readonly unclean: boolean
}

interface Goal {
  readonly replicas: readonly NodeId[]
  readonly isr: readonly NodeId[]
  readonly adding: readonly NodeId[]
  readonly removing: readonly NodeId[]
}

/**
 * The one place where a partition's next state is made (org.apache.kafka.controller.PartitionChangeBuilder).
 *
 *  1. The ISR is never empty: whoever would take out the last member leaves it in, and the partition without a leader.
 *  2. The leader is in the ISR, or there is none. An election is clean unless it was asked to be unclean; an unclean one makes the ISR the new leader
 *     alone and marks it RECOVERING.
 *  3. The leader epoch rises exactly when the record names a leader: on a change of leader, when a replica is removed (whoever still follows as that
 *     replica must be fenced) or has lost what it had, and under metadata versions before 3.6-IV0 when the ISR shrinks.
 *  4. A broker whose directory is gone does not lead cleanly, whatever the ISR says: it lost what it had. When it has fetched all again and joins the
 *     ISR, or is elected uncleanly, the partition learns its new directory.
 *  5. A reassignment is completed by the change that makes it complete, whatever the reason for that change was.
 *
 * Returns null when nothing would change.
 */
export function partitionChange(
  partition: PartitionImage,
  target: PartitionTarget,
  setting: ChangeSetting,
): RecordDraft<'partitionChange'> | null {
  const goal = completed(partition, target, setting)
  const elected = elect(partition, goal, target.election ?? 'online', setting)
  const isr = elected.unclean ? [elected.leader] : goal.isr.length === 0 ? partition.isr : goal.isr
  const recovery = elected.unclean ? RECOVERING : (target.leaderRecoveryState ?? partition.leaderRecoveryState)
  const names = elected.leader !== partition.leader || target.bumpEpoch === true || mustBumpEpoch(partition, goal, isr, setting)
  const change = {
    isr: sameList(isr, partition.isr) ? null : isr,
    leader: names ? elected.leader : NO_LEADER_CHANGE,
    leaderRecoveryState: recovery === partition.leaderRecoveryState ? -1 : recovery,
    ...replicaChange(partition, goal, joining(partition, isr, elected), setting, target.directory),
  }
  assert(isr.length > 0, `an empty ISR for partition ${partition.partition} of ${partition.topicId}`)
  assert(elected.leader === NO_NODE || isr.includes(elected.leader), `leader ${elected.leader} outside the ISR ${isr.join()}`)
  assert(
    isr.every((replica) => goal.replicas.includes(replica)),
    `ISR ${isr.join()} outside the replicas ${goal.replicas.join()}`,
  )
  return isNoOp(change) ? null : { topicId: partition.topicId, partitionId: partition.partition, ...change }
}

function isNoOp(change: RecordDraft<'partitionChange'> | Record<string, unknown>): boolean {
  const { leader, leaderRecoveryState, ...lists } = change
  return leader === NO_LEADER_CHANGE && leaderRecoveryState === -1 && Object.values(lists).every((list) => list === null)
}

/**
 * What is wanted, with the reassignment finished if it can be: all added replicas are in sync, and what stays in sync without the removed ones is as
 * safe as it was or as the topic asks to be. (Kafka is content with one; then acknowledged records could hang on a single replica.)
 */
function completed(partition: PartitionImage, target: PartitionTarget, setting: ChangeSetting): Goal {
  const goal = {
    replicas: target.replicas ?? partition.replicas,
    isr: target.isr ?? partition.isr,
    adding: target.adding ?? partition.addingReplicas,
    removing: target.removing ?? partition.removingReplicas,
  }
  if (goal.adding.length === 0 && goal.removing.length === 0) return goal
  const isr = goal.isr.filter((replica) => !goal.removing.includes(replica))
  const replicas = goal.replicas.filter((replica) => !goal.removing.includes(replica))
  const enough = Math.min(setting.minIsr, replicas.length, goal.isr.length)
  if (isr.length === 0 || isr.length < enough) return goal
  if (!goal.adding.every((replica) => isr.includes(replica))) return goal
  return { replicas, isr, adding: [], removing: [] }
}

function elect(partition: PartitionImage, goal: Goal, election: Election, setting: ChangeSetting): Elected {
  const clean = (leader: NodeId) => ({ leader, unclean: false })
  const canLead = (broker: NodeId): boolean => setting.isActive(broker) && setting.hasReplica(broker)
  const isValid = (broker: NodeId): boolean => goal.isr.includes(broker) && canLead(broker)
  const preferred = goal.replicas[0] ?? NO_NODE
  if (election === 'preferred' && isValid(preferred)) return clean(preferred)
  if (isValid(partition.leader)) return clean(partition.leader)
  const online = goal.replicas.find(isValid)
  if (online !== undefined) return clean(online)
  const any = election === 'unclean' ? (goal.replicas.find(canLead) ?? goal.replicas.find(setting.isActive)) : undefined
  return any === undefined ? clean(NO_NODE) : { leader: any, unclean: true }
}

function mustBumpEpoch(partition: PartitionImage, goal: Goal, isr: readonly NodeId[], setting: ChangeSetting): boolean {
  if (partition.replicas.some((replica) => !goal.replicas.includes(replica))) return true
  return bumpsLeaderEpochOnIsrShrink(setting.metadataVersion) && partition.isr.some((replica) => !isr.includes(replica))
}

/** Who proves, or is made to be, in sync with this change. */
function joining(partition: PartitionImage, isr: readonly NodeId[], { leader, unclean }: Elected): readonly NodeId[] {
  return unclean ? [leader] : isr.filter((replica) => !partition.isr.includes(replica))
}

interface ReplicaChange {
  readonly replicas: readonly NodeId[] | null
  readonly addingReplicas: readonly NodeId[] | null
  readonly removingReplicas: readonly NodeId[] | null
  readonly directories: readonly Uuid[] | null
}

function replicaChange(
  partition: PartitionImage,
  goal: Goal,
  joined: readonly NodeId[],
  setting: ChangeSetting,
  told: PartitionTarget['directory'],
): ReplicaChange {
  const stay = sameList(goal.replicas, partition.replicas)
  const directories = goal.replicas.map((replica) => {
    if (replica === told?.broker) return told.id
    const known = directoryOf(partition, replica)
    return known === undefined || (joined.includes(replica) && !setting.hasReplica(replica)) ? setting.directoryFor(replica) : known
  })
  return {
    replicas: stay ? null : goal.replicas,
    addingReplicas: sameList(goal.adding, partition.addingReplicas) ? null : goal.adding,
    removingReplicas: sameList(goal.removing, partition.removingReplicas) ? null : goal.removing,
    directories: sameList(directories, partition.directories) || !hasDirectories(setting.metadataVersion) ? null : directories,
  }
}

export function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((item, at) => item === b[at]))
}
