import { type Draft, int16, int32, int64, message, type Message } from '../schema.ts'

export const allocateProducerIdsRequest = message(
  'AllocateProducerIdsRequest',
  67,
  { versions: '0', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
  },
)
export type AllocateProducerIdsRequest = Message<typeof allocateProducerIdsRequest>
export type AllocateProducerIdsRequestDraft = Draft<typeof allocateProducerIdsRequest>

export const allocateProducerIdsResponse = message(
  'AllocateProducerIdsResponse',
  67,
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerIdStart: int64('0+'),
    producerIdLen: int32('0+'),
  },
)
export type AllocateProducerIdsResponse = Message<typeof allocateProducerIdsResponse>
export type AllocateProducerIdsResponseDraft = Draft<typeof allocateProducerIdsResponse>
