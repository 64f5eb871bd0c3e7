import { unreachable } from '../../base/assert.ts'
import type { Uuid } from '../../base/units.ts'
import type { AssignorName } from '../settings.ts'
import { assignRanges } from './range.ts'
import { assignUniformly } from './uniform.ts'

/** What one member has or is to have: partitions by topic, ascending and each once; a topic of which it has none is not there. */
export type MemberAssignment = ReadonlyMap<Uuid, readonly number[]>

export interface AssignmentMember {
  /** `group.instance.id`. */
  readonly instanceId: string | null
  /** The topics that it is subscribed to, by name or expression. Members with one subscription may share one set: it is then compared by identity. */
  readonly topicIds: ReadonlySet<Uuid>
  /** The target that it has so far; empty for a member that is new. */
  readonly assigned: MemberAssignment
}

/** org.apache.kafka.coordinator.group.api.assignor.GroupSpec and SubscribedTopicDescriber. */
export interface AssignmentInput {
  /** By member id. */
  readonly members: ReadonlyMap<string, AssignmentMember>
  /** How many partitions the subscribed topics have. A topic that is not here does not exist: nobody is assigned of it. */
  readonly partitionCounts: ReadonlyMap<Uuid, number>
}

export type GroupAssignment = ReadonlyMap<string, MemberAssignment>

/**
 * The target assignment of a group: every partition of every topic that somebody is subscribed to goes to exactly one of its subscribers. Every member
 * of the input is in the result; one whose assignment is what it was has the very object of the input, so that what changed is found by identity. The
 * same input gives the same result, whatever the order of its maps and sets.
 */
export function assign(name: AssignorName, input: AssignmentInput): GroupAssignment {
  switch (name) {
    case 'uniform':
      return assignUniformly(input)
    case 'range':
      return assignRanges(input)
    default:
      return unreachable(name)
  }
}
