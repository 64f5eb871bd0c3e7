import { array, bool, type Draft, int16, int32, int64, message, type Message, string, structs, uint16, uuid } from '../schema.ts'

export const brokerRegistrationRequest = message(
  'BrokerRegistrationRequest',
  62,
  { versions: '0-4', flexible: '0+' },
  {
    brokerId: int32('0+'),
    clusterId: string('0+'),
    incarnationId: uuid('0+'),
    listeners: structs('0+', {
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
    isMigratingZkBroker: bool('1+', { default: false }),
    logDirs: array('2+', 'uuid', { ignorable: true }),
    previousBrokerEpoch: int64('3+', { default: -1, ignorable: true }),
  },
)
export type BrokerRegistrationRequest = Message<typeof brokerRegistrationRequest>
export type BrokerRegistrationRequestDraft = Draft<typeof brokerRegistrationRequest>

export const brokerRegistrationResponse = message(
  'BrokerRegistrationResponse',
  62,
  { versions: '0-4', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
  },
)
export type BrokerRegistrationResponse = Message<typeof brokerRegistrationResponse>
export type BrokerRegistrationResponseDraft = Draft<typeof brokerRegistrationResponse>
