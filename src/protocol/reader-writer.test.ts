import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { MalformedError, Reader } from './reader.ts'
import { stringBytesMax, UnsayableError, Writer } from './writer.ts'

const written = (write: (writer: Writer) => void): Buffer => {
  const writer = new Writer()
  write(writer)
  return writer.toBuffer()
}

test('unsigned varints are those of LEB128', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 28, '8080808001'],
    [2 ** 32 - 1, 'ffffffff0f'],
  ]
  for (const [value, hex] of cases) {
    assert.equal(written((it) => it.unsignedVarint(value)).toString('hex'), hex)
    assert.equal(new Reader(Buffer.from(hex, 'hex')).unsignedVarint(), value)
  }
})

test('varints longer than they need be are read, as Kafka does; varints of more bits are not', () => {
  assert.equal(new Reader(Buffer.from('8000', 'hex')).unsignedVarint(), 0)
  assert.throws(() => new Reader(Buffer.from('ffffffff1f', 'hex')).unsignedVarint(), MalformedError)
  assert.throws(() => new Reader(Buffer.from('808080808000', 'hex')).unsignedVarint(), MalformedError)
  assert.throws(() => new Reader(Buffer.from('80', 'hex')).unsignedVarint(), MalformedError)
  assert.throws(() => new Reader(Buffer.from('8080808080808080808000', 'hex')).varlong(), MalformedError)
})

test('zig-zag varints and varlongs come back', () => {
  const prng = new Prng(1)
  const ints = [0, -1, 1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31), ...Array.from({ length: 200 }, () => prng.uint32() - 2 ** 31)]
  for (const value of ints) {
    const bytes = written((it) => it.varint(value))
    assert.equal(new Reader(bytes).varint(), value)
    assert.deepEqual(
      written((it) => it.varlong(value)),
      bytes,
    )
  }
  const longs = [
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53 - 1,
    -(2 ** 53) + 1,
    2 ** 52,
    ...Array.from({ length: 200 }, () => (prng.uint32() - 2 ** 31) * prng.below(2 ** 20)),
  ]
  for (const value of longs) assert.equal(new Reader(written((it) => it.varlong(value))).varlong(), value + 0)
})

test('the ends of int64 travel', () => {
  for (const [value, hex] of [
    [2 ** 63, '7fffffffffffffff'],
    [-(2 ** 63), '8000000000000000'],
    [-1, 'ffffffffffffffff'],
    [2 ** 53 - 1, '001fffffffffffff'],
    [-(2 ** 53) + 1, 'ffe0000000000001'],
  ] as const) {
    const bytes = written((it) => it.int64(value))
    assert.equal(bytes.toString('hex'), hex)
    assert.equal(new Reader(bytes).int64(), value)
  }
})

test('a writer that grows keeps every byte where it belongs', () => {
  const prng = new Prng(2)
  for (let round = 0; round < 50; round += 1) {
    const writer = new Writer(prng.between(1, 40))
    const expected: Buffer[] = []
    for (let i = 0; i < 300; i += 1) {
      const piece = Buffer.alloc(prng.pick([0, 1, 2, 4, 8, 100, 1_023, 1_024, 3_000]), i)
      const before = writer.size
      if (piece.length === 1) writer.uint8(i % 256)
      else if (piece.length === 4) writer.int32(piece.readInt32BE())
      else if (piece.length === 8) writer.float64(piece.readDoubleBE())
      else writer.raw(piece)
      expected.push(piece)
      assert.equal(writer.size - before, piece.length)
    }
    assert.deepEqual(Buffer.concat(writer.finish()), Buffer.concat(expected))
  }
})

test('nothing is read past the end of the part that is given', () => {
  const bytes = Buffer.alloc(20, 1)
  for (const read of [
    (it: Reader) => it.int8(),
    (it: Reader) => it.bool(),
    (it: Reader) => it.int16(),
    (it: Reader) => it.int32(),
    (it: Reader) => it.int64(),
    (it: Reader) => it.float64(),
    (it: Reader) => it.uuid(),
    (it: Reader) => it.unsignedVarint(),
    (it: Reader) => it.slice(1),
    (it: Reader) => it.text(1),
  ]) {
    assert.throws(() => read(new Reader(bytes, 5, 5)), MalformedError)
  }
})

test('a string of more than an int16 says is refused in flexible versions too', () => {
  const bytes = Buffer.concat([written((it) => it.unsignedVarint(40_001)), Buffer.alloc(40_000)])
  assert.throws(() => new Reader(bytes).string(true), MalformedError)
  assert.throws(() => new Reader(Buffer.from('fffe', 'hex')).string(false), MalformedError)
  assert.equal(new Reader(Buffer.from('ffff', 'hex')).string(false), null)
  assert.equal(new Reader(Buffer.from('00', 'hex')).string(true), null)
})

test('a string that was read can be written again, also when its bytes were not UTF-8', () => {
  const text = new Reader(Buffer.concat([Buffer.from('2aaa', 'hex'), Buffer.alloc(0x2aaa, 0xff)])).string(false)
  assert.equal(written((it) => it.string(text, false)).length, 2 + 3 * 0x2aaa)
  assert.throws(() => new Reader(Buffer.concat([Buffer.from('2aab', 'hex'), Buffer.alloc(0x2aab, 0xff)])).string(false), MalformedError)
  assert.throws(() => written((it) => it.string('x'.repeat(stringBytesMax + 1), false)), UnsayableError)
})
