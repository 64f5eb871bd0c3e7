import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Prng } from '../../base/prng.ts'
import { randomBytes } from '../../sim/wire/random-message.ts'
import { MalformedError } from '../reader.ts'
import { canCompressZstd, CodecUnavailableError, compress, decompress, DecompressedTooLargeError } from './compression.ts'
import { xxh32, xxh64Low } from './xxhash.ts'
import { zstdDecode } from './zstd-decoder.ts'

const codecs = ['gzip', 'snappy', 'lz4', ...(canCompressZstd ? (['zstd'] as const) : [])] as const
const limit = 10_000_000

function inputs(): Buffer[] {
  const prng = new Prng(3)
  const lines = Array.from({ length: 4_000 }, (_, i) => `{"id":${i},"name":"user-${prng.below(50)}"}\n`).join('')
  return [
    Buffer.alloc(0),
    Buffer.from('a'),
    randomBytes(prng, 100),
    Buffer.alloc(70_000),
    Buffer.alloc(200_001, 'abc'),
    randomBytes(prng, 70_000),
    Buffer.from(lines),
  ]
}

for (const codec of codecs) {
  test(`${codec} gives back what was compressed`, () => {
    for (const input of inputs()) assert.deepEqual(decompress(codec, compress(codec, input), input.length), input)
  })

  test(`${codec} does not give more than is allowed`, () => {
    for (const input of inputs()) {
      if (input.length > 1) assert.throws(() => decompress(codec, compress(codec, input), input.length - 1), DecompressedTooLargeError)
    }
  })

  test(`${codec} that is cut off or bent ends in the one exception of the wire, or in some bytes`, () => {
    const prng = new Prng(4)
    const packed = compress(codec, Buffer.alloc(5_000, 'some text that repeats itself '))
    const attempts = Array.from({ length: packed.length }, (_, i) => packed.subarray(0, i))
    for (let i = 0; i < 2_000; i += 1) {
      const bent = Buffer.from(packed)
      for (let k = prng.below(3); k >= 0; k -= 1) bent[prng.below(bent.length)] = prng.below(256)
      attempts.push(bent)
    }
    for (const bytes of attempts) {
      try {
        assert.ok(decompress(codec, bytes, limit).length <= limit)
      } catch (error) {
        assert.ok(error instanceof MalformedError || error instanceof DecompressedTooLargeError, String(error))
      }
    }
  })
}

test('without compression the bytes are passed on', () => {
  const bytes = Buffer.from('x')
  assert.equal(decompress('none', bytes, 0), bytes)
  assert.equal(compress('none', bytes), bytes)
})

test('gzip members one after the other are one content', () => {
  assert.equal(decompress('gzip', Buffer.concat([gzipSync('ab'), gzipSync('cd')]), 10).toString(), 'abcd')
})

test("snappy is read as Java's stream, as streams one after the other, and as a bare block", () => {
  const stream = compress('snappy', Buffer.from('hello hello hello'))
  const bare = stream.subarray(20)
  assert.equal(decompress('snappy', bare, 100).toString(), 'hello hello hello')
  assert.equal(decompress('snappy', Buffer.concat([stream, stream]), 100).toString(), 'hello hello hellohello hello hello')
  assert.throws(() => decompress('snappy', Buffer.concat([stream, stream]), 33), DecompressedTooLargeError)
})

test('a snappy block that claims what it cannot hold is refused before memory is taken', () => {
  assert.throws(() => decompress('snappy', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]), 2 ** 32), MalformedError)
})

test('lz4 is written with the header that Kafka writes', () => {
  assert.equal(compress('lz4', Buffer.from('a')).subarray(0, 7).toString('hex'), '04224d18604082')
})

test('lz4 frames of dependent blocks, and wrong checksums, are refused', () => {
  const frame = compress('lz4', Buffer.from('some text'))
  const dependent = Buffer.from(frame)
  dependent[4] = 0x40
  assert.throws(() => decompress('lz4', dependent, 100), /dependent/)
  const wrong = Buffer.from(frame)
  wrong[6] = 0
  assert.throws(() => decompress('lz4', wrong, 100), /checksum/)
})

