import { type BrokerLayers, merged } from '../config/layers.ts'
import type { ConfigLayer, ServerConfig, TopicConfig } from '../config/server-config.ts'
import { logSettings, topicConfigOf } from '../config/topic-config.ts'
import type { LogConfig } from '../log/log-config.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { ResourceType } from '../metadata/configs-image.ts'

export interface TopicSettings {
  readonly topic: TopicConfig
  readonly log: LogConfig
}

/** What is in force for each topic, worked out once and kept until a configuration changes: partitions of a topic share one object. */
export class SettingsOfTopics {
  private readonly imageNow: () => ClusterImage
  private readonly config: ServerConfig
  private readonly byTopic = new Map<string, TopicSettings>()
  private broker: ConfigLayer | null = null

  constructor(imageNow: () => ClusterImage, config: ServerConfig) {
    this.imageNow = imageNow
    this.config = config
  }

  of(topic: string): TopicSettings {
    let settings = this.byTopic.get(topic)
    if (settings === undefined) {
      const effective = topicConfigOf(this.imageNow().configs.ofTopic(topic), this.ofBroker())
      settings = { topic: effective, log: logSettings(effective) }
      this.byTopic.set(topic, settings)
    }
    return settings
  }

  /** What is set for this broker, dynamically or by its file. */
  ofBroker(): ConfigLayer {
    this.broker ??= merged(this.layers())
    return this.broker
  }

  /** The layers from which a broker's configuration is made, the dynamic ones as they are now. */
  layers(): BrokerLayers {
    const { configs } = this.imageNow()
    return {
      dynamicBroker: configs.of(ResourceType.BROKER, String(this.config.nodeId)),
      dynamicDefault: configs.ofAllBrokers(),
      given: this.config.given,
    }
  }

  /** A topic's configuration changed, or the topic went. */
  forget(topic: string): void {
    this.byTopic.delete(topic)
  }

  /** A broker's configuration changed, which every topic may inherit. */
  forgetAll(): void {
    this.byTopic.clear()
    this.broker = null
  }
}
