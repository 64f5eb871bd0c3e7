import { bytes, type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const syncGroupRequest = message(
  'SyncGroupRequest',
  14,
  { versions: '0-5', flexible: '4+' },
  {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignments: structs('0+', {
      memberId: string('0+'),
      assignment: bytes('0+'),
    }),
  },
)
export type SyncGroupRequest = Message<typeof syncGroupRequest>
export type SyncGroupRequestDraft = Draft<typeof syncGroupRequest>

export const syncGroupResponse = message(
  'SyncGroupResponse',
  14,
  { versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignment: bytes('0+'),
  },
)
export type SyncGroupResponse = Message<typeof syncGroupResponse>
export type SyncGroupResponseDraft = Draft<typeof syncGroupResponse>
