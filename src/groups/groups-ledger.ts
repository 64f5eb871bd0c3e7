import { unreachable } from '../base/assert.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { Decision, Ticket } from '../base/machine.ts'
import type { Millis, Offset } from '../base/units.ts'
import type { HostedLedger } from '../ledger/ledger-host.ts'
import { activateClassicGroups } from './classic/activation.ts'
import { classicDue } from './classic/deadlines.ts'
import { describeGroups } from './classic/describe.ts'
import { heartbeat } from './classic/heartbeat.ts'
import { joinGroup } from './classic/join.ts'
import { leaveGroup } from './classic/leave.ts'
import { replayGroupMetadata } from './classic/replay.ts'
import { syncGroup } from './classic/sync.ts'
import type { ApiCommand, GroupCommand, GroupReply } from './commands.ts'
import { activateConsumerGroups } from './consumer/activation.ts'
import { heartbeatOfClassicMember, joinAsClassicMember, leaveAsClassicMember, syncAsClassicMember } from './consumer/classic/requests.ts'
import { consumerDue } from './consumer/deadlines.ts'
import { consumerGroupDescribe } from './consumer/describe.ts'
import { consumerGroupHeartbeat } from './consumer/heartbeat.ts'
import { replayConsumerGroup } from './consumer/replay.ts'
import { onTopicsChanged } from './consumer/topics-changed.ts'
import { deleteGroups } from './offsets/delete-groups.ts'
import { deleteOffsetsOfTopics } from './offsets/deleted-topics.ts'
import { offsetsDue } from './offsets/due.ts'
import { expireOffsets } from './offsets/expiry.ts'
import { listGroups } from './offsets/list-groups.ts'
import { offsetCommit } from './offsets/offset-commit.ts'
import { offsetDelete } from './offsets/offset-delete.ts'
import { offsetFetch } from './offsets/offset-fetch.ts'
import { OffsetStore } from './offsets/offset-store.ts'
import { replayOffset } from './offsets/replay.ts'
import type { GroupFact } from './records/fact.ts'
import type { Due, GroupsState, GroupsWorld } from './state.ts'
import { Turn } from './turn.ts'

/** Wakes that are later than this by more than timers are: the node itself stood still, and could hear nobody. */
const lateWakeMsMin: Millis = 1_000

/**
 * The groups whose names fall on one partition of `__consumer_offsets`, and their offsets: the fold of that partition.
 *
 *  1. `replay` alone changes what the log holds. `decide` may change what no log holds: sessions, joins and syncs that wait, members that have an id
 *     but have not joined.
 *  2. On a standby, or while the log is being read, only `replay` is called. `activate` comes first after it: sessions start then, whole.
 *  3. An answer that needs more than this turn (a join, a sync) is kept in its group by its ticket, and given exactly once.
 *  4. A group has one type at a time. What it is asked for goes to that type: JoinGroup and its like to the consumer protocol's emulation while a
 *     consumer group has members (KIP-848 migration).
 */
export class GroupsLedger implements HostedLedger<GroupCommand, GroupFact, GroupReply> {
  private readonly state: GroupsState

  constructor(world: GroupsWorld) {
    this.state = { world, groups: new Map(), offsets: new OffsetStore(), deadlines: new Deadlines<Due>() }
  }

  expectOffset(_next: Offset): void {
    // no record here says where it stands
  }

  replay(fact: GroupFact): void {
    const { state } = this
    switch (fact.type) {
      case 'offsetCommit':
      case 'pendingOffset':
        return replayOffset(state, fact)
      case 'endTransaction':
        return state.offsets.endTransaction(fact)
      case 'groupMetadata':
        return replayGroupMetadata(state, fact)
      default:
        return replayConsumerGroup(state, fact)
    }
  }

  decide(now: Millis, ticket: Ticket, command: GroupCommand): Decision<GroupFact, GroupReply> {
    const turn = new Turn(now)
    const { state } = this
    switch (command.api) {
      case 'activate':
        activateClassicGroups(state, turn)
        activateConsumerGroups(state, turn)
        break
      case 'topicsChanged':
        onTopicsChanged(state, command.names)
        deleteOffsetsOfTopics(state, turn, command.names)
        break
      case 'expire':
        expireOffsets(state, turn, command.wallTime)
        break
      default:
        this.answer(turn, ticket, command)
        return turn
    }
    turn.answer(ticket, { api: command.api, response: null })
    return turn
  }

  private answer(turn: Turn, ticket: Ticket, command: ApiCommand): void {
    const { state } = this
    switch (command.api) {
      case 'joinGroup':
        return (this.takesClassicMembers(command.request.groupId) ? joinAsClassicMember : joinGroup)(state, turn, { ...command, ticket })
      case 'syncGroup':
        return (this.takesClassicMembers(command.request.groupId) ? syncAsClassicMember : syncGroup)(state, turn, { ...command, ticket })
      case 'heartbeat':
        return (this.takesClassicMembers(command.request.groupId) ? heartbeatOfClassicMember : heartbeat)(state, turn, {
          ...command,
          ticket,
        })
      case 'leaveGroup':
        return (this.takesClassicMembers(command.request.groupId) ? leaveAsClassicMember : leaveGroup)(state, turn, { ...command, ticket })
      case 'consumerGroupHeartbeat':
        return consumerGroupHeartbeat(state, turn, { ...command, ticket })
      default:
        return answerOthers(state, turn, ticket, command)
    }
  }

  private takesClassicMembers(groupId: string): boolean {
    const group = this.state.groups.get(groupId)
    return group?.type === 'consumer' && !group.isEmpty
  }

  wakeAt(): Millis {
    return this.state.deadlines.wakeAt()
  }

  wake(now: Millis): Decision<GroupFact, GroupReply> {
    const turn = new Turn(now)
    const { deadlines } = this.state
    const late = now - deadlines.wakeAt()
    if (late < 0) return turn
    // What members sent meanwhile is still to be read: time for that, too
    if (late > lateWakeMsMin) deadlines.postpone(late + lateWakeMsMin)
    const due = deadlines.take(now)
    if (due !== null) this.due(turn, due)
    return turn
  }

  private due(turn: Turn, due: Due): void {
    switch (due.kind) {
      case 'classicSession':
      case 'classicPendingJoin':
      case 'classicInitialJoin':
      case 'classicRebalance':
      case 'classicPendingSync':
        return classicDue(this.state, turn, due)
      case 'offsetsExpiry':
      case 'offsetsOfDeletedTopics':
        return offsetsDue(this.state, turn, due)
      default:
        return consumerDue(this.state, turn, due)
    }
  }
}

type Handled = 'joinGroup' | 'syncGroup' | 'heartbeat' | 'leaveGroup' | 'consumerGroupHeartbeat'

function answerOthers(state: GroupsState, turn: Turn, ticket: Ticket, command: Exclude<ApiCommand, { readonly api: Handled }>): void {
  switch (command.api) {
    case 'offsetCommit':
      return offsetCommit(state, turn, { ...command, ticket })
    case 'offsetFetch':
      return offsetFetch(state, turn, { ...command, ticket })
    case 'offsetDelete':
      return offsetDelete(state, turn, { ...command, ticket })
    case 'deleteGroups':
      return deleteGroups(state, turn, { ...command, ticket })
    case 'listGroups':
      return listGroups(state, turn, { ...command, ticket })
    case 'describeGroups':
      return describeGroups(state, turn, { ...command, ticket })
    case 'consumerGroupDescribe':
      return consumerGroupDescribe(state, turn, { ...command, ticket })
    default:
      return unreachable(command)
  }
}
