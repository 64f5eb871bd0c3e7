import { type Draft, int16, int32, message, type Message, string } from '../schema.ts'

export const unregisterBrokerRequest = message(
  'UnregisterBrokerRequest',
  64,
  { versions: '0', flexible: '0+' },
  {
    brokerId: int32('0+'),
  },
)
export type UnregisterBrokerRequest = Message<typeof unregisterBrokerRequest>
export type UnregisterBrokerRequestDraft = Draft<typeof unregisterBrokerRequest>

export const unregisterBrokerResponse = message(
  'UnregisterBrokerResponse',
  64,
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
)
export type UnregisterBrokerResponse = Message<typeof unregisterBrokerResponse>
export type UnregisterBrokerResponseDraft = Draft<typeof unregisterBrokerResponse>
