import { ClassicGroup } from './classic-group.ts'

/**
 * A group that nobody has joined: it has offsets, committed without a generation. It exists as long as they do, and has no record of its own; the first
 * JoinGroup makes an ordinary group of it.
 */
export function createSimpleGroup(groupId: string): ClassicGroup {
  return new ClassicGroup(groupId)
}
