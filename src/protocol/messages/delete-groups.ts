import { array, type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const deleteGroupsRequest = message(
  'DeleteGroupsRequest',
  42,
  { versions: '0-2', flexible: '2+' },
  {
    groupsNames: array('0+', 'string'),
  },
)
export type DeleteGroupsRequest = Message<typeof deleteGroupsRequest>
export type DeleteGroupsRequestDraft = Draft<typeof deleteGroupsRequest>

export const deleteGroupsResponse = message(
  'DeleteGroupsResponse',
  42,
  { versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    results: structs('0+', {
      groupId: string('0+'),
      errorCode: int16('0+'),
    }),
  },
)
export type DeleteGroupsResponse = Message<typeof deleteGroupsResponse>
export type DeleteGroupsResponseDraft = Draft<typeof deleteGroupsResponse>
