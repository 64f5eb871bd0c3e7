import { bytes, type Draft, int32, int64, message, type Message, string, structs } from '../../protocol/schema.ts'

export const groupMetadataKey = message(
  'GroupMetadataKey',
  2,
  { versions: '0', flexible: 'none' },
  {
    group: string('0'),
  },
)
export type GroupMetadataKey = Message<typeof groupMetadataKey>
export type GroupMetadataKeyDraft = Draft<typeof groupMetadataKey>

const memberMetadata = {
  memberId: string('0+'),
  groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  clientId: string('0+'),
  clientHost: string('0+'),
  rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
  sessionTimeout: int32('0+'),
  subscription: bytes('0+'),
  assignment: bytes('0+'),
}

export const groupMetadataValue = message(
  'GroupMetadataValue',
  2,
  { versions: '0-4', flexible: '4+' },
  {
    protocolType: string('0+'),
    generation: int32('0+'),
    protocol: string('0+', { nullable: '0+' }),
    leader: string('0+', { nullable: '0+' }),
    currentStateTimestamp: int64('2+', { default: -1, ignorable: true }),
    members: structs('0+', memberMetadata),
  },
)
export type GroupMetadataValue = Message<typeof groupMetadataValue>
export type GroupMetadataValueDraft = Draft<typeof groupMetadataValue>
