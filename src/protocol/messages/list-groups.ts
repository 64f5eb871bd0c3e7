import { array, type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const listGroupsRequest = message(
  'ListGroupsRequest',
  16,
  { versions: '0-5', flexible: '3+' },
  {
    statesFilter: array('4+', 'string'),
    typesFilter: array('5+', 'string'),
  },
)
export type ListGroupsRequest = Message<typeof listGroupsRequest>
export type ListGroupsRequestDraft = Draft<typeof listGroupsRequest>

export const listGroupsResponse = message(
  'ListGroupsResponse',
  16,
  { versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    groups: structs('0+', {
      groupId: string('0+'),
      protocolType: string('0+'),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
)
export type ListGroupsResponse = Message<typeof listGroupsResponse>
export type ListGroupsResponseDraft = Draft<typeof listGroupsResponse>
