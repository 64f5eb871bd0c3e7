import { type Draft, int16, int32, message, type Message, string } from '../schema.ts'

export const requestHeader = message(
  'RequestHeader',
  -1,
  { versions: '1-2', flexible: '2+' },
  {
    requestApiKey: int16('0+'),
    requestApiVersion: int16('0+'),
    correlationId: int32('0+'),
    clientId: string('1+', { nullable: '1+', flexible: 'none' }),
  },
)
export type RequestHeader = Message<typeof requestHeader>
export type RequestHeaderDraft = Draft<typeof requestHeader>

export const responseHeader = message(
  'ResponseHeader',
  -1,
  { versions: '0-1', flexible: '1+' },
  {
    correlationId: int32('0+'),
  },
)
export type ResponseHeader = Message<typeof responseHeader>
export type ResponseHeaderDraft = Draft<typeof responseHeader>
