import type { ServerConfig } from '../../config/server-config.ts'
import { OFFSETS_TOPIC } from '../internal-topics.ts'

/** A topic of CreateTopics. */
export interface CreatableTopic {
  readonly name: string
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly assignments: readonly []
  readonly configs: readonly { readonly name: string; readonly value: string }[]
}

/**
 * A topic as it is made by itself (DefaultAutoTopicCreationManager.creatableTopic): the topic of committed offsets with the configuration that
 * `GroupCoordinatorService.groupMetadataTopicConfigs` gives it, others with this broker's defaults.
 */
export function creatableTopic(name: string, config: ServerConfig): CreatableTopic {
  if (name !== OFFSETS_TOPIC) {
    return { name, numPartitions: config.numPartitions, replicationFactor: config.defaultReplicationFactor, assignments: [], configs: [] }
  }
  return {
    name,
    numPartitions: config.offsetsTopicNumPartitions,
    replicationFactor: config.offsetsTopicReplicationFactor,
    assignments: [],
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: String(config.offsetsTopicSegmentBytes) },
    ],
  }
}
