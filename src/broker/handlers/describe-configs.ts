import { isResourceType, ResourceType } from '../../config/alter.ts'
import {
  describeBroker,
  describeClientMetrics,
  type DescribedConfig,
  describeDefaultBroker,
  describeGroup,
  describeTopic,
} from '../../config/effective.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { isValidTopicName } from './topic-entries.ts'

type Resource = RequestOf<'describeConfigs'>['resources'][number]
type Result = NonNullable<ResponseDraftOf<'describeConfigs'>['results']>[number]
type Found = { readonly configs: readonly DescribedConfig[] } | { readonly error: ErrorCode; readonly message: string | null }

/**
 * DescribeConfigs (32), versions 1–4: topics, brokers (this one, or with an empty name what is set for all), groups and client metrics, each value with
 * where it comes from (ConfigHelper). Sensitive values are never told. Levels of loggers are not there.
 */
export function describeConfigsHandler(broker: BrokerContext): Handler<'describeConfigs'> {
  return (request, context) => ({
    throttleTimeMs: 0,
    results: request.resources.map((resource) => {
      const found = describeResource(broker, resource)
      const { resourceType, resourceName } = resource
      if ('error' in found) return { errorCode: found.error, errorMessage: found.message, resourceType, resourceName, configs: [] }
      const configs = wanted(found.configs, resource).map((it) => entry(it, request, context.apiVersion))
      return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs }
    }),
  })
}

/** Null and an empty list both ask for everything. */
function wanted(configs: readonly DescribedConfig[], resource: Resource): readonly DescribedConfig[] {
  const keys = resource.configurationKeys
  if (keys === null || keys.length === 0) return configs
  const names = new Set(keys)
  return configs.filter((it) => names.has(it.name))
}

function entry(config: DescribedConfig, request: RequestOf<'describeConfigs'>, version: number): NonNullable<Result['configs']>[number] {
  const { name, value, readOnly, configSource, isSensitive } = config
  return {
    name,
    value,
    readOnly,
    configSource,
    isSensitive,
    synonyms: request.includeSynonyms ? config.synonyms : [],
    ...(version >= 3 ? { configType: config.configType, documentation: request.includeDocumentation ? config.documentation : null } : {}),
  }
}

function describeResource(broker: BrokerContext, resource: Resource): Found {
  const { resourceType: type, resourceName: name } = resource
  if (!isResourceType(type)) return refused(`Unexpected resource type ${type} for resource ${name}`)
  const { configs } = broker.image
  switch (type) {
    case ResourceType.TOPIC:
      return describeTopicResource(broker, name)
    case ResourceType.BROKER:
      return describeBrokerResource(broker, name)
    case ResourceType.GROUP:
      if (name === '') return refused('Group name must not be empty')
      return { configs: describeGroup(configs.of(type, name), broker.layers) }
    case ResourceType.CLIENT_METRICS:
      if (name === '') return refused('Client metrics subscription name must not be empty')
      return { configs: describeClientMetrics(configs.of(type, name)) }
    case ResourceType.BROKER_LOGGER:
      return refused('This broker has no loggers whose level could be described or changed.')
  }
}

function refused(message: string): Found {
  return { error: ErrorCode.INVALID_REQUEST, message }
}

function describeTopicResource(broker: BrokerContext, name: string): Found {
  if (!isValidTopicName(name)) return { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message: `Topic name is invalid: '${name}'` }
  if (broker.image.topics.byName(name) === undefined) return { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: null }
  return { configs: describeTopic(broker.image.configs.ofTopic(name), broker.layers) }
}

function describeBrokerResource(broker: BrokerContext, name: string): Found {
  if (name === '') return { configs: describeDefaultBroker(broker.layers.dynamicDefault) }
  const problem = brokerNameProblem(name, broker.brokerId, ' or empty string,')
  return problem === null ? { configs: describeBroker(broker.layers) } : refused(problem)
}

/** A broker answers for itself only. */
export function brokerNameProblem(name: string, brokerId: number, orWhat: string): string | null {
  if (!/^[+-]?\d{1,10}$/.test(name)) return `Broker id must be an integer, but it is: ${name}`
  if (Number(name) === brokerId) return null
  return `Unexpected broker id, expected ${brokerId}${orWhat} but received ${name}`
}
