import {
  array,
  bool,
  type Draft,
  int16,
  int32,
  int64,
  int8,
  message,
  type Message,
  string,
  structs,
  uint16,
  uuid,
} from '../../protocol/schema.ts'

export const registerBrokerRecord = message(
  'RegisterBrokerRecord',
  0,
  { versions: '0-4', flexible: '0+' },
  {
    brokerId: int32('0+'),
    isMigratingZkBroker: bool('2+', { default: false }),
    incarnationId: uuid('0+'),
    brokerEpoch: int64('0+'),
    endPoints: structs('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: structs('0+', {
      name: string('0+'),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
    rack: string('0+', { nullable: '0+' }),
    fenced: bool('0+', { default: true }),
    inControlledShutdown: bool('1+', { default: false }),
    logDirs: array('3+', 'uuid', { tag: 0 }),
    cordonedLogDirs: array('4+', 'uuid', { nullable: '4+', default: null, tag: 1 }),
  },
)
export type RegisterBrokerRecord = Message<typeof registerBrokerRecord>
export type RegisterBrokerRecordDraft = Draft<typeof registerBrokerRecord>

export const unregisterBrokerRecord = message(
  'UnregisterBrokerRecord',
  1,
  { versions: '0', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
  },
)
export type UnregisterBrokerRecord = Message<typeof unregisterBrokerRecord>
export type UnregisterBrokerRecordDraft = Draft<typeof unregisterBrokerRecord>

export const fenceBrokerRecord = message(
  'FenceBrokerRecord',
  7,
  { versions: '0', flexible: '0+' },
  {
    id: int32('0+'),
    epoch: int64('0+'),
  },
)
export type FenceBrokerRecord = Message<typeof fenceBrokerRecord>
export type FenceBrokerRecordDraft = Draft<typeof fenceBrokerRecord>

export const unfenceBrokerRecord = message(
  'UnfenceBrokerRecord',
  8,
  { versions: '0', flexible: '0+' },
  {
    id: int32('0+'),
    epoch: int64('0+'),
  },
)
export type UnfenceBrokerRecord = Message<typeof unfenceBrokerRecord>
export type UnfenceBrokerRecordDraft = Draft<typeof unfenceBrokerRecord>

export const brokerRegistrationChangeRecord = message(
  'BrokerRegistrationChangeRecord',
  17,
  { versions: '0-3', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
    fenced: int8('0+', { tag: 0 }),
    inControlledShutdown: int8('1+', { tag: 1 }),
    logDirs: array('2+', 'uuid', { tag: 2 }),
    cordonedLogDirs: array('3+', 'uuid', { nullable: '3+', default: null, tag: 3 }),
  },
)
export type BrokerRegistrationChangeRecord = Message<typeof brokerRegistrationChangeRecord>
export type BrokerRegistrationChangeRecordDraft = Draft<typeof brokerRegistrationChangeRecord>
