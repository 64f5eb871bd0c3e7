import { type Draft, int16, int32, message, type Message, string } from '../schema.ts'

export const heartbeatRequest = message(
  'HeartbeatRequest',
  12,
  { versions: '0-4', flexible: '4+' },
  {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
)
export type HeartbeatRequest = Message<typeof heartbeatRequest>
export type HeartbeatRequestDraft = Draft<typeof heartbeatRequest>

export const heartbeatResponse = message(
  'HeartbeatResponse',
  12,
  { versions: '0-4', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
  },
)
export type HeartbeatResponse = Message<typeof heartbeatResponse>
export type HeartbeatResponseDraft = Draft<typeof heartbeatResponse>
