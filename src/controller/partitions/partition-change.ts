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
  /** Replicas that may have lost what they had: by a restart after a loss of power, or with their directory. */
  readonly lossy?: readonly NodeId[]
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
  /** `min.insync.replicas` in force for the topic. */
  readonly minIsr: number
  /** `eligible.leader.replicas.version` is 1 or higher. */
  readonly elrEnabled: boolean
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
  /** As long as nobody of it is elected. */
  readonly elr: readonly NodeId[]
  readonly adding: readonly NodeId[]
  readonly removing: readonly NodeId[]
}

/**
 * The one place where a partition's next state is made (org.apache.kafka.controller.PartitionChangeBuilder).
 *
 *  1. Without eligible leader replicas (`eligible.leader.replicas.version` 0) the ISR is never empty: whoever would take out the last member leaves it
 *     in, and the partition without a leader.
 *  2. With them (KIP-966) the ISR may be empty. While it has fewer than `min.insync.replicas` members no leader moves the high watermark, so whoever
 *     leaves it then still has all that was acknowledged: it is eligible. ISR and ELR have no member in common; the ELR is empty as soon as the ISR is
 *     large enough. Who may have lost what it had (`lossy`) leaves both.
 *  3. The leader is in the ISR, or there is none. A clean election takes a member of the ISR, or, when that is empty, one of the ELR, who then is the
 *     ISR. An unclean one makes the ISR the new leader alone, empties the ELR and marks the partition RECOVERING.
 *  4. Nobody leads uncleanly but by the wish of an operator or of the topic, who get the last known leader if it is there: Kafka elects that one by
 *     itself (REP-11; PartitionChangeBuilder.canElectLastKnownLeader). Only where the replica is the only one there is nobody else to wait for, and it
 *     leads again with what its disk kept.
 *  5. The leader epoch rises exactly when the record names a leader: on a change of leader, when a replica is removed (whoever still follows as that
 *     replica must be fenced) or has lost what it had, and under metadata versions before 3.6-IV0 when the ISR shrinks.
 *  6. A broker whose directory is gone does not lead cleanly, whatever the ISR says: it lost what it had. When it has fetched all again and joins the
 *     ISR, or is elected uncleanly, the partition learns its new directory.
 *  7. A reassignment is completed by the change that makes it complete, whatever the reason for that change was.
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
  const isr = isrAfter(partition, goal, elected, setting)
  const recovery = elected.unclean ? RECOVERING : (target.leaderRecoveryState ?? partition.leaderRecoveryState)
  const names = elected.leader !== partition.leader || target.bumpEpoch === true || mustBumpEpoch(partition, goal, isr, setting)
  const change = {
    isr: sameList(isr, partition.isr) ? null : isr,
    leader: names ? elected.leader : NO_LEADER_CHANGE,
    leaderRecoveryState: recovery === partition.leaderRecoveryState ? -1 : recovery,
    ...eligibleChange(partition, goal, isr, elected, setting),
    ...replicaChange(partition, goal, joining(partition, isr, elected), setting, target.directory),
  }
  assert(isr.length > 0 || setting.elrEnabled, `an empty ISR for partition ${partition.partition} of ${partition.topicId}`)
  assert(elected.leader === NO_NODE || isr.includes(elected.leader), `leader ${elected.leader} outside the ISR ${isr.join()}`)
  assert(
    isr.every((replica) => goal.replicas.includes(replica)),
    `ISR ${isr.join()} outside the replicas ${goal.replicas.join()}`,
  )
  return isNoOp(change) ? null : { topicId: partition.topicId, partitionId: partition.partition, ...change }
}

/** Who leads without being in sync was elected uncleanly or from the ELR: the new ISR is that one alone. */
function isrAfter(partition: PartitionImage, goal: Goal, { leader, unclean }: Elected, { elrEnabled }: ChangeSetting): readonly NodeId[] {
  if (unclean || (leader !== NO_NODE && !goal.isr.includes(leader))) return [leader]
  return goal.isr.length === 0 && !elrEnabled ? partition.isr : goal.isr
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
  const wanted = {
    replicas: target.replicas ?? partition.replicas,
    isr: target.isr ?? partition.isr,
    adding: target.adding ?? partition.addingReplicas,
    removing: target.removing ?? partition.removingReplicas,
  }
  const goal = { ...wanted, elr: eligible(partition, wanted, target, setting) }
  if (goal.adding.length === 0 && goal.removing.length === 0) return goal
  const isr = goal.isr.filter((replica) => !goal.removing.includes(replica))
  const replicas = goal.replicas.filter((replica) => !goal.removing.includes(replica))
  const enough = Math.min(setting.minIsr, replicas.length, goal.isr.length + goal.elr.length)
  if (isr.length === 0 || isr.length < enough) return goal
  if (!goal.adding.every((replica) => isr.includes(replica))) return goal
  const after = { replicas, isr, adding: [], removing: [] }
  return { ...after, elr: eligible(partition, after, target, setting) }
}

