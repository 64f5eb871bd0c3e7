import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import { newRecord } from '../metadata/new-record.ts'
import type { MetadataRecord, RecordDraft, RecordType } from '../metadata/record-types.ts'

/** The text of a znode is not what it should be: somebody has written to it by hand, or a newer release has. */
export class ZnodeError extends Error {
  override readonly name = 'ZnodeError'
  readonly path: string
  constructor(path: string, problem: string) {
    super(`znode ${path}: ${problem}`)
    this.path = path
  }
}

export type JsonObject = Readonly<Record<string, unknown>>

/** @throws ZnodeError */
export function parseObject(path: string, text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ZnodeError(path, 'no JSON')
  }
  return objectOf(path, value)
}

export function objectOf(path: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ZnodeError(path, 'no JSON object')
  return value as JsonObject
}

export function numberIn(path: string, object: JsonObject, key: string): number {
  const value = object[key]
  if (!Number.isSafeInteger(value)) throw new ZnodeError(path, `no whole number '${key}'`)
  return value as number
}

export function stringIn(path: string, object: JsonObject, key: string): string {
  const value = object[key]
  if (typeof value !== 'string') throw new ZnodeError(path, `no string '${key}'`)
  return value
}

export function numbersIn(path: string, object: JsonObject, key: string): readonly number[] {
  const value = object[key]
  if (!Array.isArray(value) || !value.every((it) => Number.isSafeInteger(it))) throw new ZnodeError(path, `no list of numbers '${key}'`)
  return value as readonly number[]
}

export function stringsIn(path: string, object: JsonObject, key: string): readonly string[] {
  const value = object[key]
  if (!Array.isArray(value) || !value.every((it) => typeof it === 'string')) throw new ZnodeError(path, `no list of strings '${key}'`)
  return value
}

/** Strings by name, in the order of the names. */
export function textsIn(path: string, object: JsonObject, key: string): readonly (readonly [string, string])[] {
  const found = Object.entries(objectOf(path, object[key] ?? {}))
  if (!found.every(([, value]) => typeof value === 'string')) throw new ZnodeError(path, `'${key}' has what is no string`)
  return found as [string, string][]
}

/** What Kafka writes for the configuration of an entity (ConfigEntityZNode). */
export function configText(values: Iterable<readonly [string, string]>): string {
  return JSON.stringify({ version: 1, config: Object.fromEntries(values) })
}

export function configOf(path: string, text: string): readonly (readonly [string, string])[] {
  return text === '' ? [] : textsIn(path, parseObject(path, text), 'config')
}

/** A record of the metadata log that Kafka's layout has no place for: its fields by Kafka's names, bytes in base64. */
export function recordText(record: MetadataRecord): string {
  const fields = Object.entries(record.message)
    .filter(([name]) => name !== 'unknownTags')
    .map(([name, value]) => [name, Buffer.isBuffer(value) ? { base64: value.toString('base64') } : (value as unknown)])
  return JSON.stringify({ version: 1, ...Object.fromEntries(fields) })
}

/** In the newest version, which can say all that the image holds. */
export function recordIn(type: RecordType, path: string, text: string): MetadataRecord {
  const fields = Object.entries(parseObject(path, text))
    .filter(([name]) => name !== 'version')
    .map(([name, value]) => [name, bytesOr(value)])
  return newRecord(type, METADATA_VERSION_LATEST, Object.fromEntries(fields) as RecordDraft<RecordType>)
}

function bytesOr(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('base64' in value) || typeof value.base64 !== 'string') return value
  return Buffer.from(value.base64, 'base64')
}
