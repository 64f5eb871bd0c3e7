import { assert, unreachable } from '../base/assert.ts'
import { NO_UUID } from '../base/units.ts'
import { MalformedError, Reader, structCost, unknownTagCost } from './reader.ts'
import {
  type Draft,
  type Field,
  type Fields,
  type Message,
  type Primitive,
  type Schema,
  type Shape,
  type UnknownTag,
  versions,
  within,
} from './schema.ts'
import { UnsayableError, Writer } from './writer.ts'

export { UnsayableError } from './writer.ts'

/**
 * Turns a schema and a version into a reader and a writer, once, at first use. A decoded struct always has all fields of the schema, in
 * the schema's order: those that the version lacks hold their default (so objects of one message share a hidden class).
 */
type Struct = Record<string, unknown>

interface ValueCodec {
  read(reader: Reader): unknown
  write(writer: Writer, value: unknown): void
}

interface FieldCodec extends ValueCodec {
  readonly name: string
  readonly tag: number | undefined
  readonly present: boolean
  readonly ignorable: boolean
  /** A fresh default for each struct is not needed: decoded messages are read-only. */
  readonly fallback: unknown
}

export interface Codec<S extends Schema> {
  readonly read: (reader: Reader) => Message<S>
  readonly write: (writer: Writer, value: Draft<S>) => void
}

const cache = new WeakMap<Schema, Map<number, Codec<Schema>>>()

/** @throws RangeError when the schema has no such version: callers check `isSupported` first. */
export function codec<S extends Schema>(schema: S, version: number): Codec<S> {
  let byVersion = cache.get(schema)
  if (byVersion === undefined) cache.set(schema, (byVersion = new Map()))
  let found = byVersion.get(version)
  if (found === undefined) {
    if (!within(schema.validVersions, version)) throw new RangeError(`${schema.name} has no version ${version}`)
    const flexible = within(schema.flexibleVersions, version)
    const struct = structCodec(schema.fields, version, flexible, schema.name)
    found = { read: struct.read as Codec<Schema>['read'], write: struct.write }
    byVersion.set(version, found)
  }
  return found
}

/** Decodes a whole buffer; @throws MalformedError, also for trailing bytes. */
export function decode<S extends Schema>(schema: S, version: number, from: Buffer): Message<S> {
  const reader = new Reader(from)
  const value = codec(schema, version).read(reader)
  reader.expectEnd(schema.name)
  return value
}

export function encode<S extends Schema>(schema: S, version: number, value: Draft<S>): Buffer {
  const writer = new Writer()
  codec(schema, version).write(writer, value)
  return writer.toBuffer()
}

function structCodec(fields: Fields, version: number, flexible: boolean, path: string): ValueCodec {
  const all = Object.entries(fields).map(([name, field]) => fieldCodec(name, field, version, flexible, path))
  const plain = all.filter((field) => field.present && field.tag === undefined)
  const tagged = all.filter((field) => field.present && field.tag !== undefined).sort((a, b) => (a.tag ?? 0) - (b.tag ?? 0))
  const absent = all.filter((field) => !field.present && !field.ignorable)
  const byTag = new Map(tagged.map((field) => [field.tag, field]))
  return {
    read(reader) {
      const out: Struct = {}
      for (const field of all) out[field.name] = field.present && field.tag === undefined ? field.read(reader) : field.fallback
      if (flexible) readTags(reader, out, byTag, path)
      return out
    },
    write(writer, value) {
      const from = value as Struct
      for (const field of absent) {
        const given = from[field.name]
        if (given !== undefined && !isDefault(given, field.fallback)) {
          throw new UnsayableError(`${path}.${field.name} cannot be sent in version ${version}`)
        }
      }
      for (const field of plain) {
        const given = from[field.name]
        field.write(writer, given === undefined ? field.fallback : given)
      }
      if (flexible) writeTags(writer, from, tagged)
    },
  }
}

