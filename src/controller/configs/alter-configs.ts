import { type ConfigResource, ResourceType } from '../../metadata/configs-image.ts'
import type { ControllerRequest, ControllerResponse } from '../commands.ts'
import { done, isRefused, type Outcome, refused } from '../outcome.ts'
import { configValueBytesMax, recordsPerRequestMax } from '../settings.ts'
import type { ControllerState, RecordBatch } from '../state.ts'
import { clearElr, MIN_ISR, minIsrRefusal } from './min-isr.ts'

type IncrementalRequest = ControllerRequest<'incrementalAlterConfigs'>
type IncrementalResponse = ControllerResponse<'incrementalAlterConfigs'>
type LegacyRequest = ControllerRequest<'alterConfigs'>
type LegacyResponse = ControllerResponse<'alterConfigs'>
type Values = ReadonlyMap<string, string>

const OPERATIONS: ReadonlySet<number> = new Set([0, 1, 2, 3])
const SET = 0

/** IncrementalAlterConfigs (44) v0–1, ConfigurationControlManager. Each resource all or nothing. */
export function incrementalAlterConfigs(state: ControllerState, request: IncrementalRequest, out: RecordBatch): IncrementalResponse {
  const responses = eachResource(request.resources, ({ resource, configs }) =>
    alter(state, resource, (before) => operated(state, resource, before, configs), request.validateOnly, out),
  )
  return { throttleTimeMs: 0, responses }
}

/** AlterConfigs (33) v0–2: what is not named is taken away. */
export function alterConfigs(state: ControllerState, request: LegacyRequest, out: RecordBatch): LegacyResponse {
  const responses = eachResource(request.resources, ({ resource, configs }) =>
    alter(state, resource, () => replaced(configs), request.validateOnly, out),
  )
  return { throttleTimeMs: 0, responses }
}

interface Asked<C> {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly C[]
}

interface Response extends Outcome {
  readonly resourceType: number
  readonly resourceName: string
}

function eachResource<C>(
  asked: readonly Asked<C>[],
  outcomeOf: (one: { readonly resource: ConfigResource; readonly configs: readonly C[] }) => Outcome,
): Response[] {
  const timesNamed = new Map<string, number>()
  const keyOf = ({ resourceType, resourceName }: Asked<C>): string => `${resourceType}:${resourceName}`
  for (const one of asked) timesNamed.set(keyOf(one), (timesNamed.get(keyOf(one)) ?? 0) + 1)
  return asked.map((one) => {
    const { resourceType, resourceName, configs } = one
    const twice = (timesNamed.get(keyOf(one)) ?? 0) > 1
    const outcome = twice
      ? refused('INVALID_REQUEST', 'Each resource must appear at most once.')
      : outcomeOf({ resource: { type: resourceType, name: resourceName }, configs })
    return { ...outcome, resourceType, resourceName }
  })
}

function alter(
  state: ControllerState,
  resource: ConfigResource,
  next: (before: Values) => Values | Outcome,
  validateOnly: boolean,
  out: RecordBatch,
): Outcome {
  const missing = existence(state, resource)
  if (isRefused(missing)) return missing
  const before = state.image.configs.of(resource.type, resource.name)
  const after = next(before)
  if ('errorCode' in after) return after
  const problem = state.rules.problem(resource, after)
  if (problem !== null) return refused(problem.error, problem.message)
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name))
  for (const name of changed) {
    const refusal = minIsrRefusal(state, resource, name, after.get(name) ?? null)
    if (isRefused(refusal)) return refusal
  }
  if (out.size + changed.length > recordsPerRequestMax)
    return refused('POLICY_VIOLATION', `More than ${recordsPerRequestMax} changes in one request.`)
  if (validateOnly) return done
  for (const name of changed) {
    out.add('config', { resourceType: resource.type, resourceName: resource.name, name, value: after.get(name) ?? null })
  }
  if (changed.includes(MIN_ISR)) clearElr(state, resource, out)
  return done
}

/** Whether there is such a resource, as far as the controller is to know of it (its own kind of check for each type). */
function existence(state: ControllerState, { type, name }: ConfigResource): Outcome {
  switch (type) {
    case ResourceType.TOPIC:
      return state.image.topics.byName(name) === undefined
        ? refused('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
        : done
    case ResourceType.BROKER:
      return brokerExists(state, name)
    case ResourceType.CLIENT_METRICS:
      return name === '' ? refused('INVALID_REQUEST', 'Default client metrics resources are not allowed.') : done
    case ResourceType.GROUP:
      return name === '' ? refused('INVALID_REQUEST', 'Default group resources are not allowed.') : done
    case ResourceType.BROKER_LOGGER:
      return refused('INVALID_REQUEST', 'Unexpected resource type BROKER_LOGGER.')
    default:
      return refused('INVALID_REQUEST', `Unexpected resource type ${type}.`)
  }
}

function brokerExists(state: ControllerState, name: string): Outcome {
  if (name === '') return done
  if (!/^\d{1,10}$/.test(name)) return refused('INVALID_REQUEST', `Invalid broker name ${name}`)
  return state.image.brokers.byId(Number(name)) === undefined
    ? refused('BROKER_ID_NOT_REGISTERED', `No broker with id ${name} found.`)
    : done
}

function operated(
  state: ControllerState,
  resource: ConfigResource,
  before: Values,
  configs: IncrementalRequest['resources'][number]['configs'],
): Values | Outcome {
  const after = new Map(before)
  const named = new Set<string>()
  for (const { name, configOperation, value } of configs) {
    if (named.has(name)) return refused('INVALID_REQUEST', 'Error due to duplicate config keys')
    named.add(name)
    if (!OPERATIONS.has(configOperation)) return refused('INVALID_REQUEST', `Unknown operation type ${configOperation}`)
    if (configOperation === SET && value === null) return refused('INVALID_REQUEST', `Null value not supported for : ${name}`)
    const result = state.rules.altered(resource.type, name, before.get(name), configOperation, value)
    if ('problem' in result) return refused('INVALID_CONFIG', result.problem)
    if (result.value === null) after.delete(name)
    else after.set(name, result.value)
  }
  return after
}

function replaced(configs: LegacyRequest['resources'][number]['configs']): Values | Outcome {
  const after = new Map<string, string>()
  for (const { name, value } of configs) {
    if (after.has(name)) return refused('INVALID_REQUEST', 'Error due to duplicate config keys')
    if (value === null) return refused('INVALID_REQUEST', `Null value not supported for : ${name}`)
    if (Buffer.byteLength(value) > configValueBytesMax) {
      return refused(
        'INVALID_CONFIG',
        `The configuration value cannot be added because it exceeds the maximum value size of ${configValueBytesMax} bytes.`,
      )
    }
    after.set(name, value)
  }
  return after
}
