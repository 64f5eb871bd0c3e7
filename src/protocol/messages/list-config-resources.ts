import { array, type Draft, int16, int32, int8, message, type Message, string, structs } from '../schema.ts'

export const listConfigResourcesRequest = message(
  'ListConfigResourcesRequest',
  74,
  { versions: '0-1', flexible: '0+' },
  {
    resourceTypes: array('1+', 'int8'),
  },
)
export type ListConfigResourcesRequest = Message<typeof listConfigResourcesRequest>
export type ListConfigResourcesRequestDraft = Draft<typeof listConfigResourcesRequest>

export const listConfigResourcesResponse = message(
  'ListConfigResourcesResponse',
  74,
  { versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    configResources: structs('0+', {
      resourceName: string('0+'),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  },
)
export type ListConfigResourcesResponse = Message<typeof listConfigResourcesResponse>
export type ListConfigResourcesResponseDraft = Draft<typeof listConfigResourcesResponse>