function readTags(reader: Reader, out: Struct, byTag: ReadonlyMap<number | undefined, FieldCodec>, path: string): void {
  let unknown: UnknownTag[] | undefined
  let previous = -1
  for (let left = reader.unsignedVarint(); left > 0; left -= 1) {
    const tag = reader.unsignedVarint()
    if (tag <= previous) throw new MalformedError(`tag ${tag} of ${path} after tag ${previous}`)
    previous = tag
    const length = reader.unsignedVarint()
    const field = byTag.get(tag)
    if (field === undefined) {
      reader.spend(1, unknownTagCost)
      unknown ??= []
      unknown.push({ tag, bytes: reader.slice(length) })
    } else {
      const end = reader.position + length
      out[field.name] = field.read(reader)
      if (reader.position !== end) throw new MalformedError(`${path}.${field.name} is not as long as its tag says`)
    }
  }
  if (unknown !== undefined) out['unknownTags'] = unknown
}

function writeTags(writer: Writer, from: Struct, tagged: readonly FieldCodec[]): void {
  const unknown = from['unknownTags'] as readonly UnknownTag[] | undefined
  let known = 0
  for (const field of tagged) if (isSaid(field, from)) known += 1
  if (unknown !== undefined && unknown.length > 0) {
    writeTagsMerged(writer, from, tagged, unknown, known)
    return
  }
  writer.unsignedVarint(known)
  if (known === 0) return
  for (const field of tagged) if (isSaid(field, from)) writeTagged(writer, field, from[field.name])
}

/** Known and unknown tags have to come in one rising order. */
function writeTagsMerged(writer: Writer, from: Struct, tagged: readonly FieldCodec[], unknown: readonly UnknownTag[], known: number): void {
  writer.unsignedVarint(known + unknown.length)
  const entries = [...tagged.filter((field) => isSaid(field, from)), ...unknown].sort((a, b) => (a.tag ?? 0) - (b.tag ?? 0))
  for (const entry of entries) {
    if ('bytes' in entry) {
      writer.unsignedVarint(entry.tag)
      writer.unsignedVarint(entry.bytes.length)
      writer.raw(entry.bytes)
    } else writeTagged(writer, entry, from[entry.name])
  }
}

function isSaid(field: FieldCodec, from: Struct): boolean {
  const given = from[field.name]
  return given !== undefined && !isDefault(given, field.fallback)
}

function writeTagged(writer: Writer, field: FieldCodec, value: unknown): void {
  const inner = new Writer()
  field.write(inner, value)
  writer.unsignedVarint(field.tag ?? 0)
  writer.unsignedVarint(inner.size)
  for (const part of inner.finish()) writer.raw(part)
}

/** Kafka's rule: a struct is the default when all its fields are; arrays and byte strings when empty, unless the default is null. */
function isDefault(value: unknown, fallback: unknown): boolean {
  if (value === fallback) return true
  if (value === null || fallback === null) return false
  if (Array.isArray(value)) return value.length === 0 && Array.isArray(fallback) && fallback.length === 0
  if (Buffer.isBuffer(value)) return value.length === 0 && Buffer.isBuffer(fallback) && fallback.length === 0
  if (typeof value === 'object' && typeof fallback === 'object') {
    return Object.entries(value).every(([name, inner]) => inner === undefined || isDefault(inner, (fallback as Struct)[name]))
  }
  return false
}

function fieldCodec(name: string, field: Field<unknown>, version: number, flexibleMessage: boolean, path: string): FieldCodec {
  const { options, shape } = field
  const range = versions(field.versions)
  const flexible = flexibleMessage && options.flexible !== 'none'
  const nullable = options.nullable !== undefined && within(versions(options.nullable), version)
  const isTagged = options.tag !== undefined && flexible && within(options.tagged === undefined ? range : versions(options.tagged), version)
  const at = `${path}.${name}`
  const value =
    isTagged && nullable && shape.kind === 'struct'
      ? taggedNullableStructCodec(structCodec(shape.fields, version, flexible, at))
      : shapeCodec(shape, version, flexible, nullable, at)
  return {
    name,
    tag: isTagged ? options.tag : undefined,
    present: within(range, version),
    ignorable: options.ignorable === true,
    fallback: options.default === undefined ? implicitDefault(shape) : options.default,
    read: value.read,
    write: value.write,
  }
}

const EMPTY_ARRAY: readonly never[] = Object.freeze([])
const EMPTY_BYTES = Buffer.alloc(0)

