import type { Uuid } from '../../base/units.ts'
import type { AssignmentInput, GroupAssignment } from './assign.ts'
import { balanceHeterogeneous } from './heterogeneous.ts'
import { balanceHomogeneous } from './homogeneous.ts'
import { PartitionOwners } from './partition-owners.ts'

/** Everybody gets as many partitions as the others, as far as subscriptions allow, and keeps what it has as far as that allows (UniformAssignor). */
export function assignUniformly(input: AssignmentInput): GroupAssignment {
  const owners = new PartitionOwners(input)
  owners.keepAssigned()
  if (isHomogeneous(input)) balanceHomogeneous(owners)
  else balanceHeterogeneous(owners)
  return owners.toAssignment()
}

function isHomogeneous({ members }: AssignmentInput): boolean {
  let first: ReadonlySet<Uuid> | null = null
  for (const { topicIds } of members.values()) {
    first ??= topicIds
    if (!isSameSet(first, topicIds)) return false
  }
  return true
}

function isSameSet(a: ReadonlySet<Uuid>, b: ReadonlySet<Uuid>): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const topicId of a) if (!b.has(topicId)) return false
  return true
}
