// Every sequence, by subject.
import { beatingAndLeaving } from './beating-and-leaving.mjs'
import { committing } from './committing.mjs'
import { consumerMembers } from './consumer-members.mjs'
import { describing } from './describing.mjs'
import { fetchingOffsets } from './fetching-offsets.mjs'
import { findingCoordinators } from './finding-coordinators.mjs'
import { groupConfigs } from './group-configs.mjs'
import { joining } from './joining.mjs'
import { migrating } from './migrating.mjs'
import { regularExpressions } from './regular-expressions.mjs'
import { staticMembers } from './static-members.mjs'
import { syncing } from './syncing.mjs'

/** @type {Record<string, readonly import('../replay.mjs').Sequence[]>} */
export const subjects = {
  'finding coordinators': findingCoordinators,
  joining,
  syncing,
  'beating and leaving': beatingAndLeaving,
  'static members': staticMembers,
  committing,
  'fetching offsets': fetchingOffsets,
  describing,
  'consumer members': consumerMembers,
  'regular expressions': regularExpressions,
  migrating,
  'group configs': groupConfigs,
}
