import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { absenceError } from './partition-access.ts'

type TopicResult = NonNullable<ResponseDraftOf<'describeProducers'>['topics']>[number]
type Result = NonNullable<TopicResult['partitions']>[number]

/** DescribeProducers (61, KIP-664): the idempotent producers that a partition remembers. Any replica answers, also a follower. */
export function describeProducersHandler(broker: BrokerContext): Handler<'describeProducers'> {
  return (request) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => resultOf(broker, name, index)),
    })),
  })
}

function resultOf(broker: BrokerContext, topic: string, index: number): Result {
  const partition = broker.partition(topic, index)
  if (partition !== undefined) {
    return { partitionIndex: index, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers: partition.log.describeProducers() }
  }
  return { partitionIndex: index, errorCode: absenceError(broker, topic, index), errorMessage: null, activeProducers: [] }
}
