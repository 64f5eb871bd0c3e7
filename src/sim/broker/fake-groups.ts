import type { GroupCoordinatorPort } from '../../broker/handlers/groups/context.ts'
import type { ApiCommand, ApiCommandOf, GroupApi, GroupReply, GroupResponse } from '../../groups/commands.ts'
import { refusedReply } from '../../groups/replies.ts'

/** Coordinators for the tests of handlers: remembers what it is asked, and answers what it is told to; what it is not told it refuses. */
export class FakeGroups implements GroupCoordinatorPort {
  readonly asked: { readonly groupId: string; readonly command: ApiCommand }[] = []
  stub: (command: ApiCommand, groupId: string) => GroupReply['response'] = (command) => refusedReply(command, 'NOT_COORDINATOR').response
  /** Answers of the partitions to ListGroups. */
  listed: readonly GroupResponse<'listGroups'>[] = []
  partitionCount = 4

  async ask<K extends GroupApi>(groupId: string, command: ApiCommandOf<K>): Promise<GroupResponse<K>> {
    const known = command as unknown as ApiCommand
    this.asked.push({ groupId, command: known })
    return this.stub(known, groupId) as GroupResponse<K>
  }

  /** By the length of the name: easily foreseen. */
  partitionFor(groupId: string): number {
    return groupId.length % this.partitionCount
  }

  async askAll(): Promise<readonly GroupResponse<'listGroups'>[]> {
    return this.listed
  }
}
