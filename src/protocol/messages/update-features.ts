import { bool, type Draft, int16, int32, int8, message, type Message, string, structs } from '../schema.ts'

export const updateFeaturesRequest = message(
  'UpdateFeaturesRequest',
  57,
  { versions: '0-2', flexible: '0+' },
  {
    timeoutMs: int32('0+', { default: 60000 }),
    featureUpdates: structs('0+', {
      feature: string('0+'),
      maxVersionLevel: int16('0+'),
      allowDowngrade: bool('0'),
      upgradeType: int8('1+', { default: 1 }),
    }),
    validateOnly: bool('1+', { default: false }),
  },
)
export type UpdateFeaturesRequest = Message<typeof updateFeaturesRequest>
export type UpdateFeaturesRequestDraft = Draft<typeof updateFeaturesRequest>

export const updateFeaturesResponse = message(
  'UpdateFeaturesResponse',
  57,
  { versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: structs(
      '0-1',
      {
        feature: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      },
      { ignorable: true },
    ),
  },
)
export type UpdateFeaturesResponse = Message<typeof updateFeaturesResponse>
export type UpdateFeaturesResponseDraft = Draft<typeof updateFeaturesResponse>
