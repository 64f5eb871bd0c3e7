import type { GroupReply } from '../../groups/commands.ts'
import { GroupsLedger } from '../../groups/groups-ledger.ts'
import type { SimulatedCoordinator } from './coordinator.ts'
import type { Request, Response } from './clients/link.ts'
import type { Member } from './clients/member.ts'
import type { GroupOptions } from './options.ts'
import { compacted, factsOf, type ReplicatedLog, type StoredBatch } from './replicated-log.ts'
import { type PartitionKey, partitionKey } from './shadow.ts'
import { classicView, commandOf, consumerView, type Described, type GroupView, holdDisjoint, responseOf } from './views.ts'
import { hold, Violation } from './violation.ts'
import type { World } from './world.ts'

/** A coordinator that nothing happens to answers within this. */
const answerMs = 2_000

/** What can be asked in this way of a coordinator, or of a ledger that has merely folded a log. */
interface Asked {
  ask<K extends Described>(api: K, request: Request<K>): Response<K>
}

/** Judges a world in which nothing goes wrong any more. */
export class FinalJudge {
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  /** G-6, G-5: every group is stable, its members are those that live, and all partitions are with one of them. */
  stable(): void {
    for (const group of this.world.options.groups) if (group.kind !== 'simple') this.stableGroup(group)
  }

  private stableGroup({ groupId }: GroupOptions): void {
    const log = this.world.logOf(groupId)
    const view = this.viewOf(this.coordinatorOf(log), log, groupId)
    const living = this.world.members.filter((member) => member.groupId === groupId && member.isIn)
    const who = (): string =>
      `${groupId} is ${view.state}: ${[...view.assigned].map(([id, keys]) => `${id} [${[...keys].join(' ')}]`).join(', ')}; living: ${living.map((member) => member.describe()).join('; ')}`
    if (living.length === 0) return hold(view.state === 'Empty' || view.state === 'Dead', 'G-6', who)
    hold(view.state === 'Stable', 'G-6', who)
    hold(view.assigned.size === living.length && living.every(({ memberId }) => view.assigned.has(memberId)), 'G-6', who)
    const expected = this.partitionsOf(living)
    const all = [...view.assigned.values()].flatMap((keys) => [...keys])
    holdDisjoint(groupId, view)
    const isComplete = all.length === expected.size && all.every((key) => expected.has(key))
    // That a group which was a consumer group is to rebalance only its coordinator knows: with it the rebalance is lost, as in Kafka
    hold(isComplete, 'G-5', () => `${who()}; expected: ${[...expected].join(' ')}`)
    for (const member of living) {
      const own = member.ownedByName()
      const assigned = view.assigned.get(member.memberId)
      hold(own.size === assigned?.size && [...own].every((key) => assigned.has(key)), 'G-6', who)
    }
  }

  /** G-7: what static members must not have changed by coming back. */
  epochs(): ReadonlyMap<string, number> {
    const epochs = new Map<string, number>()
    for (const { groupId } of this.world.options.groups) {
      const { shadow } = this.world.logOf(groupId).copy
      const epoch = shadow.consumer.get(groupId)?.epoch ?? shadow.classic.get(groupId)?.generation
      if (epoch !== undefined) epochs.set(groupId, epoch)
    }
    return epochs
  }

  restartedQuietly(before: ReadonlyMap<string, number>): void {
    for (const [groupId, epoch] of this.epochs())
      hold(
        before.get(groupId) === epoch,
        'G-7',
        () => `${groupId} was at ${before.get(groupId)} and is at ${epoch}, though only static members came back`,
      )
  }

  private partitionsOf(members: readonly Member[]): ReadonlySet<PartitionKey> {
    const keys = new Set<PartitionKey>()
    for (const name of new Set(members.flatMap(({ topics }) => topics))) {
      const count = this.world.topics.current.get(name)?.partitionCount ?? 0
      for (let partition = 0; partition < count; partition += 1) keys.add(partitionKey(name, partition))
    }
    return keys
  }

  coordinatorOf(log: ReplicatedLog): Asked {
    for (const broker of this.world.brokers) {
      const coordinator = broker.coordinators[log.partition]
      if (coordinator?.isActive === true && coordinator.copy === log.copy)
        return { ask: (api, request) => this.askCoordinator(coordinator, api, request) }
    }
    throw new Violation('G-6', `nobody coordinates partition ${log.partition}`)
  }

