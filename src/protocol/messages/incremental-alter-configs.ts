import { bool, type Draft, int16, int32, int8, message, type Message, string, structs } from '../schema.ts'

export const incrementalAlterConfigsRequest = message(
  'IncrementalAlterConfigsRequest',
  44,
  { versions: '0-1', flexible: '1+' },
  {
    resources: structs('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: structs('0+', {
        name: string('0+'),
        configOperation: int8('0+'),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool('0+'),
  },
)
export type IncrementalAlterConfigsRequest = Message<typeof incrementalAlterConfigsRequest>
export type IncrementalAlterConfigsRequestDraft = Draft<typeof incrementalAlterConfigsRequest>

export const incrementalAlterConfigsResponse = message(
  'IncrementalAlterConfigsResponse',
  44,
  { versions: '0-1', flexible: '1+' },
  {
    throttleTimeMs: int32('0+'),
    responses: structs('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
    }),
  },
)
export type IncrementalAlterConfigsResponse = Message<typeof incrementalAlterConfigsResponse>
export type IncrementalAlterConfigsResponseDraft = Draft<typeof incrementalAlterConfigsResponse>
