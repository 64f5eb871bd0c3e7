import { bool, type Draft, int16, int32, int64, int8, message, type Message, string, structs, uint16, uuid } from '../../protocol/schema.ts'

export const featureLevelRecord = message(
  'FeatureLevelRecord',
  12,
  { versions: '0', flexible: '0+' },
  {
    name: string('0+'),
    featureLevel: int16('0+'),
  },
)
export type FeatureLevelRecord = Message<typeof featureLevelRecord>
export type FeatureLevelRecordDraft = Draft<typeof featureLevelRecord>

export const producerIdsRecord = message(
  'ProducerIdsRecord',
  15,
  { versions: '0', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    nextProducerId: int64('0+'),
  },
)
export type ProducerIdsRecord = Message<typeof producerIdsRecord>
export type ProducerIdsRecordDraft = Draft<typeof producerIdsRecord>

export const noOpRecord = message('NoOpRecord', 20, { versions: '0', flexible: '0+' }, {})
export type NoOpRecord = Message<typeof noOpRecord>
export type NoOpRecordDraft = Draft<typeof noOpRecord>

export const registerControllerRecord = message(
  'RegisterControllerRecord',
  27,
  { versions: '0', flexible: '0+' },
  {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
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
  },
)
export type RegisterControllerRecord = Message<typeof registerControllerRecord>
export type RegisterControllerRecordDraft = Draft<typeof registerControllerRecord>

export const zkMigrationStateRecord = message(
  'ZkMigrationStateRecord',
  21,
  { versions: '0', flexible: '0+' },
  {
    zkMigrationState: int8('0+'),
  },
)
export type ZkMigrationStateRecord = Message<typeof zkMigrationStateRecord>
export type ZkMigrationStateRecordDraft = Draft<typeof zkMigrationStateRecord>

export const beginTransactionRecord = message(
  'BeginTransactionRecord',
  23,
  { versions: '0', flexible: '0+' },
  {
    name: string('0+', { nullable: '0+', default: null, tag: 0 }),
  },
)
export type BeginTransactionRecord = Message<typeof beginTransactionRecord>
export type BeginTransactionRecordDraft = Draft<typeof beginTransactionRecord>

export const endTransactionRecord = message('EndTransactionRecord', 24, { versions: '0', flexible: '0+' }, {})
export type EndTransactionRecord = Message<typeof endTransactionRecord>
export type EndTransactionRecordDraft = Draft<typeof endTransactionRecord>

export const abortTransactionRecord = message(
  'AbortTransactionRecord',
  25,
  { versions: '0', flexible: '0+' },
  {
    reason: string('0+', { nullable: '0+', default: null, tag: 0 }),
  },
)
export type AbortTransactionRecord = Message<typeof abortTransactionRecord>
export type AbortTransactionRecordDraft = Draft<typeof abortTransactionRecord>
