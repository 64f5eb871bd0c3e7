import type { Handlers } from '../../../server/handlers.ts'
import type { TopicMaker } from '../auto-topics.ts'
import { consumerGroupDescribeHandler } from './consumer-group-describe.ts'
import { consumerGroupHeartbeatHandler } from './consumer-group-heartbeat.ts'
import type { GroupHandlersContext } from './context.ts'
import { deleteGroupsHandler } from './delete-groups.ts'
import { describeGroupsHandler } from './describe-groups.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import { heartbeatHandler } from './heartbeat.ts'
import { joinGroupHandler } from './join-group.ts'
import { leaveGroupHandler } from './leave-group.ts'
import { listGroupsHandler } from './list-groups.ts'
import { offsetCommitHandler } from './offset-commit.ts'
import { offsetDeleteHandler } from './offset-delete.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { syncGroupHandler } from './sync-group.ts'

/** All that concerns groups and committed offsets. `maker` is the one that Metadata uses: a topic that is being made is not asked for twice. */
export function groupHandlers(context: GroupHandlersContext, maker: TopicMaker): Handlers {
  return {
    findCoordinator: findCoordinatorHandler(context, maker),
    joinGroup: joinGroupHandler(context),
    syncGroup: syncGroupHandler(context),
    heartbeat: heartbeatHandler(context),
    leaveGroup: leaveGroupHandler(context),
    consumerGroupHeartbeat: consumerGroupHeartbeatHandler(context),
    consumerGroupDescribe: consumerGroupDescribeHandler(context),
    describeGroups: describeGroupsHandler(context),
    listGroups: listGroupsHandler(context),
    deleteGroups: deleteGroupsHandler(context),
    offsetCommit: offsetCommitHandler(context),
    offsetFetch: offsetFetchHandler(context),
    offsetDelete: offsetDeleteHandler(context),
  }
}