/** Who, outside the ISR, has all that was acknowledged (PartitionChangeBuilder.maybePopulateTargetElr), but only of those that stay replicas. */
function eligible(
  partition: PartitionImage,
  { isr, replicas }: Pick<Goal, 'isr' | 'replicas'>,
  { lossy = [] }: PartitionTarget,
  setting: ChangeSetting,
): readonly NodeId[] {
  if (!setting.elrEnabled || isSafe(isr, replicas, setting)) return []
  const candidates = [...new Set([...partition.eligibleLeaderReplicas, ...partition.isr])]
  return candidates.filter((replica) => replicas.includes(replica) && !isr.includes(replica) && !lossy.includes(replica))
}

/** Large enough for a leader to commit: who is not in it may miss what is acknowledged from now on. */
function isSafe(isr: readonly NodeId[], replicas: readonly NodeId[], { minIsr }: ChangeSetting): boolean {
  return isr.length >= Math.min(minIsr, replicas.length)
}

function elect(partition: PartitionImage, goal: Goal, election: Election, setting: ChangeSetting): Elected {
  const clean = (leader: NodeId) => ({ leader, unclean: false })
  // Who joins with this very change has all, wherever it was before
  const joins = (broker: NodeId): boolean => goal.isr.includes(broker) && !partition.isr.includes(broker)
  const canLead = (broker: NodeId): boolean => setting.isActive(broker) && (setting.hasReplica(broker) || joins(broker))
  const hasAll = goal.isr.length > 0 ? goal.isr : goal.elr
  const isValid = (broker: NodeId): boolean => hasAll.includes(broker) && canLead(broker)
  const preferred = goal.replicas[0] ?? NO_NODE
  if (election === 'preferred' && isValid(preferred)) return clean(preferred)
  if (isValid(partition.leader)) return clean(partition.leader)
  const online = goal.replicas.find(isValid)
  if (online !== undefined) return clean(online)
  const any = election === 'unclean' ? uncleanLeader(partition, goal, setting) : soleReplica(goal, setting)
  return any === undefined ? clean(NO_NODE) : { leader: any, unclean: true }
}

function uncleanLeader(partition: PartitionImage, goal: Goal, { isActive, hasReplica }: ChangeSetting): NodeId | undefined {
  const [lastKnown] = partition.lastKnownElr
  const first = lastKnown === undefined ? goal.replicas : [lastKnown, ...goal.replicas]
  const there = first.filter((replica) => goal.replicas.includes(replica) && isActive(replica))
  return there.find(hasReplica) ?? there[0]
}

/** The only replica is in neither list after a restart that may have lost something: nobody else can ever have more. */
function soleReplica({ replicas, isr, elr }: Goal, { isActive, hasReplica }: ChangeSetting): NodeId | undefined {
  const [only, another] = replicas
  if (only === undefined || another !== undefined || isr.length + elr.length > 0) return undefined
  return isActive(only) && hasReplica(only) ? only : undefined
}

function mustBumpEpoch(partition: PartitionImage, goal: Goal, isr: readonly NodeId[], setting: ChangeSetting): boolean {
  if (partition.replicas.some((replica) => !goal.replicas.includes(replica))) return true
  return bumpsLeaderEpochOnIsrShrink(setting.metadataVersion) && partition.isr.some((replica) => !isr.includes(replica))
}

/** Who proves, or is made to be, in sync with this change. */
function joining(partition: PartitionImage, isr: readonly NodeId[], { leader, unclean }: Elected): readonly NodeId[] {
  return unclean ? [leader] : isr.filter((replica) => !partition.isr.includes(replica))
}

interface EligibleChange {
  readonly eligibleLeaderReplicas: readonly NodeId[] | null
  readonly lastKnownElr: readonly NodeId[] | null
}

/** The last known leader is noted when the partition loses its leader, and forgotten when it has one again. */
function eligibleChange(
  partition: PartitionImage,
  goal: Goal,
  isr: readonly NodeId[],
  { leader, unclean }: Elected,
  setting: ChangeSetting,
): EligibleChange {
  const { eligibleLeaderReplicas: before, lastKnownElr } = partition
  const elr = unclean || isSafe(isr, goal.replicas, setting) ? [] : goal.elr.filter((replica) => replica !== leader)
  const known = lastKnownElr.length > 0 || partition.leader === NO_NODE ? lastKnownElr : [partition.leader]
  const last = leader === NO_NODE && setting.elrEnabled ? known : []
  return {
    eligibleLeaderReplicas: sameList(elr, before) ? null : elr,
    lastKnownElr: sameList(last, lastKnownElr) ? null : last,
  }
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
