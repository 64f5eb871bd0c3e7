import { array, type Draft, int16, int32, int8, message, type Message, string, structs } from '../schema.ts'

export const findCoordinatorRequest = message(
  'FindCoordinatorRequest',
  10,
  { versions: '0-6', flexible: '3+' },
  {
    key: string('0-3'),
    keyType: int8('1+', { default: 0 }),
    coordinatorKeys: array('4+', 'string'),
  },
)
export type FindCoordinatorRequest = Message<typeof findCoordinatorRequest>
export type FindCoordinatorRequestDraft = Draft<typeof findCoordinatorRequest>

export const findCoordinatorResponse = message(
  'FindCoordinatorResponse',
  10,
  { versions: '0-6', flexible: '3+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: structs('4+', {
      key: string('4+'),
      nodeId: int32('4+'),
      host: string('4+'),
      port: int32('4+'),
      errorCode: int16('4+'),
      errorMessage: string('4+', { nullable: '4+', ignorable: true }),
    }),
  },
)
export type FindCoordinatorResponse = Message<typeof findCoordinatorResponse>
export type FindCoordinatorResponseDraft = Draft<typeof findCoordinatorResponse>
