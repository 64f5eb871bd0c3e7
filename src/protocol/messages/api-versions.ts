import { bool, type Draft, int16, int32, int64, message, type Message, string, structs } from '../schema.ts'

export const apiVersionsRequest = message(
  'ApiVersionsRequest',
  18,
  { versions: '0-4', flexible: '3+' },
  {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
  },
)
export type ApiVersionsRequest = Message<typeof apiVersionsRequest>
export type ApiVersionsRequestDraft = Draft<typeof apiVersionsRequest>

export const apiVersionsResponse = message(
  'ApiVersionsResponse',
  18,
  { versions: '0-4', flexible: '3+' },
  {
    errorCode: int16('0+'),
    apiKeys: structs('0+', {
      apiKey: int16('0+'),
      minVersion: int16('0+'),
      maxVersion: int16('0+'),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: structs(
      '3+',
      {
        name: string('3+'),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      { tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', { default: -1, tag: 1, ignorable: true }),
    finalizedFeatures: structs(
      '3+',
      {
        name: string('3+'),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { default: false, tag: 3, ignorable: true }),
  },
)
export type ApiVersionsResponse = Message<typeof apiVersionsResponse>
export type ApiVersionsResponseDraft = Draft<typeof apiVersionsResponse>
