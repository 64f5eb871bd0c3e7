import {
  altered,
  isAlterOp,
  isResourceType,
  ResourceType,
  validateBrokerConfigs,
  validateClientMetricsConfigs,
  validateTopicConfigs,
} from './alter.ts'
import { describeTopic } from './effective.ts'
import { validateGroupConfigs } from './group-rules.ts'
import { merged, noLayer, topicValue } from './layers.ts'
import type { ConfigLayer } from './server-config.ts'
import { keyOf, topicConfigs } from './topic-configs.ts'
import { canonical } from './values.ts'

interface Problem {
  readonly error: 'INVALID_CONFIG' | 'INVALID_REQUEST'
  readonly message: string
}

const invalidConfig = (message: string | null): Problem | null => (message === null ? null : { error: 'INVALID_CONFIG', message })
const invalidRequest = (message: string | null): Problem | null => (message === null ? null : { error: 'INVALID_REQUEST', message })

/**
 * What the controller asks about configurations (the shape is `ConfigRules` of `controller/`). `given` is the static configuration of the node
 * that the controller is part of: the defaults of topics are taken from it. The sentences are those of ControllerConfigurationValidator.
 */
export function configRules(given: ConfigLayer) {
  return {
    altered(type: number, name: string, current: string | undefined, operation: number, operand: string | null) {
      if (!isResourceType(type)) return { problem: `Unknown resource type ${type}.` }
      if (!isAlterOp(operation)) return { problem: `Unknown operation ${operation}.` }
      return altered(type, name, current, operation, operand)
    },

    problem(resource: { readonly type: number; readonly name: string }, values: ConfigLayer): Problem | null {
      const { type, name } = resource
      switch (type) {
        case ResourceType.TOPIC:
          return name === '' ? invalidRequest('Default topic resources are not allowed.') : invalidConfig(validateTopicConfigs(values))
        case ResourceType.BROKER:
          return invalidRequest(brokerNameProblem(name) ?? validateBrokerConfigs(values, name !== ''))
        case ResourceType.CLIENT_METRICS:
          return name === '' ? invalidRequest("Subscription name can't be empty") : invalidConfig(validateClientMetricsConfigs(values))
        case ResourceType.GROUP:
          return name === ''
            ? invalidRequest('Default group resources are not allowed.')
            : invalidConfig(validateGroupConfigs(values, given))
        default:
          return invalidRequest(`Unknown resource type ${type}`)
      }
    },

    topicValue(name: string, ofTopic: ConfigLayer, ofAllBrokers: ConfigLayer): string {
      const broker = merged({ given, dynamicDefault: ofAllBrokers, dynamicBroker: noLayer })
      const value = topicValue(ofTopic, broker, name)
      return value === null ? '' : canonical(value, keyOf(topicConfigs, name).type)
    },

    topicConfigs(ofTopic: ConfigLayer, ofAllBrokers: ConfigLayer) {
      return describeTopic(ofTopic, { given, dynamicDefault: ofAllBrokers, dynamicBroker: noLayer })
    },
  }
}

/** The id of a broker, or nothing for all of them. */
function brokerNameProblem(name: string): string | null {
  if (name === '') return null
  if (!/^-?\d{1,10}$/.test(name) || Number(name) > 0x7fffffff) return 'Unable to parse broker name as a base 10 number.'
  return Number(name) < 0 ? 'Invalid negative broker ID.' : null
}
