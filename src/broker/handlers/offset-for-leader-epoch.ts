import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { ledPartition } from './partition-access.ts'

type PartitionRequest = RequestOf<'offsetForLeaderEpoch'>['topics'][number]['partitions'][number]
type TopicResult = NonNullable<ResponseDraftOf<'offsetForLeaderEpoch'>['topics']>[number]
type Result = NonNullable<TopicResult['partitions']>[number]

/** OffsetForLeaderEpoch (23), versions 2–4: where an epoch ends in the leader's log (KIP-101, KIP-279); (-1, -1) when it is not known. */
export function offsetForLeaderEpochHandler(broker: BrokerContext): Handler<'offsetForLeaderEpoch'> {
  return (request) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map((it) => endOf(broker, topic, it)) })),
  })
}

function endOf(broker: BrokerContext, topic: string, request: PartitionRequest): Result {
  const access = ledPartition(broker, topic, request.partition, request.currentLeaderEpoch)
  if ('error' in access) return { errorCode: access.error, partition: request.partition, leaderEpoch: -1, endOffset: -1 }
  const end = access.partition.log.endOffsetForEpoch(request.leaderEpoch)
  return { errorCode: ErrorCode.NONE, partition: request.partition, leaderEpoch: end.epoch, endOffset: end.endOffset }
}