test('the checksums inside of frames are the published ones', () => {
  assert.equal(xxh32(Buffer.alloc(0)), 0x02cc5d05)
  assert.equal(xxh32(Buffer.from('abc')), 0x32d153ff)
  assert.equal(xxh64Low(Buffer.alloc(0)), 0x51d8e999)
  assert.equal(xxh64Low(Buffer.from('abc')), 0xad770999)
})

/** 400 lines of JSON, compressed by zstd-jni at level 19 with a content checksum. */
const ZSTD_BY_JAVA = Buffer.from(
  'KLUv/WRqPdUqACp31A0ZkKswHKsA+f9DPeT/g0xkSlKmlEhobsYrTuUA0ADSAPXGLrlMV98qYhaJqSYoUa5puAnydBEze8RdFePYLYP2GQ12KqQ/qoges/dCLPkmH5LQ6I7Sok2zKZpa56LFQ9NxZXPxGRRfdORnnYpIxVmyYaqKoqnWJPi2OiuG0FSHMwdZlr4oWpEtoti2ReUdF4/6SkXJ4YZyYdE/TU41IYy453lwvlUrJl/UTqstc4xpTB85DcVsfmrMm87ylmOcd04YDJFZPiHlS9UqvcTJW/x0x3zmcjVMo3jikUm4wIDCACkpA3iw0EABg4ShQIIBYYgAChYWNBgShoUDCggGhEgYBBAYHASdvoZqZhmzp9E0IkSr442JOMYzpZKOXGel/BB7aKJMp5jN8RIp+j9SETLh9JWG6VTOhtuQ7Y6YSL20QvibwS+ItYgYu5EwRlzrL/6eOiOkaA9zwnA9Zhqe8cg8bevZnEPCkoovqU9ZO/gVpdbak74mVc68sUPUlkiwLlV1yZDnZ9HDn9BESGOW0buUKMj6x1MbfQs64xKkGjPmQa0qekuamZvcVPHUWIeJFpaS725LlBKybEzDElkyEo7TXyt75EtZhMpCJFtYJk/kS9isU7QLNolQ1EKCwY0QmbeQOO984soUVPt4ynSCWMG5QuGpIc8QCRmlyRV+kVg0/6USkdJUxFt7s/DS2y6amhIPDcU+VTUVU6ag+EfhjC1RSnmKOWMqJc0SpW8s8dNNMVfQM1Xn0LYSMdEM7ZHvQmJurQxFTEU7K9UsjgXJkzMmXH+LLA1RalwtCrekDw4542566xWp6cQy9OzCyipqp3tBDfnJQhM6iL7bM+WWSu6QRDXvJtPVMtQqKV2bEGlQtGpeMndfx4tlq1lVYyoVVRJ3s5Jb1goJElWXSMKdOPSHVPcIW1rtxJ+M38ksJ4aWlTIPFqk0J0YRlVNSNe1OvVbkqU+npXteU1u4xiRvI6a2CO6kxuemEM1vFJWEWc8n9stW1BOkNaRC0sVdtBme5a3OGA3JDUeVJVGnVRF9L6w4q2hRpVmEgzXVbxmUkBES1qtifIV4rJmDqCzCD3Ve4kxmOb5wHCKXRYnhtIo1v5JHxE9DQ1RvzEOefC4yLHJsXrYmVmTwEx1rEu1GIXSwhlLxztrhOrn9NYYxIaKEfHPZHf37pvGBtKgxEIJ4/P5nkaJQJpA6HRJQIAggCEzhEDgYRLBCcM/++2+rWhep6Y+halR6iPi7UtGzkvz+LW8vRXDy+xru91//J1S+iz/6SPs1VNNKRTz0LJ/PGaq1H9ffQSrKqsjnzCwtPKyR34Br1ffbvPZjZY2QDEWVfaFqysb+4A7YMLfy/elTk6hUQhC4X+5q3a+KaoZT0hnDswf9IBNe/i5SkUA2bu+rfH9xBY+VxBV7aor+IXoQLn3/O5Vd+gVn/q4q0vFHHYqtv1HZcw5mgvP+mUcv/jiplkule/Y3oQKXkuC7fyRPHW5sp8QfUdXOEeWt78hKffyU9P1IQ5zIfxSn/hOVOq+J8HlGd4IVRDf+f/zT4I0NyVaIBMboHxwd7e/Z5VZFCYgQz/lH0Ojv9yf8x1RV40+ZfX9jKkIqCfjHmpk+l5zhVqLyB6xEVhy/fCmiIm4w9Ur8G1V4tiG3UXmiatXS19d34lTYho+eikILN6dBlUl1VWp57Gsu2SoiVJ1Gp9NCPIs1uipUlqorVhc4THWQsBIscNTjMDbQZTahAlgVlabyyPFpFyXlk8lXrmFLTw3+xnuBXCYwYDbH2VoFojKZJJP0t2NpTYolCVlCVv7K1khWyVw1nTJNpXybAZRVLlGxUA==',
  'base64',
)

