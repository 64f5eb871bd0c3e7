import { unreachable } from '../../base/assert.ts'
import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { deleteOffsetsOfTopics } from './deleted-topics.ts'
import { expireIn } from './expiry.ts'

/** What has not found room in the batch of the turn in which it began. */
export type OffsetsDue =
  | { readonly kind: 'offsetsExpiry'; readonly groupIds: readonly string[] }
  | { readonly kind: 'offsetsOfDeletedTopics'; readonly names: readonly string[] }

export function offsetsDue(state: GroupsState, turn: Turn, due: OffsetsDue): void {
  switch (due.kind) {
    case 'offsetsExpiry':
      return expireIn(state, turn, due.groupIds, state.world.wallTime())
    case 'offsetsOfDeletedTopics':
      return deleteOffsetsOfTopics(state, turn, due.names)
    default:
      return unreachable(due)
  }
}
