import type { ApiCommandOf, GroupApi, GroupResponse } from '../../../groups/commands.ts'
import type { BrokerContext } from '../context.ts'

/** What the handlers of groups ask of the coordinators on this broker; `broker/coordinators/` is what answers. */
export interface GroupCoordinatorPort {
  /** Answers by the ledger of the partition that the group's name falls on; refusals (14, 15, 16, timeouts) are replies like others. */
  ask<K extends GroupApi>(groupId: string, command: ApiCommandOf<K>): Promise<GroupResponse<K>>
  /**
   * The partition of `__consumer_offsets` for a group: its Java hash code, made positive, modulo the topic's partitions (or
   * `offsets.topic.num.partitions` when it is not there yet).
   */
  partitionFor(groupId: string): number
  /** Asks every partition that is active here (ListGroups); error COORDINATOR_LOAD_IN_PROGRESS if any is loading. */
  askAll(command: ApiCommandOf<'listGroups'>): Promise<readonly GroupResponse<'listGroups'>[]>
}

/** What handlers of groups may know of the broker. */
export interface GroupHandlersContext extends BrokerContext {
  readonly groups: GroupCoordinatorPort
}
