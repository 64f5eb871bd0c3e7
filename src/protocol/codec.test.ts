import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { NO_UUID } from '../base/units.ts'
import { isTagged, randomMessage } from '../sim/wire/random-message.ts'
import { apis } from './apis.ts'
import { codec, decode, encode, UnsayableError } from './codec.ts'
import { requestHeader, responseHeader } from './messages/header.ts'
import { metadataRequest, metadataResponse } from './messages/metadata.ts'
import { leaderChangeMessage, votersRecord } from './messages/control-records.ts'
import { defaultPrincipalData } from './messages/default-principal-data.ts'
import { produceRequest } from './messages/produce.ts'
import { elementsMax, MalformedError, structCost } from './reader.ts'
import {
  array,
  type Fields,
  int16,
  int32,
  int64,
  message,
  type Schema,
  type Shape,
  string,
  struct,
  structs,
  versions,
  within,
} from './schema.ts'

const schemas: readonly Schema[] = [
  ...Object.values(apis).flatMap((api): Schema[] => [api.request, api.response]),
  requestHeader,
  responseHeader,
  leaderChangeMessage,
  votersRecord,
  defaultPrincipalData,
]

/** That what was decoded is what was given, and defaults elsewhere. */
function agrees(
  fields: Fields,
  version: number,
  flexible: boolean,
  given: Record<string, unknown>,
  got: Record<string, unknown>,
  path: string,
): void {
  for (const [name, field] of Object.entries(fields)) {
    assert.ok(name in got, `${path}.${name} is not there`)
    if (given[name] === undefined) {
      assert.ok(!within(versions(field.versions), version) || isTagged(field, version, flexible), `${path}.${name} was not given`)
      continue
    }
    agreesValue(field.shape, version, flexible, given[name], got[name], `${path}.${name}`)
  }
  assert.deepEqual(got['unknownTags'], given['unknownTags'], `unknown tags of ${path}`)
}

function agreesValue(shape: Shape, version: number, flexible: boolean, given: unknown, got: unknown, path: string): void {
  if (given === null || (shape.kind !== 'structs' && shape.kind !== 'struct')) {
    assert.deepEqual(got, given, path)
    return
  }
  const givenItems = (shape.kind === 'struct' ? [given] : given) as Record<string, unknown>[]
  const gotItems = (shape.kind === 'struct' ? [got] : got) as Record<string, unknown>[]
  assert.equal(gotItems.length, givenItems.length, path)
  givenItems.forEach((item, i) => agrees(shape.fields, version, flexible, item, gotItems[i] ?? {}, path))
}

test('every message comes back as it was sent, in every version', () => {
  const prng = new Prng(11)
  for (const schema of schemas) {
    for (let version = schema.validVersions.from; version <= schema.validVersions.to; version += 1) {
      for (let i = 0; i < 5; i += 1) {
        const given = randomMessage(prng, schema, version)
        const bytes = encode(schema, version, given)
        const got = decode(schema, version, bytes)
        const flexible = within(schema.flexibleVersions, version)
        agrees(schema.fields, version, flexible, given, got, `${schema.name} v${version}`)
        assert.deepEqual(encode(schema, version, got), bytes)
      }
    }
  }
})

test('no message can be cut short, nor have a byte more', () => {
  const prng = new Prng(12)
  for (const schema of schemas) {
    for (const version of [schema.validVersions.from, schema.validVersions.to]) {
      const bytes = encode(schema, version, randomMessage(prng, schema, version))
      if (bytes.length > 0) assert.throws(() => decode(schema, version, bytes.subarray(0, prng.below(bytes.length))), MalformedError)
      assert.throws(() => decode(schema, version, Buffer.concat([bytes, Buffer.alloc(1)])), MalformedError)
    }
  }
})

const inner = { id: int32('0+'), name: string('0+', { default: 'x' }) }
const sample = message(
  'Sample',
  -1,
  { versions: '0-3', flexible: '2+' },
  {
    plain: int16('0+'),
    later: int64('1+', { default: -1 }),
    dropped: string('1+', { ignorable: true }),
    tagged: int32('2+', { default: 7, tag: 0 }),
    list: array('2+', 'int32', { tag: 1 }),
    nested: struct('2+', inner, { tag: 3 }),
    maybe: struct('3+', inner, { nullable: '3+', default: null }),
  },
)

test('a field that the version lacks is read as its default, and said only if it is that or may be dropped', () => {
  const got = decode(sample, 0, encode(sample, 0, { plain: 5, dropped: 'gone', later: -1 }))
  assert.deepEqual(got, { plain: 5, later: -1, dropped: '', tagged: 7, list: [], nested: { id: 0, name: 'x' }, maybe: null })
  assert.throws(() => encode(sample, 0, { plain: 5, later: 0 }), UnsayableError)
  assert.throws(() => encode(sample, 1, { plain: 5, later: 0, tagged: 8 }), UnsayableError)
  assert.throws(() => encode(sample, 1, { plain: 5, later: 0, nested: { id: 1 } }), UnsayableError)
})

