import { bool, type Draft, int16, int32, int8, message, type Message, string, structs } from '../schema.ts'

export const alterConfigsRequest = message(
  'AlterConfigsRequest',
  33,
  { versions: '0-2', flexible: '2+' },
  {
    resources: structs('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: structs('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool('0+'),
  },
)
export type AlterConfigsRequest = Message<typeof alterConfigsRequest>
export type AlterConfigsRequestDraft = Draft<typeof alterConfigsRequest>

export const alterConfigsResponse = message(
  'AlterConfigsResponse',
  33,
  { versions: '0-2', flexible: '2+' },
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
export type AlterConfigsResponse = Message<typeof alterConfigsResponse>
export type AlterConfigsResponseDraft = Draft<typeof alterConfigsResponse>