function linesOfJava(): string {
  return Array.from({ length: 400 }, (_, i) => `{"id":${(i * 7919 * i) % 100_003},"name":"user-${i % 17}","ok":${i % 3 === 0}}\n`).join('')
}

test('zstd is decoded without help', () => {
  assert.equal(zstdDecode(ZSTD_BY_JAVA, limit).toString(), linesOfJava())
  assert.equal(zstdDecode(Buffer.concat([ZSTD_BY_JAVA, ZSTD_BY_JAVA]), limit).length, 2 * linesOfJava().length)
})

test('zstd skips skippable frames and reads raw and repeated blocks', () => {
  const skippable = Buffer.from('502a4d1803000000aabbcc', 'hex')
  // a frame of 7 bytes that says so: a raw block 'abcd', a repeated block 'xxx'
  const frame = Buffer.from('28b52ffd2007200000616263641b000078', 'hex')
  assert.equal(zstdDecode(Buffer.concat([skippable, frame, skippable]), 7).toString(), 'abcdxxx')
  assert.throws(() => zstdDecode(frame, 6), DecompressedTooLargeError)
})

test('zstd content that is not as its checksum says is refused', () => {
  const wrong = Buffer.from(ZSTD_BY_JAVA)
  wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1
  assert.throws(() => zstdDecode(wrong, limit), /checksum/)
})

test('zstd is held to the limit before and while it is decoded', () => {
  assert.throws(() => zstdDecode(ZSTD_BY_JAVA, linesOfJava().length - 1), DecompressedTooLargeError)
  assert.equal(zstdDecode(ZSTD_BY_JAVA, linesOfJava().length).length, linesOfJava().length)
  // 200 blocks of 128 KiB each, repeated: 800 bytes that claim 26 MB
  const header = Buffer.from('28b52ffd0058', 'hex')
  const block = Buffer.from([0x02, 0x00, 0x10, 0x61])
  const last = Buffer.from([0x03, 0x00, 0x10, 0x61])
  const bomb = Buffer.concat([header, ...Array.from({ length: 199 }, () => block), last])
  assert.throws(() => zstdDecode(bomb, limit), DecompressedTooLargeError)
  assert.equal(zstdDecode(bomb, 30_000_000).length, 200 * 131_072)
})

test('bent zstd ends in the one exception of the wire, or in some bytes', () => {
  const prng = new Prng(5)
  for (let i = 0; i < 3_000; i += 1) {
    const bent = Buffer.from(ZSTD_BY_JAVA)
    for (let k = prng.below(3); k >= 0; k -= 1) bent[prng.below(k === 0 ? 60 : bent.length)] = prng.below(256)
    try {
      assert.ok(zstdDecode(prng.chance(0.2) ? bent.subarray(0, prng.below(bent.length)) : bent, limit).length <= limit)
    } catch (error) {
      assert.ok(error instanceof MalformedError || error instanceof DecompressedTooLargeError, String(error))
    }
  }
})

test('a Node that cannot compress with zstd says so', () => {
  if (canCompressZstd) assert.equal(decompress('zstd', compress('zstd', Buffer.from('abc')), 3).toString(), 'abc')
  else assert.throws(() => compress('zstd', Buffer.from('abc')), CodecUnavailableError)
})
