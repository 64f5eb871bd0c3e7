import { codec } from '../protocol/codec.ts'
import { MalformedError, Reader } from '../protocol/reader.ts'
import { type Schema, within } from '../protocol/schema.ts'
import { Writer } from '../protocol/writer.ts'
import { type MetadataRecord, type RecordType, recordTypes } from './record-types.ts'

/**
 * The bytes of a metadata record's value: unsigned varints of the frame version, the record's type and its version, then the message
 * (org.apache.kafka.server.common.serialization.AbstractApiMessageSerde). The record's key is null.
 */
const FRAME_VERSION = 1

const typeByKey = new Map<number, RecordType>(Object.entries(recordTypes).map(([type, schema]) => [schema.apiKey, type as RecordType]))

/** A record that this release does not know: written by a newer one. The node cannot go on without knowing what it says. */
export class UnsupportedRecordError extends Error {
  override readonly name = 'UnsupportedRecordError'
}

/** @throws UnsayableError when the message says something that its version cannot. */
export function encodeRecord(record: MetadataRecord): Buffer {
  const writer = new Writer()
  const schema: Schema = recordTypes[record.type]
  writer.unsignedVarint(FRAME_VERSION)
  writer.unsignedVarint(schema.apiKey)
  writer.unsignedVarint(record.version)
  codec(schema, record.version).write(writer, record.message)
  return writer.toBuffer()
}

/** @throws MalformedError for bytes that are no record, UnsupportedRecordError for a type or a version that is not known here. */
export function decodeRecord(value: Buffer): MetadataRecord {
  const reader = new Reader(value)
  const frameVersion = reader.unsignedVarint()
  if (frameVersion !== FRAME_VERSION) throw new MalformedError(`a metadata record with frame version ${frameVersion}, not ${FRAME_VERSION}`)
  const key = reader.unsignedVarint()
  const version = reader.unsignedVarint()
  const type = typeByKey.get(key)
  if (type === undefined)
    throw new UnsupportedRecordError(`metadata record of type ${key}, version ${version}, is not known to this release`)
  const schema: Schema = recordTypes[type]
  if (!within(schema.validVersions, version)) {
    throw new UnsupportedRecordError(
      `${schema.name} version ${version} is not known to this release, which knows up to ${schema.validVersions.to}`,
    )
  }
  const message = codec(schema, version).read(reader)
  reader.expectEnd(schema.name)
  return { type, version, message } as MetadataRecord
}
