// Every schema against Kafka's own definition of the same message (they lie in Kafka's jars): fields, order, types, versions, nullability,
// defaults, tags. And the table of APIs against the keys, listeners and versions that Kafka gives them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allSchemas, definitions, load, ourName, withoutDefinitions } from './schemas.mjs'

const skip = withoutDefinitions()
const { versions } = skip === false ? await load('protocol', 'schema.js') : {}
const primitives = new Set(['bool', 'int8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'float64', 'uuid', 'string', 'bytes', 'records'])

const range = (text) => (text === undefined || text === 'none' ? undefined : versions(text))

/** The shape of a field of a definition, in our words. */
function shapeOf(type, field, structs) {
  const isArray = type.startsWith('[]')
  const element = isArray ? type.slice(2) : type
  if (primitives.has(element)) return isArray ? { kind: 'array', element } : { kind: 'primitive', type: element }
  const fields = field.fields ?? structs.get(element)?.fields
  assert.ok(fields, `no fields for ${type}`)
  return { kind: isArray ? 'structs' : 'struct', fields }
}

function defaultOf(field, shape, nullable) {
  const text = field.default
  if (text === 'null' && nullable) return null
  if (shape.kind === 'array' || shape.kind === 'structs') return []
  if (shape.kind === 'struct') return 'struct'
  switch (shape.type) {
    case 'bool':
      return text === true || text === 'true'
    case 'string':
      return text ?? ''
    case 'uuid':
      return text ?? 'AAAAAAAAAAAAAAAAAAAAAA'
    case 'bytes':
    case 'records':
      return ''
    default:
      return text === undefined ? 0 : Number(text)
  }
}

function ourDefault(field) {
  const { default: given } = field.options
  if (given === null) return null
  const { kind, type } = field.shape
  if (kind === 'array' || kind === 'structs') return []
  if (kind === 'struct') return 'struct'
  if (given !== undefined) return given
  return type === 'bool' ? false : type === 'uuid' ? 'AAAAAAAAAAAAAAAAAAAAAA' : ['string', 'bytes', 'records'].includes(type) ? '' : 0
}

/** What of the field's versions matters: those that the message has. */
function clip(found, valid) {
  if (found === undefined || found.from > valid.to || found.to < valid.from) return undefined
  return { from: Math.max(found.from, valid.from), to: Math.min(found.to, valid.to) }
}

function compareFields(ours, theirs, structs, valid, path) {
  const relevant = theirs.filter((field) => clip(range(field.versions), valid) !== undefined)
  assert.deepEqual(
    Object.keys(ours),
    relevant.map((field) => ourName(field.name)),
    `fields of ${path}`,
  )
  for (const field of relevant) {
    const name = ourName(field.name)
    const at = `${path}.${name}`
    const our = ours[name]
    const shape = shapeOf(field.type, field, structs)
    const { fields: inner, ...flat } = shape
    const { fields: ourInner, ...ourFlat } = our.shape
    assert.deepEqual(ourFlat, flat, `type of ${at}`)
    const own = clip(range(field.versions), valid)
    assert.deepEqual(clip(range(our.versions), valid), own, `versions of ${at}`)
    assert.deepEqual(clip(range(our.options.nullable), own), clip(range(field.nullableVersions), own), `nullable versions of ${at}`)
    assert.deepEqual(ourDefault(our), defaultOf(field, shape, field.nullableVersions !== undefined), `default of ${at}`)
    assert.equal(our.options.tag, field.tag, `tag of ${at}`)
    const ourTagged = our.options.tag === undefined ? undefined : clip(range(our.options.tagged ?? our.versions), own)
    assert.deepEqual(ourTagged, clip(range(field.taggedVersions), own), `tagged versions of ${at}`)
    assert.equal(our.options.ignorable === true, field.ignorable === true || field.ignorable === 'true', `ignorable of ${at}`)
    assert.equal(our.options.flexible, field.flexibleVersions, `flexible versions of ${at}`)
    if (inner !== undefined) compareFields(ourInner, inner, structs, own, at)
  }
}

test("every schema says what Kafka's definition says", { skip }, async (context) => {
  const theirs = definitions()
  for (const { schema } of await allSchemas()) {
    await context.test(schema.name, () => {
      const definition = theirs.get(schema.name)
      assert.ok(definition, 'Kafka has no such message')
      assert.equal(schema.apiKey, definition.apiKey ?? -1)
      const valid = versions(definition.validVersions)
      assert.deepEqual(schema.validVersions, valid)
      const flexible = range(definition.flexibleVersions)
      assert.deepEqual(clip(schema.flexibleVersions, valid), clip(flexible, valid))
      const structs = new Map((definition.commonStructs ?? []).map((struct) => [struct.name, struct]))
      compareFields(schema.fields, definition.fields, structs, valid, schema.name)
    })
  }
})

test("the table of APIs has Kafka's keys, listeners and stable versions", { skip }, async () => {
  const { apis } = await load('protocol', 'apis.js')
  const theirs = definitions()
  for (const [name, api] of Object.entries(apis)) {
    const request = theirs.get(`${api.name}Request`)
    const response = theirs.get(`${api.name}Response`)
    assert.equal(name, ourName(api.name))
    assert.equal(api.key, request.apiKey, api.name)
    assert.equal(api.key, response.apiKey, api.name)
    assert.equal(api.request.name, request.name)
    assert.equal(api.response.name, response.name)
    assert.deepEqual(new Set(api.listeners), new Set(request.listeners), `listeners of ${api.name}`)
    const valid = versions(request.validVersions)
    assert.deepEqual(versions(response.validVersions), valid, api.name)
    assert.equal(api.versionMin, valid.from, api.name)
    assert.equal(api.versionMax, request.latestVersionUnstable === true ? valid.to - 1 : valid.to, api.name)
  }
})
