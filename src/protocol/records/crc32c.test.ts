import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import { randomBytes } from '../../sim/wire/random-message.ts'
import { crc32c, crc32cInScript } from './crc32c.ts'

test('the checksum of the standard check input is the published one', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32cInScript(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(Buffer.alloc(0)), 0)
})

test('native code and script agree for every length, and a checksum can be continued', () => {
  const prng = new Prng(1)
  for (let length = 0; length < 300; length += 1) {
    const bytes = randomBytes(prng, length)
    const cut = prng.between(0, length)
    assert.equal(crc32c(bytes), crc32cInScript(bytes))
    assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), crc32c(bytes))
    assert.equal(crc32cInScript(bytes.subarray(cut), crc32cInScript(bytes.subarray(0, cut))), crc32c(bytes))
  }
})
