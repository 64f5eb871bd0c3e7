import { array, bool, bytes, type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const describeGroupsRequest = message(
  'DescribeGroupsRequest',
  15,
  { versions: '0-6', flexible: '5+' },
  {
    groups: array('0+', 'string'),
    includeAuthorizedOperations: bool('3+'),
  },
)
export type DescribeGroupsRequest = Message<typeof describeGroupsRequest>
export type DescribeGroupsRequestDraft = Draft<typeof describeGroupsRequest>

export const describeGroupsResponse = message(
  'DescribeGroupsResponse',
  15,
  { versions: '0-6', flexible: '5+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    groups: structs('0+', {
      errorCode: int16('0+'),
      errorMessage: string('6+', { nullable: '6+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      protocolType: string('0+'),
      protocolData: string('0+'),
      members: structs('0+', {
        memberId: string('0+'),
        groupInstanceId: string('4+', { nullable: '4+', default: null, ignorable: true }),
        clientId: string('0+'),
        clientHost: string('0+'),
        memberMetadata: bytes('0+'),
        memberAssignment: bytes('0+'),
      }),
      authorizedOperations: int32('3+', { default: -2147483648 }),
    }),
  },
)
export type DescribeGroupsResponse = Message<typeof describeGroupsResponse>
export type DescribeGroupsResponseDraft = Draft<typeof describeGroupsResponse>
