// The bytes of every record of __consumer_offsets in every version, ours against those of Kafka's generated classes and of its serde, both ways.
// Records are drawn from a seed (WIRE_SEED=n for another one).
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { without } from '../rig/peers.mjs'
import { runJava } from '../wire/java.mjs'
import { load } from '../wire/schemas.mjs'
import { javaClass, recordTypes, withoutGroupCoordinator } from './schemas.mjs'

const seed = Number(process.env.WIRE_SEED ?? 1)
const samplesEach = 25
const skip = without('java') || withoutGroupCoordinator()

const int16 = (value) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

const hasUnknownTags = (value) =>
  value !== null &&
  typeof value === 'object' &&
  !Buffer.isBuffer(value) &&
  ('unknownTags' in value || Object.values(value).some(hasUnknownTags))

/** As Kafka's JsonConverter classes want it; numbers of int64 between marks, as JSON.stringify cannot print them all. */
function json(value) {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(json)
  if (typeof value === 'number') return `#${value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value)}#`
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, json(inner)]))
}
const jsonText = (value) => JSON.stringify(json(value)).replace(/"#(-?\d+)#"/g, '$1')

describe('bytes of the records of groups', { skip }, () => {
  /** Single messages: of keys and of values. */
  const messages = []
  /** Whole records. */
  const records = []

  before(async () => {
    const { encode } = await load('protocol', 'codec.js')
    const { Prng } = await load('base', 'prng.js')
    const { randomMessage } = await load('sim', 'wire', 'random-message.js')
    const { decodeGroupRecord, encodeGroupRecord } = await load('groups', 'records', 'record-bytes.js')
    const prng = new Prng(seed)
    const draw = (schema, version) => {
      const message = randomMessage(prng, schema, version)
      const bytes = encode(schema, version, message)
      const line = [javaClass(schema), version, bytes.toString('hex'), hasUnknownTags(message) ? '-' : jsonText(message)].join('\t')
      messages.push({ what: `${schema.name} version ${version}`, hex: bytes.toString('hex'), line, said: !hasUnknownTags(message) })
      return bytes
    }
    for (const { type, key, value } of await recordTypes()) {
      for (let version = value.validVersions.from; version <= value.validVersions.to; version += 1) {
        for (let i = 0; i < samplesEach; i += 1) {
          const keyBytes = Buffer.concat([int16(key.apiKey), draw(key, 0)])
          const valueBytes = i === 0 ? null : Buffer.concat([int16(version), draw(value, version)])
          const what = `${type} version ${version}`
          records.push({ what, keyName: key.name, key: keyBytes, value: valueBytes })
          // The same record in the version that we write
          const written = encodeGroupRecord(decodeGroupRecord(keyBytes, valueBytes))
          records.push({ what: `${what}, written anew`, keyName: key.name, key: written.key, value: written.value })
        }
      }
    }
    const ask = (program, asked) => {
      const answers = runJava(
        program,
        [],
        asked.map((it) => it.line),
      )
      assert.equal(answers.length, asked.length)
      answers.forEach((answer, i) => (asked[i].answer = answer))
    }
    for (const record of records) record.line = `${record.key.toString('hex')}\t${record.value?.toString('hex') ?? '-'}`
    ask('JsonBytes', messages)
    ask('RecordSerde', records)
  })

  test("Kafka's classes write the same bytes for the same message", () => {
    const compared = messages.filter((it) => it.said)
    assert.ok(compared.length > 500)
    for (const { what, hex, answer, line } of compared) {
      assert.ok(!answer.startsWith('!'), `${what}: ${answer} for ${line}`)
      assert.equal(hex, answer.split('\t')[0], `${what}: ${line}`)
    }
  })

  test("Kafka's classes read our bytes and write them again as they were, unknown tags included", () => {
    for (const { what, hex, answer } of messages) {
      assert.ok(!answer.startsWith('!'), `${what}: ${answer}`)
      assert.equal(answer.split('\t')[1], hex, what)
    }
  })

  test("Kafka's serde reads our records, tombstones too, and writes them again as they were", () => {
    for (const { what, keyName, key, value, answer } of records) {
      assert.ok(!answer.startsWith('!'), `${what}: ${answer}`)
      const [name, version, keyHex, valueHex] = answer.split('\t')
      assert.equal(name, keyName, what)
      assert.equal(version, value === null ? '-' : String(value.readInt16BE(0)), what)
      assert.equal(keyHex, key.toString('hex'), what)
      assert.equal(valueHex, value?.toString('hex') ?? '-', what)
    }
  })
})
