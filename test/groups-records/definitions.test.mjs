// Every schema of a record of __consumer_offsets against Kafka's own definition of it (it lies in Kafka's jar): both are brought into one form, which
// says of each field its type, versions, nullability, default, tag and ignorability, and the forms have to be equal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, ourName } from '../wire/schemas.mjs'
import { definitions, recordTypes, withoutGroupCoordinator } from './schemas.mjs'

const skip = withoutGroupCoordinator()
const { versions } = skip === false ? await load('protocol', 'schema.js') : {}
const primitives = new Set(['int8', 'int16', 'int32', 'int64', 'uuid', 'string', 'bytes'])
const implicitDefaults = { string: '', bytes: '', uuid: 'AAAAAAAAAAAAAAAAAAAAAA' }

/** The versions that a message has of those a text names; null: none. */
function clipped(text, valid) {
  if (text === undefined || text === 'none') return null
  const { from, to } = versions(text)
  if (from > valid.to || to < valid.from) return null
  return { from: Math.max(from, valid.from), to: Math.min(to, valid.to) }
}

/** A default as text; 'empty' for arrays and structs. `given` undefined: the implicit one. */
function defaultText(given, type) {
  if (given === null) return 'null'
  if (!primitives.has(type)) return 'empty'
  return String(given ?? implicitDefaults[type] ?? 0)
}

/** Kafka's generator knows null by its name as text only: a definition with a bare null there (two of these have it) has the implicit default. */
const defaultOf = ({ default: given }) => (given === 'null' ? null : (given ?? undefined))

function formOfOurs(fields, valid) {
  return Object.entries(fields).map(([name, { shape, versions: at, options }]) => {
    const isArray = shape.kind === 'array' || shape.kind === 'structs'
    const type = shape.type ?? shape.element ?? 'struct'
    const own = clipped(at, valid)
    return {
      name,
      type,
      isArray,
      versions: own,
      nullable: clipped(options.nullable, own),
      default: defaultText(options.default, isArray ? 'array' : type),
      tag: options.tag ?? null,
      tagged: options.tag === undefined ? null : clipped(options.tagged ?? at, own),
      ignorable: options.ignorable === true,
      fields: shape.fields === undefined ? null : formOfOurs(shape.fields, own),
    }
  })
}

function formOfTheirs(fields, structs, valid) {
  return fields.map((field) => {
    const isArray = field.type.startsWith('[]')
    const element = isArray ? field.type.slice(2) : field.type
    const type = primitives.has(element) ? element : 'struct'
    const own = clipped(field.versions, valid)
    const inner = type === 'struct' ? (field.fields ?? structs.get(element)) : null
    return {
      name: ourName(field.name),
      type,
      isArray,
      versions: own,
      nullable: clipped(field.nullableVersions, own),
      default: defaultText(defaultOf(field), isArray ? 'array' : type),
      tag: field.tag ?? null,
      tagged: clipped(field.taggedVersions, own),
      ignorable: field.ignorable === true || field.ignorable === 'true',
      fields: inner === null ? null : formOfTheirs(inner, structs, own),
    }
  })
}

test("every record of a group says what Kafka's definition says", { skip }, async (context) => {
  const theirs = definitions()
  for (const { type, key, value } of await recordTypes()) {
    for (const [schema, kind] of [
      [key, 'coordinator-key'],
      [value, 'coordinator-value'],
    ]) {
      await context.test(`${type}: ${schema.name}`, () => {
        const definition = theirs.get(schema.name)
        assert.ok(definition, 'Kafka has no such record')
        assert.equal(definition.type, kind)
        assert.equal(schema.apiKey, definition.apiKey)
        const valid = versions(definition.validVersions)
        assert.deepEqual(schema.validVersions, valid)
        assert.deepEqual(
          schema.flexibleVersions ?? null,
          definition.flexibleVersions === 'none' ? null : versions(definition.flexibleVersions),
        )
        const structs = new Map((definition.commonStructs ?? []).map(({ name, fields }) => [name, fields]))
        assert.deepEqual(formOfOurs(schema.fields, valid), formOfTheirs(definition.fields, structs, valid))
      })
    }
  }
})

test(
  'the records that are left out are those of share and streams groups, and two that Kafka itself does not write any more',
  { skip },
  async () => {
    const ours = new Set((await recordTypes()).map(({ key }) => key.name))
    const keys = [...definitions().values()].filter(({ type }) => type === 'coordinator-key').map(({ name }) => name)
    const left = keys.filter((name) => !ours.has(name) && !/^(Share|Streams)Group/.test(name))
    assert.deepEqual(new Set(left), new Set(['ConsumerGroupPartitionMetadataKey', 'LegacyOffsetCommitKey']))
  },
)
