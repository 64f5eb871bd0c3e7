import type { Epoch } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { BrokerContext, ServedPartition } from './context.ts'

export type Access = { readonly partition: ServedPartition } | { readonly error: ErrorCode }

/**
 * A partition that a request means, when it is led here in the epoch that the client knows (-1: it does not say). Otherwise
 * UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH, as Partition.localLogOrException.
 */
export function ledPartition(broker: BrokerContext, topic: string, index: number, currentLeaderEpoch: Epoch): Access {
  const partition = broker.partition(topic, index)
  if (partition === undefined) return { error: absenceError(broker, topic, index) }
  const error = partition.replica.epochError(currentLeaderEpoch)
  if (error !== ErrorCode.NONE) return { error }
  return partition.isLeader ? { partition } : { error: ErrorCode.NOT_LEADER_OR_FOLLOWER }
}

export function absenceError(broker: BrokerContext, topic: string, index: number): ErrorCode {
  const isElsewhere = broker.image.topics.byName(topic)?.partitions[index] !== undefined
  return isElsewhere ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}
