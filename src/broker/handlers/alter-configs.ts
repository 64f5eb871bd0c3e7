import { altered, AlterOp, isAlterOp, isResourceType, ResourceType, validateBrokerConfigs } from '../../config/alter.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { failureMessage } from './controller-requests.ts'
import { brokerNameProblem } from './describe-configs.ts'
import { forward } from './forwarding.ts'

type Refusal = { readonly error: ErrorCode; readonly message: string }
type Answer = NonNullable<ResponseDraftOf<'incrementalAlterConfigs'>['responses']>[number]
interface Resource {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/**
 * IncrementalAlterConfigs (44) and AlterConfigs (33): what concerns the request itself, and what this broker alone can judge (a dynamic configuration of
 * its own), is refused here; the rest goes to the controller, which has the last word. The answers are put together in the order of the request
 * (ConfigAdminManager.preprocess and reassemble).
 */
export function incrementalAlterConfigsHandler(broker: BrokerContext): Handler<'incrementalAlterConfigs'> {
  return async (request, context) => {
    const refusals = refusalsOf(request.resources, (resource) => incrementalRefusal(broker, resource))
    const resources = request.resources.filter((resource) => !refusals.has(resource))
    const answers: readonly Answer[] =
      resources.length === 0
        ? []
        : answersOf(await forward(broker, apis.incrementalAlterConfigs, { ...request, resources }, context), resources)
    return { throttleTimeMs: 0, responses: assembled(request.resources, refusals, answers) }
  }
}

export function alterConfigsHandler(broker: BrokerContext): Handler<'alterConfigs'> {
  return async (request, context) => {
    const refusals = refusalsOf(request.resources, (resource) => wholeRefusal(broker, resource))
    const resources = request.resources.filter((resource) => !refusals.has(resource))
    const answers: readonly Answer[] =
      resources.length === 0 ? [] : answersOf(await forward(broker, apis.alterConfigs, { ...request, resources }, context), resources)
    return { throttleTimeMs: 0, responses: assembled(request.resources, refusals, answers) }
  }
}

type Outcome = { readonly response: { readonly responses: readonly Answer[] } } | { readonly error: ErrorCode }

function answersOf(outcome: Outcome, resources: readonly Resource[]): readonly Answer[] {
  if ('response' in outcome) return outcome.response.responses
  return resources.map((resource) => answer(resource, { error: outcome.error, message: failureMessage(outcome.error) }))
}

function answer(resource: Resource, refusal: Refusal): Answer {
  const { resourceType, resourceName } = resource
  return { errorCode: refusal.error, errorMessage: refusal.message, resourceType, resourceName }
}

function keyOf(resource: { readonly resourceType: number; readonly resourceName: string }): string {
  return `${resource.resourceType}:${resource.resourceName}`
}

function refusalsOf<R extends Resource>(resources: readonly R[], judge: (resource: R) => Refusal | null): ReadonlyMap<Resource, Refusal> {
  const counts = new Map<string, number>()
  for (const resource of resources) counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1)
  const refusals = new Map<Resource, Refusal>()
  for (const resource of resources) {
    const twice = (counts.get(keyOf(resource)) ?? 0) > 1
    const refusal = twice ? invalidRequest('Each resource must appear at most once.') : judge(resource)
    if (refusal !== null) refusals.set(resource, refusal)
  }
  return refusals
}

function assembled(
  resources: readonly Resource[],
  refusals: ReadonlyMap<Resource, Refusal>,
  answers: readonly Answer[],
): readonly Answer[] {
  const byKey = new Map(answers.map((it) => [keyOf(it), it]))
  return resources.map((resource) => {
    const refusal = refusals.get(resource)
    if (refusal !== undefined) return answer(resource, refusal)
    const given = byKey.get(keyOf(resource))
    return (
      given ??
      answer(resource, { error: ErrorCode.UNKNOWN_SERVER_ERROR, message: 'The controller has not said what became of this resource.' })
    )
  })
}

function invalidRequest(message: string): Refusal {
  return { error: ErrorCode.INVALID_REQUEST, message }
}

/** What is wrong with a resource whatever its values are. */
function shapeRefusal(broker: BrokerContext, resource: Resource, mayBeNull: (index: number) => boolean): Refusal | null {
  const { resourceType, resourceName, configs } = resource
  if (!isResourceType(resourceType)) return invalidRequest(`Unknown resource type ${resourceType}`)
  if (resourceType === ResourceType.BROKER_LOGGER)
    return invalidRequest('This broker has no loggers whose level could be described or changed.')
  if (new Set(configs.map((it) => it.name)).size < configs.length) return invalidRequest('Error due to duplicate config keys')
  const empty = configs.filter((it, i) => it.value === null && !mayBeNull(i)).map((it) => it.name)
  if (empty.length > 0) return invalidRequest(`Null value not supported for : ${empty.join(', ')}`)
  if (resourceType !== ResourceType.BROKER || resourceName === '') return null
  const problem = brokerNameProblem(resourceName, broker.brokerId, ',')
  return problem === null ? null : invalidRequest(problem)
}

type IncrementalResource = RequestOf<'incrementalAlterConfigs'>['resources'][number]

function incrementalRefusal(broker: BrokerContext, resource: IncrementalResource): Refusal | null {
  const { configs, resourceType, resourceName } = resource
  const unknown = configs.find((it) => !isAlterOp(it.configOperation))
  if (unknown !== undefined) return invalidRequest(`Unknown operation ${unknown.configOperation} of ${unknown.name}`)
  const shape = shapeRefusal(broker, resource, (i) => configs[i]?.configOperation === AlterOp.DELETE)
  if (shape !== null || resourceType !== ResourceType.BROKER) return shape
  const after = new Map(broker.image.configs.of(resourceType, resourceName))
  for (const { name, value, configOperation } of configs) {
    if (!isAlterOp(configOperation)) continue
    const change = altered(ResourceType.BROKER, name, after.get(name), configOperation, value)
    if ('problem' in change) return { error: ErrorCode.INVALID_CONFIG, message: change.problem }
    if (change.value === null) after.delete(name)
    else after.set(name, change.value)
  }
  return brokerRefusal(after, resourceName)
}

/** AlterConfigs says all that the resource shall have. */
function wholeRefusal(broker: BrokerContext, resource: Resource): Refusal | null {
  const shape = shapeRefusal(broker, resource, () => false)
  if (shape !== null || resource.resourceType !== ResourceType.BROKER) return shape
  return brokerRefusal(new Map(resource.configs.map((it) => [it.name, it.value ?? ''])), resource.resourceName)
}

function brokerRefusal(after: ReadonlyMap<string, string>, resourceName: string): Refusal | null {
  const problem = validateBrokerConfigs(after, resourceName !== '')
  return problem === null ? null : invalidRequest(problem)
}
