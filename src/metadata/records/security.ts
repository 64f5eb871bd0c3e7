import { array, bytes, type Draft, int32, int64, int8, message, type Message, string, uuid } from '../../protocol/schema.ts'

export const userScramCredentialRecord = message(
  'UserScramCredentialRecord',
  11,
  { versions: '0', flexible: '0+' },
  {
    name: string('0+'),
    mechanism: int8('0+'),
    salt: bytes('0+'),
    storedKey: bytes('0+'),
    serverKey: bytes('0+'),
    iterations: int32('0+'),
  },
)
export type UserScramCredentialRecord = Message<typeof userScramCredentialRecord>
export type UserScramCredentialRecordDraft = Draft<typeof userScramCredentialRecord>

export const removeUserScramCredentialRecord = message(
  'RemoveUserScramCredentialRecord',
  22,
  { versions: '0', flexible: '0+' },
  {
    name: string('0+'),
    mechanism: int8('0+'),
  },
)
export type RemoveUserScramCredentialRecord = Message<typeof removeUserScramCredentialRecord>
export type RemoveUserScramCredentialRecordDraft = Draft<typeof removeUserScramCredentialRecord>

export const accessControlEntryRecord = message(
  'AccessControlEntryRecord',
  18,
  { versions: '0', flexible: '0+' },
  {
    id: uuid('0+'),
    resourceType: int8('0+'),
    resourceName: string('0+'),
    patternType: int8('0+'),
    principal: string('0+'),
    host: string('0+'),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
)
export type AccessControlEntryRecord = Message<typeof accessControlEntryRecord>
export type AccessControlEntryRecordDraft = Draft<typeof accessControlEntryRecord>

export const removeAccessControlEntryRecord = message(
  'RemoveAccessControlEntryRecord',
  19,
  { versions: '0', flexible: '0+' },
  {
    id: uuid('0+'),
  },
)
export type RemoveAccessControlEntryRecord = Message<typeof removeAccessControlEntryRecord>
export type RemoveAccessControlEntryRecordDraft = Draft<typeof removeAccessControlEntryRecord>

export const delegationTokenRecord = message(
  'DelegationTokenRecord',
  10,
  { versions: '0', flexible: '0+' },
  {
    owner: string('0+'),
    requester: string('0+'),
    renewers: array('0+', 'string'),
    issueTimestamp: int64('0+'),
    maxTimestamp: int64('0+'),
    expirationTimestamp: int64('0+'),
    tokenId: string('0+'),
  },
)
export type DelegationTokenRecord = Message<typeof delegationTokenRecord>
export type DelegationTokenRecordDraft = Draft<typeof delegationTokenRecord>

export const removeDelegationTokenRecord = message(
  'RemoveDelegationTokenRecord',
  26,
  { versions: '0', flexible: '0+' },
  {
    tokenId: string('0+'),
  },
)
export type RemoveDelegationTokenRecord = Message<typeof removeDelegationTokenRecord>
export type RemoveDelegationTokenRecordDraft = Draft<typeof removeDelegationTokenRecord>
