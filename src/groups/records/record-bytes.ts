import { codec } from '../../protocol/codec.ts'
import { MalformedError, Reader } from '../../protocol/reader.ts'
import { type Schema, within } from '../../protocol/schema.ts'
import { Writer } from '../../protocol/writer.ts'
import { type GroupRecord, groupRecordTypes, type GroupRecordType } from './fact.ts'

/**
 * The bytes of a record: the key is an int16 (which record this is) and the key message, the value an int16 (its version) and the value message
 * (CoordinatorRecordSerde). An offset's key is of type 1; type 0, of Kafka before 0.9, is laid out alike and read, too.
 */
const legacyOffsetCommitKeyType = 0
const keyVersion = 0
const int16Bytes = 2

const typeByKey = new Map<number, GroupRecordType>(
  Object.entries(groupRecordTypes).map(([type, { key }]) => [key.apiKey, type as GroupRecordType]),
)
typeByKey.set(legacyOffsetCommitKeyType, 'offsetCommit')

/** What GroupCoordinatorRecordHelpers of 4.3 writes; an offset whose request gave a retention time is written as version 1, which alone can carry it. */
function valueVersion(record: GroupRecord): number {
  if (record.type === 'offsetCommit') return record.value === null || record.value.expireTimestamp === -1 ? 4 : 1
  return record.type === 'groupMetadata' ? 3 : 0
}

export interface RecordBytes {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** @throws UnsayableError when it says something that its version cannot. */
export function encodeGroupRecord(record: GroupRecord): RecordBytes {
  const { key, value }: { readonly key: Schema; readonly value: Schema } = groupRecordTypes[record.type]
  return {
    key: prefixed(key.apiKey, key, keyVersion, record.key),
    value: record.value === null ? null : valueBytes(value, valueVersion(record), record.value),
  }
}

function valueBytes(schema: Schema, version: number, message: Record<string, unknown>): Buffer {
  return prefixed(version, schema, version, message)
}

function prefixed(prefix: number, schema: Schema, version: number, message: Record<string, unknown>): Buffer {
  const writer = new Writer()
  writer.int16(prefix)
  codec(schema, version).write(writer, message)
  return writer.toBuffer()
}

/** A record of a kind that this release knows nothing of (share and streams groups, or a newer Kafka's). */
export interface UnknownRecord {
  readonly type: 'unknown'
  readonly keyType: number
}

/** @throws MalformedError for bytes that are no such record, or for a value in a version that is not known. */
export function decodeGroupRecord(key: Buffer | null, value: Buffer | null): GroupRecord | UnknownRecord {
  if (key === null || key.length < int16Bytes) throw new MalformedError('a record of a coordinator without a key')
  const reader = new Reader(key)
  const keyType = reader.int16()
  const type = typeByKey.get(keyType)
  if (type === undefined) return { type: 'unknown', keyType }
  const schemas: { readonly key: Schema; readonly value: Schema } = groupRecordTypes[type]
  const decodedKey = codec(schemas.key, keyVersion).read(reader)
  reader.expectEnd(schemas.key.name)
  return { type, key: decodedKey, value: value === null ? null : decodeValue(schemas.value, value) } as GroupRecord
}

function decodeValue(schema: Schema, value: Buffer): object {
  const reader = new Reader(value)
  const version = reader.int16()
  if (!within(schema.validVersions, version)) throw new MalformedError(`${schema.name} version ${version} is not known to this release`)
  const message = codec(schema, version).read(reader)
  reader.expectEnd(schema.name)
  return message
}
