import { NO_UUID } from '../../base/units.ts'
import type { Prng } from '../../base/prng.ts'
import { type Field, type Fields, type Primitive, type Schema, type Shape, versions, within } from '../../protocol/schema.ts'

/** A message as encoding takes it, with any fields. */
export type AnyMessage = Readonly<Record<string, unknown>>

const stringBytesMax = 32_767
const TEXTS = [
  '',
  'a',
  'topic-1',
  'with space',
  'äöü€',
  '\u{1f600}\u{1f601}',
  '__proto__',
  '../x',
  '\u0000',
  'x'.repeat(127),
  'x'.repeat(128),
  'y'.repeat(300),
]

/**
 * A message that this version can say, with what hurts: extremes, empty and null where they may be, tagged fields there and not there,
 * and tags that nobody knows. Fields that the version lacks are left out.
 */
export function randomMessage(prng: Prng, schema: Schema, version: number): AnyMessage {
  return randomStruct(prng, schema.fields, version, within(schema.flexibleVersions, version))
}

function randomStruct(prng: Prng, fields: Fields, version: number, flexible: boolean): AnyMessage {
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    if (!within(versions(field.versions), version)) continue
    if (isTagged(field, version, flexible) && prng.chance(0.4)) continue
    out[name] = randomField(prng, field, version, flexible)
  }
  if (flexible && prng.chance(0.1)) out['unknownTags'] = randomTags(prng)
  return out
}

/** Whether the field travels as a tagged one. */
export function isTagged(field: Field<unknown>, version: number, flexible: boolean): boolean {
  return flexible && field.options.tag !== undefined && within(versions(field.options.tagged ?? field.versions), version)
}

function randomTags(prng: Prng): readonly { readonly tag: number; readonly bytes: Buffer }[] {
  const first = 1_000 + prng.below(10)
  return [first, first + 1 + prng.below(100_000)].map((tag) => ({ tag, bytes: randomBytes(prng, prng.below(20)) }))
}

function randomField(prng: Prng, field: Field<unknown>, version: number, flexible: boolean): unknown {
  const { nullable } = field.options
  if (nullable !== undefined && within(versions(nullable), version) && prng.chance(0.15)) return null
  return randomShape(prng, field.shape, version, flexible)
}

function randomShape(prng: Prng, shape: Shape, version: number, flexible: boolean): unknown {
  switch (shape.kind) {
    case 'primitive':
      return randomPrimitive(prng, shape.type)
    case 'array':
      return Array.from({ length: prng.below(4) }, () => randomPrimitive(prng, shape.element))
    case 'structs':
      return Array.from({ length: prng.below(4) }, () => randomStruct(prng, shape.fields, version, flexible))
    case 'struct':
      return randomStruct(prng, shape.fields, version, flexible)
  }
}

export function randomBytes(prng: Prng, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 1) bytes[i] = prng.below(256)
  return bytes
}

function randomPrimitive(prng: Prng, type: Primitive): unknown {
  switch (type) {
    case 'bool':
      return prng.chance(0.5)
    case 'int8':
      return randomInteger(prng, -(2 ** 7), 2 ** 7 - 1)
    case 'int16':
      return randomInteger(prng, -(2 ** 15), 2 ** 15 - 1)
    case 'uint16':
      return randomInteger(prng, 0, 2 ** 16 - 1)
    case 'int32':
      return randomInteger(prng, -(2 ** 31), 2 ** 31 - 1)
    case 'uint32':
      return randomInteger(prng, 0, 2 ** 32 - 1)
    case 'int64':
      return randomInt64(prng)
    case 'float64':
      return prng.pick([0, 1, -1, 0.1, 1e308, -1e-308, prng.fraction()])
    case 'uuid':
      return prng.chance(0.2) ? NO_UUID : prng.uuid()
    case 'string':
      return prng.chance(0.002) ? 'z'.repeat(stringBytesMax) : prng.pick(TEXTS)
    case 'bytes':
    case 'records':
      return randomBytes(prng, prng.pick([0, 1, 5, 126, 127, 128, 1_023, 1_024, 2_000]))
  }
}

function randomInteger(prng: Prng, least: number, most: number): number {
  return prng.chance(0.4) ? prng.pick([least, most, 0, 1, most - 1]) : prng.between(least, most)
}

/** Safe integers and the two ends of the range, which both travel unharmed. */
function randomInt64(prng: Prng): number {
  const spread = prng.uint32() * 2 ** prng.below(21)
  return prng.pick([0, -1, 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 63, -(2 ** 63), spread, -spread])
}
