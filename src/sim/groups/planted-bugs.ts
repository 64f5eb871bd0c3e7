import type { Millis } from '../../base/units.ts'
import type { GroupCommand } from '../../groups/commands.ts'
import type { GroupFact } from '../../groups/records/fact.ts'
import { drawOptions, type GroupKind, type GroupsOptions } from './options.ts'
import { noSabotage, type Sabotage, TamperedLedger, tampering, type Tampering } from './sabotage.ts'

export interface PlantedBug {
  readonly sabotage: Sabotage
  /** Groups of these kinds show it. */
  readonly kinds: readonly GroupKind[]
  /** Where it shows; else wherever the seed leads. */
  readonly world?: Partial<GroupsOptions>
  /** It has to be found within so many seeds, from the first. */
  readonly seedsMax: number
}

const any: readonly GroupKind[] = ['classic', 'consumer', 'mixed', 'simple']
const eonMs: Millis = 1e12

/** What has gone wrong in coordinators of this kind, or could: each has to be found. The names say what is done wrong. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  'answers leave before their records are committed': {
    sabotage: { ...noSabotage, answersBeforeCommit: true },
    kinds: any,
    seedsMax: 20,
  },
  'a deposed leader takes for committed what it wrote': {
    sabotage: { ...noSabotage, deposedLeadersCommit: true },
    kinds: any,
    seedsMax: 20,
  },
  'requests are served while the log is being read': {
    sabotage: { ...noSabotage, servesWhileLoading: true },
    kinds: any,
    seedsMax: 20,
  },
  'what is not known to be committed is not read': {
    sabotage: { ...noSabotage, replaysAtLoad: (_, isTail) => !isTail },
    kinds: any,
    seedsMax: 40,
  },
  'offsets are not read': {
    sabotage: { ...noSabotage, replaysAtLoad: ({ type }) => type !== 'offsetCommit' },
    kinds: any,
    seedsMax: 10,
  },
  'deletions are not read': {
    sabotage: { ...noSabotage, replaysAtLoad: (fact) => !('value' in fact) || fact.value !== null },
    kinds: any,
    seedsMax: 40,
  },
  'sessions do not begin anew with a new coordinator': {
    sabotage: { ...noSabotage, activates: false },
    kinds: ['classic', 'consumer', 'mixed'],
    seedsMax: 60,
  },
  'a new coordinator begins with an older generation': {
    sabotage: { ...noSabotage, loadedFact: olderGeneration },
    kinds: ['classic'],
    seedsMax: 20,
  },
  'a new coordinator begins with an older group epoch': {
    sabotage: { ...noSabotage, loadedFact: olderEpoch },
    kinds: ['consumer'],
    seedsMax: 40,
  },
  'commits of any generation are taken': {
    sabotage: tampering(anyGenerationCommits),
    kinds: ['classic'],
    seedsMax: 40,
  },
  'commits of nobody are taken from groups with members': {
    sabotage: tampering(nobodyIsSomebody),
    kinds: ['classic', 'consumer'],
    seedsMax: 60,
  },
  'partitions are given on before their owner has let them go': {
    sabotage: tampering(() => ({ command: saysItOwnsNothing })),
    kinds: ['consumer'],
    seedsMax: 20,
  },
  'members that are fenced are not written off': {
    sabotage: tampering(() => ({ record: (record) => (isMemberTombstone(record) ? null : record) })),
    kinds: ['consumer'],
    seedsMax: 40,
  },
  'the group epoch is not written': {
    sabotage: tampering(() => ({ record: (record) => (record.type === 'consumerGroupMetadata' && record.value !== null ? null : record) })),
    kinds: ['consumer'],
    seedsMax: 20,
  },
  'the assignments of a generation are not written': {
    sabotage: tampering(() => ({ record: withoutAssignments })),
    kinds: ['classic'],
    seedsMax: 10,
  },
  'sessions end too early': {
    sabotage: { ...noSabotage, wrap: (ledger) => new TamperedLedger(ledger, {}, 2) },
    kinds: ['consumer'],
    seedsMax: 40,
  },
  'who stood still takes those for silent whom it has not read': {
    sabotage: tampering(() => ({ isNeverLate: true })),
    kinds: ['consumer'],
    world: { brokerFreezeEveryMs: 3000, moveEveryMs: 0, brokerCrashEveryMs: 0, sessionTimeoutMs: 2000, heartbeatIntervalMs: 300 },
    seedsMax: 30,
  },
  'offsets expire while somebody is subscribed': {
    sabotage: tampering(() => ({ command: expiresAll })),
    kinds: ['simple', 'classic'],
    seedsMax: 20,
  },
  'a static member that comes back begins a generation': {
    sabotage: tampering(beginsGenerationForStatics),
    kinds: ['classic'],
    seedsMax: 60,
  },
}

function olderGeneration(fact: GroupFact): GroupFact {
  if (fact.type !== 'groupMetadata' || fact.value === null) return fact
  return { ...fact, value: { ...fact.value, generation: Math.max(0, fact.value.generation - 1) } }
}

function olderEpoch(fact: GroupFact): GroupFact {
  if (fact.type !== 'consumerGroupMetadata' || fact.value === null) return fact
  return { ...fact, value: { ...fact.value, epoch: Math.max(1, fact.value.epoch - 1) } }
}

/** As if the check of generations were missing: whoever is a member, or was. */
function anyGenerationCommits(): Tampering {
  const generations = new Map<string, number>()
  return {
    seen: (fact) => {
      if (fact.type === 'groupMetadata' && fact.value !== null) generations.set(fact.key.group, fact.value.generation)
    },
    command: (command) => {
      if (command.api !== 'offsetCommit' || command.request.generationIdOrMemberEpoch < 0) return command
      const generation = generations.get(command.request.groupId) ?? -1
      return { ...command, request: { ...command.request, generationIdOrMemberEpoch: generation } }
    },
  }
}