function implicitDefault(shape: Shape): unknown {
  switch (shape.kind) {
    case 'array':
    case 'structs':
      return EMPTY_ARRAY
    case 'struct':
      return Object.fromEntries(
        Object.entries(shape.fields).map(([name, field]) => [
          name,
          field.options.default === undefined ? implicitDefault(field.shape) : field.options.default,
        ]),
      )
    case 'primitive':
      return primitiveDefault(shape.type)
    default:
      return unreachable(shape)
  }
}

function primitiveDefault(type: Primitive): unknown {
  switch (type) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'uuid':
      return NO_UUID
    case 'bytes':
    case 'records':
      return EMPTY_BYTES
    default:
      return 0
  }
}

function shapeCodec(shape: Shape, version: number, flexible: boolean, nullable: boolean, path: string): ValueCodec {
  switch (shape.kind) {
    case 'primitive':
      return primitiveCodec(shape.type, flexible, nullable, path)
    case 'array':
      return arrayCodec(primitiveCodec(shape.element, flexible, false, path), 1, flexible, nullable, path)
    case 'structs':
      return arrayCodec(structCodec(shape.fields, version, flexible, path), structCost, flexible, nullable, path)
    case 'struct': {
      const inner = structCodec(shape.fields, version, flexible, path)
      return nullable ? nullableStructCodec(inner) : inner
    }
    default:
      return unreachable(shape)
  }
}

function nullableStructCodec(inner: ValueCodec): ValueCodec {
  return {
    read: (reader) => (reader.int8() < 0 ? null : inner.read(reader)),
    write(writer, value) {
      writer.int8(value === null ? -1 : 1)
      if (value !== null) inner.write(writer, value)
    },
  }
}

/** As a tagged field, a struct that may be null has a varint in front, and null is 0. */
function taggedNullableStructCodec(inner: ValueCodec): ValueCodec {
  return {
    read: (reader) => (reader.unsignedVarint() === 0 ? null : inner.read(reader)),
    write(writer, value) {
      writer.unsignedVarint(value === null ? 0 : 1)
      if (value !== null) inner.write(writer, value)
    },
  }
}

function arrayCodec(element: ValueCodec, cost: number, flexible: boolean, nullable: boolean, path: string): ValueCodec {
  return {
    read(reader) {
      const count = reader.count(flexible)
      if (count === null) return orMalformed(nullable, path)
      reader.spend(count, cost)
      const out: unknown[] = []
      for (let i = 0; i < count; i += 1) out.push(element.read(reader))
      return out
    },
    write(writer, value) {
      if (value === null) {
        orUnsayable(nullable, path)
        writer.count(-1, flexible)
        return
      }
      const items = value as readonly unknown[]
      writer.count(items.length, flexible)
      for (const item of items) element.write(writer, item)
    },
  }
}

function orMalformed(nullable: boolean, path: string): null {
  if (!nullable) throw new MalformedError(`${path} is null`)
  return null
}

function orUnsayable(nullable: boolean, path: string): void {
  if (!nullable) throw new UnsayableError(`${path} may not be null in this version`)
}

type Plain = 'bool' | 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float64' | 'uuid'

function primitiveCodec(type: Primitive, flexible: boolean, nullable: boolean, path: string): ValueCodec {
  switch (type) {
    case 'string':
      return {
        read: (reader) => reader.string(flexible) ?? orMalformed(nullable, path),
        write(writer, value) {
          if (value === null) orUnsayable(nullable, path)
          writer.string(value as string | null, flexible)
        },
      }
    case 'bytes':
    case 'records':
      return {
        read: (reader) => reader.byteString(flexible) ?? orMalformed(nullable, path),
        write(writer, value) {
          if (value === null) orUnsayable(nullable, path)
          writer.byteString(value as Buffer | readonly Buffer[] | null, flexible)
        },
      }
    default:
      return plainCodec(type)
  }
}

function plainCodec(type: Plain): ValueCodec {
  const read = Reader.prototype[type] as () => unknown
  const write = Writer.prototype[type] as (value: unknown) => void
  assert(typeof read === 'function' && typeof write === 'function', `no codec for ${type}`)
  return {
    read: (reader) => read.call(reader),
    write: (writer, value) => write.call(writer, value),
  }
}