  private askCoordinator<K extends Described>(coordinator: SimulatedCoordinator, api: K, request: Request<K>): Response<K> {
    let reply: GroupReply | null = null
    coordinator.submit(commandOf(api, request), (served) => (reply = served.reply))
    const { scheduler } = this.world
    for (const end = scheduler.now + answerMs; reply === null && scheduler.now < end;) scheduler.runUntil(scheduler.now + 10, () => {})
    if (reply === null) throw new Violation('G-6', `${api} is not answered`)
    return responseOf(api, reply)
  }

  private viewOf(asked: Asked, log: ReplicatedLog, groupId: string): GroupView {
    return log.copy.shadow.consumer.has(groupId)
      ? consumerView(asked.ask('consumerGroupDescribe', { groupIds: [groupId], includeAuthorizedOperations: false }))
      : classicView(asked.ask('describeGroups', { groups: [groupId], includeAuthorizedOperations: false }))
  }

  /** Folds of the log, and of the log compacted, are what the coordinator has. */
  folds(): void {
    for (const log of this.world.logs) {
      const active = this.describe(this.coordinatorOf(log), log)
      const { batches } = log.copy
      for (const [what, folded] of [
        ['the log', batches],
        ['the compacted log', compacted(batches, false)],
        ['the compacted log without tombstones', compacted(batches, true)],
      ] as const) {
        const fresh = this.describe(this.foldOf(folded), log)
        hold(
          fresh === active,
          'fold',
          () => `the fold of ${what} of partition ${log.partition} is not what its coordinator has:\n${firstDifference(fresh, active)}`,
        )
      }
    }
  }

  private foldOf(batches: readonly StoredBatch[]): Asked {
    const [broker] = this.world.brokers
    if (broker === undefined) throw new RangeError('no broker')
    const ledger = new GroupsLedger(broker.groupsWorld)
    for (const batch of batches) for (const fact of factsOf(batch)) ledger.replay(fact)
    return {
      ask: (api, request) => {
        const { answers, records } = ledger.decide(broker.mono(), 1, commandOf(api, request))
        const [answer] = answers
        hold(answer !== undefined && records.length === 0, 'fold', () => `${api} of a fresh ledger writes, or is not answered`)
        return responseOf(api, answer.reply)
      },
    }
  }

  /** Without groups of which nothing is left but the memory that there once was something: no log has that. */
  private describe(asked: Asked, log: ReplicatedLog): string {
    const groups = this.world.options.groups.map(({ groupId }) => groupId).filter((groupId) => this.world.logOf(groupId) === log)
    const listed = asked.ask('listGroups', { statesFilter: [], typesFilter: [] }).groups
    const lines: unknown[] = []
    for (const groupId of groups) {
      const offsets = asked.ask('offsetFetch', { groups: [{ groupId, topics: null }], requireStable: false }).groups[0]?.topics ?? []
      const { shadow } = log.copy
      if (offsets.length === 0 && !shadow.classic.has(groupId) && !shadow.consumer.has(groupId)) continue
      const classic = asked.ask('describeGroups', { groups: [groupId], includeAuthorizedOperations: false }).groups
      const consumer = asked.ask('consumerGroupDescribe', { groupIds: [groupId], includeAuthorizedOperations: false }).groups
      lines.push(
        listed.find((group) => group.groupId === groupId) ?? null,
        classic.map((group) => ({ ...group, members: group.members.toSorted(byMember) })),
        consumer.map((group) => ({ ...group, members: group.members.toSorted(byMember) })),
        offsets.toSorted(byName).map((topic) => ({ ...topic, partitions: topic.partitions.toSorted(byIndex) })),
      )
    }
    return lines.map((line) => JSON.stringify(line)).join('\n')
  }
}

const byMember = (a: { readonly memberId: string }, b: { readonly memberId: string }): number => (a.memberId < b.memberId ? -1 : 1)
const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1)
const byIndex = (a: { readonly partitionIndex: number }, b: { readonly partitionIndex: number }): number =>
  a.partitionIndex - b.partitionIndex

function firstDifference(one: string, other: string): string {
  const [ones, others] = [one.split('\n'), other.split('\n')]
  const at = ones.findIndex((line, index) => line !== others[index])
  return `${ones[at] ?? 'nothing'}\n${others[at] ?? 'nothing'}`
}
