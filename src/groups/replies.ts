import { ErrorCode, type ErrorName } from '../protocol/errors.ts'
import type { ApiCommand, ApiReply, GroupCommand, GroupReply } from './commands.ts'

/** A command refused as a whole, the error at the place that its API has for it. */
export function refusedReply(command: GroupCommand, error: ErrorName): GroupReply {
  switch (command.api) {
    case 'activate':
    case 'topicsChanged':
    case 'expire':
      return { api: command.api, response: null }
    default:
      return refusedApi(command, ErrorCode[error])
  }
}

function refusedApi(command: ApiCommand, errorCode: ErrorCode): ApiReply {
  switch (command.api) {
    case 'joinGroup':
      return {
        api: 'joinGroup',
        response: {
          errorCode,
          generationId: -1,
          protocolName: command.context.version >= 7 ? null : '',
          leader: '',
          memberId: command.request.memberId,
          members: [],
        },
      }
    case 'syncGroup':
      return { api: 'syncGroup', response: { errorCode, assignment: Buffer.alloc(0) } }
    case 'heartbeat':
      return { api: 'heartbeat', response: { errorCode } }
    case 'leaveGroup':
      return { api: 'leaveGroup', response: { errorCode, members: [] } }
    case 'consumerGroupHeartbeat':
      return { api: 'consumerGroupHeartbeat', response: { throttleTimeMs: 0, errorCode, memberEpoch: 0, heartbeatIntervalMs: 0 } }
    default:
      return refusedItems(command, errorCode)
  }
}

type ItemsCommand = Exclude<ApiCommand, { readonly api: 'joinGroup' | 'syncGroup' | 'heartbeat' | 'leaveGroup' | 'consumerGroupHeartbeat' }>

function refusedItems(command: ItemsCommand, errorCode: ErrorCode): ApiReply {
  switch (command.api) {
    case 'offsetCommit': {
      const topics = command.request.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      }))
      return { api: 'offsetCommit', response: { topics } }
    }
    case 'offsetFetch':
      return { api: 'offsetFetch', response: { groups: command.request.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })) } }
    case 'offsetDelete':
      return { api: 'offsetDelete', response: { errorCode, throttleTimeMs: 0, topics: [] } }
    case 'deleteGroups':
      return {
        api: 'deleteGroups',
        response: { throttleTimeMs: 0, results: command.request.groupsNames.map((groupId) => ({ groupId, errorCode })) },
      }
    case 'listGroups':
      return { api: 'listGroups', response: { errorCode, groups: [] } }
    case 'describeGroups': {
      const groups = command.request.groups.map((groupId) => ({
        errorCode,
        groupId,
        groupState: '',
        protocolType: '',
        protocolData: '',
        members: [],
      }))
      return { api: 'describeGroups', response: { groups } }
    }
    case 'consumerGroupDescribe': {
      const groups = command.request.groupIds.map((groupId) => ({
        errorCode,
        groupId,
        groupState: '',
        groupEpoch: 0,
        assignmentEpoch: 0,
        assignorName: '',
        members: [],
      }))
      return { api: 'consumerGroupDescribe', response: { throttleTimeMs: 0, groups } }
    }
  }
}