/** As if commits without a generation were not held against the state of the group. */
function nobodyIsSomebody(): Tampering {
  const signatures = new Map<string, { readonly memberId: string; readonly epoch: number }>()
  return {
    seen: (fact) => {
      const [member] = fact.type === 'groupMetadata' ? (fact.value?.members ?? []) : []
      if (fact.type === 'groupMetadata' && member !== undefined)
        signatures.set(fact.key.group, { memberId: member.memberId, epoch: fact.value?.generation ?? -1 })
      if (fact.type === 'consumerGroupCurrentMemberAssignment' && fact.value !== null)
        signatures.set(fact.key.groupId, { memberId: fact.key.memberId, epoch: fact.value.memberEpoch })
    },
    command: (command) => {
      if (command.api !== 'offsetCommit' || command.request.generationIdOrMemberEpoch >= 0) return command
      const signature = signatures.get(command.request.groupId)
      if (signature === undefined) return command
      return { ...command, request: { ...command.request, memberId: signature.memberId, generationIdOrMemberEpoch: signature.epoch } }
    },
  }
}

function saysItOwnsNothing(command: GroupCommand): GroupCommand {
  if (command.api !== 'consumerGroupHeartbeat' || command.request.memberEpoch < 0) return command
  return { ...command, request: { ...command.request, topicPartitions: [] } }
}

function isMemberTombstone(record: GroupFact): boolean {
  return record.type === 'consumerGroupMemberMetadata' && record.value === null
}

function withoutAssignments(record: GroupFact): GroupFact {
  if (record.type !== 'groupMetadata' || record.value === null) return record
  const members = record.value.members.map((member) => ({ ...member, assignment: Buffer.alloc(0) }))
  return { ...record, value: { ...record.value, members } }
}

/** As if the retention were over long ago. */
function expiresAll(command: GroupCommand): GroupCommand {
  return command.api === 'expire' ? { ...command, wallTime: command.wallTime + eonMs } : command
}

/** As if a static member's return began a generation. */
function beginsGenerationForStatics(): Tampering {
  let returns = false
  return {
    command: (command) => {
      returns = command.api === 'joinGroup' && command.request.groupInstanceId !== null && command.request.memberId === ''
      return command
    },
    record: (record) => {
      if (!returns || record.type !== 'groupMetadata' || record.value === null || record.value.leader === null) return record
      return { ...record, value: { ...record.value, generation: record.value.generation + 1 } }
    },
  }
}

/** What the seed draws, with groups of these kinds only; null when it draws none. */
export function optionsFor({ kinds, world }: PlantedBug, seed: number): GroupsOptions | null {
  const options = drawOptions(seed)
  const groups = options.groups.filter(({ kind }) => kinds.includes(kind))
  return groups.length === 0 ? null : { ...options, ...world, groups }
}
