// The bytes of every message in every version, ours against those of Kafka's generated classes, both ways: what Kafka writes for the same JSON is
// what we write, and what Kafka reads from our bytes it writes again as it was. Messages are drawn from a seed (WIRE_SEED=n for another one).
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { without } from '../rig/peers.mjs'
import { runJava } from './java.mjs'
import { allSchemas, load } from './schemas.mjs'

const seed = Number(process.env.WIRE_SEED ?? 1)
const samplesEach = 6
const skip = without('java')

/** As Kafka's JsonConverter classes want it. Unknown tags have no JSON. */
function jsonStruct(fields, value) {
  const out = {}
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name]
    if (given !== undefined) out[name] = given === null ? null : jsonShape(field.shape, given)
  }
  return out
}

function jsonShape(shape, value) {
  switch (shape.kind) {
    case 'array':
      return value.map((item) => jsonPrimitive(shape.element, item))
    case 'structs':
      return value.map((item) => jsonStruct(shape.fields, item))
    case 'struct':
      return jsonStruct(shape.fields, value)
    default:
      return jsonPrimitive(shape.type, value)
  }
}

function jsonPrimitive(type, value) {
  if (type === 'int64') return `#${value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value)}#`
  if (type === 'float64') return `#${Number.isInteger(value) && Math.abs(value) < 1e15 ? value.toFixed(1) : value}#`
  return type === 'bytes' || type === 'records' ? value.toString('base64') : value
}

/** Numbers that JavaScript cannot print as Kafka wants them go through JSON.stringify between marks. */
const jsonText = (value) => JSON.stringify(value).replace(/"#([-+.e\d]+)#"/g, '$1')

const hasUnknownTags = (value) =>
  value !== null &&
  typeof value === 'object' &&
  !Buffer.isBuffer(value) &&
  ('unknownTags' in value || Object.values(value).some(hasUnknownTags))

describe('bytes on the wire', { skip }, () => {
  const cases = []
  before(async () => {
    const { encode } = await load('protocol', 'codec.js')
    const { Prng } = await load('base', 'prng.js')
    const { randomMessage } = await load('sim', 'wire', 'random-message.js')
    const prng = new Prng(seed)
    for (const { schema, javaClass } of await allSchemas()) {
      for (let version = schema.validVersions.from; version <= schema.validVersions.to; version += 1) {
        for (let i = 0; i < samplesEach; i += 1) {
          const value = randomMessage(prng, schema, version)
          const hex = encode(schema, version, value).toString('hex')
          const json = hasUnknownTags(value) ? '-' : jsonText(jsonStruct(schema.fields, value))
          cases.push({
            what: `${schema.name} version ${version}`,
            name: schema.name,
            hex,
            json,
            line: [javaClass, version, hex, json].join('\t'),
          })
        }
      }
    }
    const answers = runJava(
      'JsonBytes',
      [],
      cases.map((it) => it.line),
    )
    assert.equal(answers.length, cases.length)
    answers.forEach((answer, i) => (cases[i].answer = answer))
  })

  test("Kafka's classes write the same bytes for the same message", () => {
    const compared = cases.filter((it) => it.json !== '-')
    assert.ok(compared.length > 1000)
    for (const { what, hex, json, answer } of compared) {
      assert.ok(!answer.startsWith('!'), `${what}: ${answer} for ${json.slice(0, 1000)}`)
      assert.equal(hex, answer.split('\t')[0], `${what}: ${json.slice(0, 1000)}`)
    }
  })

  test("Kafka's classes read our bytes and write them again as they were, unknown tags included", () => {
    for (const { what, hex, answer } of cases) {
      assert.ok(!answer.startsWith('!'), `${what}: ${answer}`)
      assert.equal(answer.split('\t')[1], hex, what)
    }
  })
})
