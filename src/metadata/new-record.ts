import { NO_UUID } from '../base/units.ts'
import type { Field, Schema, Shape } from '../protocol/schema.ts'
import { recordVersion } from './metadata-version.ts'
import { type MetadataRecord, type RecordDraft, type RecordOf, type RecordType, recordTypes } from './record-types.ts'

type Struct = Record<string, unknown>

const defaultsByType = new Map<RecordType, Struct>()

/**
 * A record as a reader of the log will see it: the version that the cluster's `metadata.version` allows, and every field that the draft leaves
 * out at its default. Structs inside arrays have to be given whole.
 */
export function newRecord<K extends RecordType>(type: K, metadataVersion: number, draft: RecordDraft<K>): RecordOf<K> & MetadataRecord {
  let defaults = defaultsByType.get(type)
  if (defaults === undefined) defaultsByType.set(type, (defaults = defaultsOf(recordTypes[type])))
  const message = { ...defaults, ...draft }
  return { type, version: recordVersion(type, metadataVersion), message } as unknown as RecordOf<K> & MetadataRecord
}

function defaultsOf(schema: Schema): Struct {
  return Object.fromEntries(Object.entries(schema.fields).map(([name, field]) => [name, defaultOf(field)]))
}

const EMPTY: readonly never[] = Object.freeze([])

function defaultOf(field: Field<unknown>): unknown {
  if (field.options.default !== undefined) return field.options.default
  return implicitDefault(field.shape)
}

function implicitDefault(shape: Shape): unknown {
  if (shape.kind === 'array' || shape.kind === 'structs') return EMPTY
  if (shape.kind === 'struct') return Object.fromEntries(Object.entries(shape.fields).map(([name, field]) => [name, defaultOf(field)]))
  switch (shape.type) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'uuid':
      return NO_UUID
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    default:
      return 0
  }
}
