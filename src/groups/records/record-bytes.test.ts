import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import { NO_UUID } from '../../base/units.ts'
import { encode } from '../../protocol/codec.ts'
import { MalformedError } from '../../protocol/reader.ts'
import type { Schema } from '../../protocol/schema.ts'
import { mutate } from '../../sim/wire/mutate.ts'
import { randomMessage } from '../../sim/wire/random-message.ts'
import { type GroupRecord, groupRecordTypes } from './fact.ts'
import { decodeGroupRecord, encodeGroupRecord } from './record-bytes.ts'

const topicId = 'VmG1Xq2yRg2k3sTnJw7ZQA'

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function keyBytes(schema: Schema, message: Record<string, unknown>): Buffer {
  return Buffer.concat([int16(schema.apiKey), encode(schema, 0, message)])
}

function valueBytes(schema: Schema, version: number, message: Record<string, unknown>): Buffer {
  return Buffer.concat([int16(version), encode(schema, version, message)])
}

interface Sample {
  readonly what: string
  readonly type: GroupRecord['type']
  readonly version: number
  readonly key: Buffer
  readonly value: Buffer
  readonly valueSchema: Schema
}

/** Records of all types in all versions of their values. */
function samples(prng: Prng, each: number): readonly Sample[] {
  const all: Sample[] = []
  for (const [name, { key, value }] of Object.entries(groupRecordTypes)) {
    const schema: Schema = value
    for (let version = schema.validVersions.from; version <= schema.validVersions.to; version += 1) {
      for (let i = 0; i < each; i += 1) {
        all.push({
          what: `${name} ${version}`,
          type: name as GroupRecord['type'],
          version,
          key: keyBytes(key, randomMessage(prng, key, 0)),
          value: valueBytes(value, version, randomMessage(prng, value, version)),
          valueSchema: schema,
        })
      }
    }
  }
  return all
}

function offset(expireTimestamp = -1): GroupRecord {
  return {
    type: 'offsetCommit',
    key: { group: 'g', topic: 't', partition: 7 },
    value: { offset: 2 ** 40, leaderEpoch: 3, metadata: 'm', commitTimestamp: 1_700_000_000_000, expireTimestamp, topicId },
  }
}

describe('records of groups', () => {
  test('every record of every type is read in every version of its value, and says the same when it is written again', () => {
    for (const { what, type, version, key, value, valueSchema } of samples(new Prng(1), 40)) {
      const record = decodeGroupRecord(key, value)
      assert.ok(record.type === type && record.value !== null, what)
      const { key: keySchema } = groupRecordTypes[type]
      assert.deepEqual(keyBytes(keySchema, record.key), key, what)
      assert.deepEqual(valueBytes(valueSchema, version, record.value), value, what)
    }
  })

  test('what this release writes it reads as it was', () => {
    for (const { what, type, key, value } of samples(new Prng(2), 40)) {
      const record = decodeGroupRecord(key, value)
      assert.ok(record.type === type, what)
      const written = encodeGroupRecord(record)
      const again = decodeGroupRecord(written.key, written.value)
      assert.ok(again.type === type, what)
      assert.deepEqual(encodeGroupRecord(again), written, what)
    }
  })

  test('an offset is written as version 4, and as version 1 when its commit named the time of its expiry', () => {
    assert.deepEqual(encodeGroupRecord(offset()).value?.subarray(0, 2), int16(4))
    assert.deepEqual(encodeGroupRecord(offset(5)).value?.subarray(0, 2), int16(1))
    const { key, value } = encodeGroupRecord(offset(5))
    const { type, value: read } = decodeGroupRecord(key, value) as GroupRecord & { readonly type: 'offsetCommit' }
    assert.equal(type, 'offsetCommit')
    assert.deepEqual(read, {
      offset: 2 ** 40,
      leaderEpoch: -1,
      metadata: 'm',
      commitTimestamp: 1_700_000_000_000,
      expireTimestamp: 5,
      topicId: NO_UUID,
    })
  })

  test('the bytes of an offset are those that Kafka 4.3 writes', () => {
    const { key, value } = encodeGroupRecord(offset())
    assert.equal(key.toString('hex'), '0001' + '000167' + '000174' + '00000007')
    const id = Buffer.from(topicId, 'base64url').toString('hex')
    assert.equal(value?.toString('hex'), '0004' + '0000010000000000' + '00000003' + '026d' + '0000018bcfe56800' + `010010${id}`)
  })

  test('a tombstone has a key and no value', () => {
    for (const { what, key, type } of samples(new Prng(3), 2)) {
      const record = decodeGroupRecord(key, null)
      assert.ok(record.type === type && record.value === null, what)
      assert.deepEqual(encodeGroupRecord(record), { key, value: null }, what)
    }
  })

  test('an offset whose key is of type 0, as before Kafka 0.9, is one', () => {
    const { key, value } = encodeGroupRecord(offset())
    const old = Buffer.concat([int16(0), key.subarray(2)])
    assert.deepEqual(decodeGroupRecord(old, value), decodeGroupRecord(key, value))
  })

  test('keys of other types are told by their type and not looked into', () => {
    for (const keyType of [4, 9, 10, 15, 17, 32_767, -1]) {
      assert.deepEqual(decodeGroupRecord(Buffer.concat([int16(keyType), Buffer.from('whatever')]), Buffer.from('x')), {
        type: 'unknown',
        keyType,
      })
    }
  })

  test('a value in a version that is not known is malformed, and so are bytes too few or too many', () => {
    const { key, value } = encodeGroupRecord(offset())
    assert.ok(value !== null)
    const malformed = (badKey: Buffer | null, badValue: Buffer | null): void => {
      assert.throws(() => decodeGroupRecord(badKey, badValue), MalformedError)
    }
    malformed(null, value)
    malformed(Buffer.alloc(0), value)
    malformed(Buffer.from([0]), value)
    malformed(key.subarray(0, -1), value)
    malformed(Buffer.concat([key, Buffer.from([0])]), value)
    malformed(key, Buffer.alloc(0))
    malformed(key, Buffer.from([0]))
    malformed(key, Buffer.concat([int16(5), value.subarray(2)]))
    malformed(key, Buffer.concat([int16(-1), value.subarray(2)]))
    malformed(key, value.subarray(0, -1))
    malformed(key, Buffer.concat([value, Buffer.from([0])]))
  })

  test('bent bytes are read or malformed, and nothing else', () => {
    const prng = new Prng(4)
    const sound = samples(prng, 20)
    let read = 0
    let malformed = 0
    for (let i = 0; i < 20_000; i += 1) {
      const one = prng.pick(sound)
      const other = prng.pick(sound)
      const key = prng.chance(0.3) ? mutate(prng, one.key, other.key) : one.key
      const value = prng.chance(0.9) ? mutate(prng, one.value, other.value) : one.value
      try {
        const record = decodeGroupRecord(key, value)
        if (record.type !== 'unknown') encodeGroupRecord(record)
        read += 1
      } catch (error) {
        assert.ok(error instanceof MalformedError, `${one.what}: ${String(error)}`)
        malformed += 1
      }
    }
    assert.ok(read > 2_000 && malformed > 2_000, `${read} read, ${malformed} malformed`)
  })
})
