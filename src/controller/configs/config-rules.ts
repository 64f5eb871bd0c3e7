import type { ConfigResource, ResourceType } from '../../metadata/configs-image.ts'

/** One configuration of a topic as CreateTopics answers it. */
export interface TopicConfigEntry {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  /** ConfigSource of DescribeConfigs: 1 the topic's own, 2 the broker's, 3 all brokers', 4 static, 5 default. */
  readonly configSource: number
  readonly isSensitive: boolean
}

export interface ConfigProblem {
  /** INVALID_CONFIG, or INVALID_REQUEST for what no value could make right. */
  readonly error: 'INVALID_CONFIG' | 'INVALID_REQUEST'
  /** One sentence for a person. */
  readonly message: string
}

export type AlteredValue = { readonly value: string | null } | { readonly problem: string }

/** What the controller has to know about configurations: injected, so that it does not depend on the table of them. */
export interface ConfigRules {
  /**
   * A value after one operation (0 SET, 1 DELETE, 2 APPEND, 3 SUBTRACT); null: none any more. `current` is what the resource has of its own.
   * A problem is an INVALID_CONFIG.
   */
  altered(type: ResourceType, name: string, current: string | undefined, operation: number, operand: string | null): AlteredValue
  /** What is wrong with a resource whose own values would be these; null when nothing is. */
  problem(resource: ConfigResource, values: ReadonlyMap<string, string>): ConfigProblem | null
  /**
   * The value of a topic's configuration that is in force: the topic's own, else what is set for all brokers (under the broker's name for it), else
   * the controller's own static configuration, else the default.
   */
  topicValue(name: string, ofTopic: ReadonlyMap<string, string>, ofAllBrokers: ReadonlyMap<string, string>): string
  /** All of a topic's configurations. */
  topicConfigs(ofTopic: ReadonlyMap<string, string>, ofAllBrokers: ReadonlyMap<string, string>): readonly TopicConfigEntry[]
}
