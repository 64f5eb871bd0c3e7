import { bool, type Draft, float64, int8, message, type Message, string, structs } from '../../protocol/schema.ts'

export const configRecord = message(
  'ConfigRecord',
  4,
  { versions: '0', flexible: '0+' },
  {
    resourceType: int8('0+'),
    resourceName: string('0+'),
    name: string('0+'),
    value: string('0+', { nullable: '0+' }),
  },
)
export type ConfigRecord = Message<typeof configRecord>
export type ConfigRecordDraft = Draft<typeof configRecord>

export const clientQuotaRecord = message(
  'ClientQuotaRecord',
  14,
  { versions: '0', flexible: '0+' },
  {
    entity: structs('0+', {
      entityType: string('0+'),
      entityName: string('0+', { nullable: '0+' }),
    }),
    key: string('0+'),
    value: float64('0+'),
    remove: bool('0+'),
  },
)
export type ClientQuotaRecord = Message<typeof clientQuotaRecord>
export type ClientQuotaRecordDraft = Draft<typeof clientQuotaRecord>
