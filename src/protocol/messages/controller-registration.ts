import { bool, type Draft, int16, int32, message, type Message, string, structs, uint16, uuid } from '../schema.ts'

export const controllerRegistrationRequest = message(
  'ControllerRegistrationRequest',
  70,
  { versions: '0', flexible: '0+' },
  {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
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
  },
)
export type ControllerRegistrationRequest = Message<typeof controllerRegistrationRequest>
export type ControllerRegistrationRequestDraft = Draft<typeof controllerRegistrationRequest>

export const controllerRegistrationResponse = message(
  'ControllerRegistrationResponse',
  70,
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
)
export type ControllerRegistrationResponse = Message<typeof controllerRegistrationResponse>
export type ControllerRegistrationResponseDraft = Draft<typeof controllerRegistrationResponse>
