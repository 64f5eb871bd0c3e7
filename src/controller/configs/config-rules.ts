import type { ConfigResource, ResourceType } from '../../metadata/configs-image.ts'

/** One configuration of a topic as CreateTopics answers it. */
export interface TopicConfigEntry {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  /** ConfigSource: 1 dynamic topic, 2 dynamic broker, 3 dynamic default broker, 4 static broker, 5 default. */
  readonly configSource: number
  readonly isSensitive: boolean
}

export interface ConfigTraits {
  /** Of type LIST: APPEND and SUBTRACT are for these only. */
  readonly isList: boolean
  /** What APPEND and SUBTRACT start from when nothing is set. */
  readonly default: string | null
}

/** What the controller has to know about configurations: injected, so that it does not depend on the table of them. */
export interface ConfigRules {
  /** undefined: there is no such configuration for resources of this type. */
  traits(type: ResourceType, name: string): ConfigTraits | undefined
  /** What is wrong with a resource whose dynamic values are, or would be, these; null when nothing is. One sentence for a person. */
  problem(resource: ConfigResource, values: ReadonlyMap<string, string>): string | null
  /**
   * The value of a topic's configuration that is in force: set for the topic, else for all brokers (under the broker's name for it), else the
   * controller's own static configuration, else the default.
   */
  topicValue(name: string, ofTopic: ReadonlyMap<string, string>, ofAllBrokers: ReadonlyMap<string, string>): string
  /** All of a topic's configurations. */
  topicConfigs(ofTopic: ReadonlyMap<string, string>, ofAllBrokers: ReadonlyMap<string, string>): readonly TopicConfigEntry[]
}