test('tagged fields travel only when they are not their default', () => {
  const quiet = encode(sample, 2, { plain: 1, tagged: 7, list: [], nested: { id: 0, name: 'x' } })
  assert.equal(quiet.toString('hex'), '0001ffffffffffffffff0100')
  const loud = encode(sample, 2, { plain: 1, tagged: 8, list: [1], nested: { id: 2 } })
  assert.equal(loud.toString('hex'), '0001ffffffffffffffff01' + '03' + '000400000008' + '01050200000001' + '0307000000020278' + '00')
  assert.deepEqual(decode(sample, 2, loud).nested, { id: 2, name: 'x' })
})

test('a struct that may be null has a byte that says so', () => {
  assert.equal(decode(sample, 3, encode(sample, 3, { plain: 1, maybe: null })).maybe, null)
  assert.deepEqual(decode(sample, 3, encode(sample, 3, { plain: 1, maybe: { id: 3 } })).maybe, { id: 3, name: 'x' })
})

test('tags come in rising order, are as long as they say, and unknown ones are kept', () => {
  const start = '0001ffffffffffffffff01'
  const read = (tags: string) => decode(sample, 2, Buffer.from(start + tags, 'hex'))
  assert.deepEqual(read('0209020102' + '0a00').unknownTags, [
    { tag: 9, bytes: Buffer.from([1, 2]) },
    { tag: 10, bytes: Buffer.alloc(0) },
  ])
  assert.throws(() => read('020900' + '0900'), MalformedError)
  assert.throws(() => read('020900' + '0800'), MalformedError)
  assert.throws(() => read('01000500000008ff'), MalformedError)
  assert.throws(() => read('010003000008'), MalformedError)
  const kept = encode(sample, 2, { ...read('0109020102'), tagged: 8 })
  assert.equal(kept.toString('hex'), start + '02' + '000400000008' + '09020102')
})

test('null where none may be is an error on both sides', () => {
  assert.throws(() => decode(metadataRequest, 0, Buffer.from('ffffffff', 'hex')), MalformedError)
  assert.equal(decode(metadataRequest, 1, Buffer.from('ffffffff', 'hex')).topics, null)
  assert.throws(() => encode(metadataRequest, 0, { topics: null }), UnsayableError)
})

test('a count is held against the bytes that are there before anything is made of it', () => {
  assert.throws(() => decode(metadataRequest, 1, Buffer.from('7fffffff00', 'hex')), MalformedError)
  assert.throws(() => decode(metadataRequest, 1, Buffer.from('fffffffe', 'hex')), MalformedError)
  assert.throws(() => decode(metadataRequest, 9, Buffer.from('ffffffff0f00', 'hex')), MalformedError)
})

test('a message of very many tiny structs is refused before they are made', () => {
  const tiny = message('Tiny', -1, { versions: '0', flexible: 'none' }, { items: structs('0+', { name: string('0+') }) })
  const count = elementsMax / structCost + 1
  const bytes = Buffer.alloc(4 + 2 * count)
  bytes.writeInt32BE(count)
  assert.throws(() => decode(tiny, 0, bytes), /more than/)
})

test('large record batches are passed by reference', () => {
  const batch = Buffer.alloc(10_000, 7)
  const bytes = encode(produceRequest, 9, {
    acks: 1,
    timeoutMs: 1,
    topicData: [{ name: 't', partitionData: [{ index: 0, records: [batch.subarray(0, 5_000), batch.subarray(5_000)] }] }],
  })
  assert.deepEqual(decode(produceRequest, 9, bytes).topicData[0]?.partitionData[0]?.records, batch)
})

test('an answer of many parts is put together in order', () => {
  const brokers = Array.from({ length: 2_000 }, (_, nodeId) => ({ nodeId, host: `host-${nodeId}`, port: 9092 }))
  const got = decode(metadataResponse, 12, encode(metadataResponse, 12, { brokers, topics: [] }))
  assert.deepEqual(
    got.brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
    brokers,
  )
})

test('null of a tagged struct is said when it is not the default, and is 0 there instead of -1', () => {
  const fields = { maybe: struct('0+', { a: int16('0+') }, { nullable: '0+', tag: 0 }) }
  const tagged = message('Tagged', 0, { versions: '0', flexible: '0+' }, fields)
  for (const [value, hex] of [
    [{ maybe: null }, '01000100'],
    [{ maybe: { a: 7 } }, '01000401000700'],
    [{ maybe: { a: 0 } }, '00'],
  ] as const) {
    assert.equal(encode(tagged, 0, value).toString('hex'), hex)
    assert.deepEqual(decode(tagged, 0, Buffer.from(hex, 'hex')), value)
  }
})

test('a version that a schema does not have is a bug of the caller', () => {
  assert.throws(() => codec(produceRequest, 2), RangeError)
  assert.throws(() => codec(produceRequest, 14), RangeError)
  assert.equal(NO_UUID.length, 22)
})
