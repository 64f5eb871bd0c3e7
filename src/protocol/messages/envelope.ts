import { bytes, type Draft, int16, message, type Message } from '../schema.ts'

export const envelopeRequest = message(
  'EnvelopeRequest',
  58,
  { versions: '0', flexible: '0+' },
  {
    requestData: bytes('0+'),
    requestPrincipal: bytes('0+', { nullable: '0+' }),
    clientHostAddress: bytes('0+'),
  },
)
export type EnvelopeRequest = Message<typeof envelopeRequest>
export type EnvelopeRequestDraft = Draft<typeof envelopeRequest>

export const envelopeResponse = message(
  'EnvelopeResponse',
  58,
  { versions: '0', flexible: '0+' },
  {
    responseData: bytes('0+', { nullable: '0+', default: null }),
    errorCode: int16('0+'),
  },
)
export type EnvelopeResponse = Message<typeof envelopeResponse>
export type EnvelopeResponseDraft = Draft<typeof envelopeResponse>
