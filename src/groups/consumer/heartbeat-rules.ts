import type { GroupRequest } from '../commands.ts'
import type { GroupSettings } from '../settings.ts'
import { joinEpoch, leaveEpoch, staticLeaveEpoch } from './consumer-member.ts'
import { type Refusal, refusal } from './refusal.ts'

type Heartbeat = GroupRequest<'consumerGroupHeartbeat'>

/** From this version on members make up their own ids. */
const ownIdVersionMin = 1

/** What is wrong with the request whatever the group; Kafka's order and words (GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid). */
export function heartbeatRefusal(settings: GroupSettings, version: number, request: Heartbeat): Refusal | null {
  if (!settings.consumerProtocolEnabled) return refusal('UNSUPPORTED_VERSION')
  const invalid = idsInvalid(version, request) ?? epochInvalid(request)
  if (invalid !== null) return refusal('INVALID_REQUEST', invalid)
  return assignorRefusal(settings, request.serverAssignor)
}

function idsInvalid(version: number, { memberId, memberEpoch, groupId, instanceId, rackId }: Heartbeat): string | null {
  const needsMemberId = version >= ownIdVersionMin || memberEpoch > joinEpoch || memberEpoch === leaveEpoch
  if (needsMemberId && isBlank(memberId)) return "MemberId can't be empty."
  if (isBlank(groupId)) return "GroupId can't be empty."
  if (instanceId !== null && isBlank(instanceId)) return "InstanceId can't be empty."
  if (rackId !== null && isBlank(rackId)) return "RackId can't be empty."
  return null
}

function epochInvalid(request: Heartbeat): string | null {
  if (request.memberEpoch === joinEpoch) return joinInvalid(request)
  if (request.memberEpoch === staticLeaveEpoch) return request.instanceId === null ? "InstanceId can't be null." : null
  return request.memberEpoch < staticLeaveEpoch ? 'MemberEpoch is invalid.' : null
}

function joinInvalid({ rebalanceTimeoutMs, topicPartitions, subscribedTopicNames, subscribedTopicRegex }: Heartbeat): string | null {
  if (rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.'
  if (topicPartitions === null || topicPartitions.length > 0) return 'TopicPartitions must be empty when (re-)joining.'
  if (subscribedTopicNames === null && subscribedTopicRegex === null) {
    return 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.'
  }
  return null
}

function assignorRefusal({ groupConsumerAssignors: supported }: GroupSettings, name: string | null): Refusal | null {
  if (name === null || supported.some((one) => one === name)) return null
  return refusal('UNSUPPORTED_ASSIGNOR', `ServerAssignor ${name} is not supported. Supported assignors: ${supported.join(', ')}.`)
}

/** String.trim of Java: control characters and spaces. */
function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x20) return false
  return true
}
