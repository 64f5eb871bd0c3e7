import type { Uuid } from '../base/units.ts'
import { newRecord } from './new-record.ts'
import type { MetadataRecord } from './record-types.ts'
import type {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from './records/security.ts'

/** SCRAM credentials, access control entries and delegation tokens, as the log has them. */
export class SecurityImage {
  private readonly scram = new Map<string, UserScramCredentialRecord>()
  private readonly entriesById = new Map<Uuid, AccessControlEntryRecord>()
  private readonly tokensById = new Map<string, DelegationTokenRecord>()

  scramCredential(user: string, mechanism: number): UserScramCredentialRecord | undefined {
    return this.scram.get(`${mechanism}:${user}`)
  }

  scramCredentials(): Iterable<UserScramCredentialRecord> {
    return this.scram.values()
  }

  accessControlEntries(): Iterable<AccessControlEntryRecord> {
    return this.entriesById.values()
  }

  delegationToken(id: string): DelegationTokenRecord | undefined {
    return this.tokensById.get(id)
  }

  setScram(record: UserScramCredentialRecord): void {
    this.scram.set(`${record.mechanism}:${record.name}`, record)
  }

  removeScram(record: RemoveUserScramCredentialRecord): void {
    this.scram.delete(`${record.mechanism}:${record.name}`)
  }

  setEntry(record: AccessControlEntryRecord): void {
    this.entriesById.set(record.id, record)
  }

  removeEntry(id: Uuid): void {
    this.entriesById.delete(id)
  }

  setToken(record: DelegationTokenRecord): void {
    this.tokensById.set(record.tokenId, record)
  }

  removeToken(id: string): void {
    this.tokensById.delete(id)
  }

  *toRecords(metadataVersion: number): Iterable<MetadataRecord> {
    for (const credential of this.scram.values()) yield newRecord('userScramCredential', metadataVersion, credential)
    for (const entry of this.entriesById.values()) yield newRecord('accessControlEntry', metadataVersion, entry)
    for (const token of this.tokensById.values()) yield newRecord('delegationToken', metadataVersion, token)
  }
}
