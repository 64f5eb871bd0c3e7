import { bool, type Draft, int16, int32, int64, message, type Message, string } from '../schema.ts'

export const initProducerIdRequest = message(
  'InitProducerIdRequest',
  22,
  { versions: '0-6', flexible: '2+' },
  {
    transactionalId: string('0+', { nullable: '0+' }),
    transactionTimeoutMs: int32('0+'),
    producerId: int64('3+', { default: -1 }),
    producerEpoch: int16('3+', { default: -1 }),
    enable2Pc: bool('6+', { default: false }),
    keepPreparedTxn: bool('6+', { default: false }),
  },
)
export type InitProducerIdRequest = Message<typeof initProducerIdRequest>
export type InitProducerIdRequestDraft = Draft<typeof initProducerIdRequest>

export const initProducerIdResponse = message(
  'InitProducerIdResponse',
  22,
  { versions: '0-6', flexible: '2+' },
  {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1 }),
    producerEpoch: int16('0+'),
    ongoingTxnProducerId: int64('6+', { default: -1 }),
    ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
  },
)
export type InitProducerIdResponse = Message<typeof initProducerIdResponse>
export type InitProducerIdResponseDraft = Draft<typeof initProducerIdResponse>
