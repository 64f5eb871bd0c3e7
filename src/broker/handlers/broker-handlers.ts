import { apiVersionsHandler } from '../../server/api-versions.ts'
import type { Handlers, HandlerTable } from '../../server/handlers.ts'
import { alterConfigsHandler, incrementalAlterConfigsHandler } from './alter-configs.ts'
import { alterReplicaLogDirsHandler } from './alter-replica-log-dirs.ts'
import { TopicMaker } from './auto-topics.ts'
import { controllerRequests } from './controller-requests.ts'
import { deleteRecordsHandler } from './delete-records.ts'
import { describeClusterHandler } from './describe-cluster.ts'
import { describeConfigsHandler } from './describe-configs.ts'
import { describeLogDirsHandler } from './describe-log-dirs.ts'
import { describeProducersHandler } from './describe-producers.ts'
import { describeTopicPartitionsHandler } from './describe-topic-partitions.ts'
import { featureVersions } from './features.ts'
import type { GroupHandlersContext } from './groups/context.ts'
import { groupHandlers } from './groups/group-handlers.ts'
import { initProducerIdHandler } from './init-producer-id.ts'
import { listConfigResourcesHandler } from './list-config-resources.ts'
import { listOffsetsHandler } from './list-offsets.ts'
import { metadataHandler } from './metadata.ts'
import { offsetForLeaderEpochHandler } from './offset-for-leader-epoch.ts'
import { ProducerIds } from './producer-ids.ts'

/** All that a broker's listener answers but the data path (Produce, Fetch). `table` is the whole of it, for ApiVersions: asked when needed. */
export function brokerHandlers(broker: GroupHandlersContext, table: () => HandlerTable): Handlers {
  const maker = new TopicMaker(broker)
  return {
    apiVersions: apiVersionsHandler('broker', table, () => featureVersions(broker)),
    ...controllerRequests(broker),
    ...groupHandlers(broker, maker),
    metadata: metadataHandler(broker, maker),
    describeCluster: describeClusterHandler(broker),
    describeTopicPartitions: describeTopicPartitionsHandler(broker),
    describeConfigs: describeConfigsHandler(broker),
    listConfigResources: listConfigResourcesHandler(broker),
    alterConfigs: alterConfigsHandler(broker),
    incrementalAlterConfigs: incrementalAlterConfigsHandler(broker),
    alterReplicaLogDirs: alterReplicaLogDirsHandler(broker),
    describeLogDirs: describeLogDirsHandler(broker),
    describeProducers: describeProducersHandler(broker),
    deleteRecords: deleteRecordsHandler(broker),
    listOffsets: listOffsetsHandler(broker),
    offsetForLeaderEpoch: offsetForLeaderEpochHandler(broker),
    initProducerId: initProducerIdHandler(broker, new ProducerIds(broker)),
  }
}
