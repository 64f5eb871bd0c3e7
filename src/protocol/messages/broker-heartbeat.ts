import { array, bool, type Draft, int16, int32, int64, message, type Message } from '../schema.ts'

export const brokerHeartbeatRequest = message(
  'BrokerHeartbeatRequest',
  63,
  { versions: '0-2', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    currentMetadataOffset: int64('0+'),
    wantFence: bool('0+'),
    wantShutDown: bool('0+'),
    offlineLogDirs: array('1+', 'uuid', { tag: 0 }),
    cordonedLogDirs: array('2+', 'uuid', { nullable: '2+', default: null, tag: 1 }),
  },
)
export type BrokerHeartbeatRequest = Message<typeof brokerHeartbeatRequest>
export type BrokerHeartbeatRequestDraft = Draft<typeof brokerHeartbeatRequest>

export const brokerHeartbeatResponse = message(
  'BrokerHeartbeatResponse',
  63,
  { versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    isCaughtUp: bool('0+', { default: false }),
    isFenced: bool('0+', { default: true }),
    shouldShutDown: bool('0+'),
  },
)
export type BrokerHeartbeatResponse = Message<typeof brokerHeartbeatResponse>
export type BrokerHeartbeatResponseDraft = Draft<typeof brokerHeartbeatResponse>
