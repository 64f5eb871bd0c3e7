import type { Clock, Entropy } from '../../base/ports.ts'
import type { Timestamp, Uuid } from '../../base/units.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import type { ConsumerGroupConfig, GroupSettings } from '../../groups/settings.ts'
import type { GroupsWorld, GroupTopic, GroupTopics } from '../../groups/state.ts'
import { ResourceType } from '../../metadata/configs-image.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import { OFFSETS_TOPIC } from '../internal-topics.ts'
import type { SettingsOfTopics } from '../topic-settings.ts'
import { consumerGroupConfigOf, groupSettingsOf } from './group-settings.ts'

export interface BrokerView {
  readonly image: ClusterImage
  /** With the dynamic configuration laid over it. */
  readonly config: ServerConfig
  readonly settings: SettingsOfTopics
  readonly clock: Clock
  readonly entropy: Entropy
}

const GROUP_VERSION = 'group.version'

/** The broker as the ledgers of groups see it. */
export class BrokerGroupsWorld implements GroupsWorld {
  readonly topics: GroupTopics
  private readonly broker: BrokerView
  private known: {
    readonly config: ServerConfig
    readonly groupVersion: number
    readonly bytesMax: number
    readonly settings: GroupSettings
  } | null = null

  constructor(broker: BrokerView) {
    this.broker = broker
    this.topics = new TopicsOfImage(() => broker.image)
  }

  get entropy(): Entropy {
    return this.broker.entropy
  }

  wallTime(): Timestamp {
    return this.broker.clock.wall()
  }

  get settings(): GroupSettings {
    const { config, image, settings } = this.broker
    const groupVersion = image.features.level(GROUP_VERSION)
    const bytesMax = settings.of(OFFSETS_TOPIC).log.maxMessageBytes
    const { known } = this
    if (known !== null && known.config === config && known.groupVersion === groupVersion && known.bytesMax === bytesMax)
      return known.settings
    this.known = { config, groupVersion, bytesMax, settings: groupSettingsOf(config, groupVersion, bytesMax) }
    return this.known.settings
  }

  consumerConfig(groupId: string): ConsumerGroupConfig {
    return consumerGroupConfigOf(this.broker.image.configs.of(ResourceType.GROUP, groupId), this.broker.config)
  }
}

class TopicsOfImage implements GroupTopics {
  private readonly image: () => ClusterImage

  constructor(image: () => ClusterImage) {
    this.image = image
  }

  byName(name: string): GroupTopic | undefined {
    return this.topic(this.image().topics.byName(name))
  }

  byId(id: Uuid): GroupTopic | undefined {
    return this.topic(this.image().topics.byId(id))
  }

  names(): Iterable<string> {
    return this.image().topics.names()
  }

  private topic(topic: TopicImage | undefined): GroupTopic | undefined {
    if (topic === undefined) return undefined
    const { name, id, partitions } = topic
    return { name, id, partitionCount: partitions.length, racks: (partition) => this.racks(topic, partition) }
  }

  private racks(topic: TopicImage, partition: number): readonly string[] {
    const { brokers } = this.image()
    const racks = new Set<string>()
    for (const replica of topic.partitions[partition]?.replicas ?? []) {
      const rack = brokers.byId(replica)?.rack ?? null
      if (rack !== null) racks.add(rack)
    }
    return [...racks].sort()
  }
}
