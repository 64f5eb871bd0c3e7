import { type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const leaveGroupRequest = message(
  'LeaveGroupRequest',
  13,
  { versions: '0-5', flexible: '4+' },
  {
    groupId: string('0+'),
    memberId: string('0-2'),
    members: structs('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
      reason: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
)
export type LeaveGroupRequest = Message<typeof leaveGroupRequest>
export type LeaveGroupRequestDraft = Draft<typeof leaveGroupRequest>

export const leaveGroupResponse = message(
  'LeaveGroupResponse',
  13,
  { versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    members: structs('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+' }),
      errorCode: int16('3+'),
    }),
  },
)
export type LeaveGroupResponse = Message<typeof leaveGroupResponse>
export type LeaveGroupResponseDraft = Draft<typeof leaveGroupResponse>
