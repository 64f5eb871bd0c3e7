import type { Handler, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'

type TopicResult = NonNullable<ResponseDraftOf<'alterReplicaLogDirs'>['results']>[number]
type Result = NonNullable<TopicResult['partitions']>[number]

/**
 * AlterReplicaLogDirs (34), versions 1 and 2: replicas of this broker are to be in other entries of `log.dirs` (KIP-113). Answered when the copy is begun; how far it is
 * DescribeLogDirs tells. A partition that is named with two directories is told the outcome of each, the later one counts.
 */
export function alterReplicaLogDirsHandler(broker: BrokerContext): Handler<'alterReplicaLogDirs'> {
  return async ({ dirs }) => {
    const byTopic = new Map<string, Result[]>()
    for (const { path, topics } of dirs) {
      for (const { name, partitions } of topics) {
        const results = byTopic.get(name) ?? []
        byTopic.set(name, results)
        for (const partitionIndex of partitions)
          results.push({ partitionIndex, errorCode: await broker.moveReplica(name, partitionIndex, path) })
      }
    }
    return { throttleTimeMs: 0, results: [...byTopic].map(([topicName, partitions]) => ({ topicName, partitions })) }
  }
}
