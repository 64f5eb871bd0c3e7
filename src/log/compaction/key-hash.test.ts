import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyHash } from './key-hash.ts'

function hashOf(length: number): string {
  const secret = Buffer.from(Array.from({ length: 16 }, (_, i) => i))
  const bytes = Buffer.from(Array.from({ length: length + 3 }, (_, i) => i - 3))
  const hash = new KeyHash(secret)
  hash.of(Buffer.from('another key before'), 0, 18)
  hash.of(bytes, 3, length)
  const out = Buffer.alloc(16)
  for (const [i, word] of hash.words.entries()) out.writeUInt32LE(word, i * 4)
  return out.toString('hex')
}

test("the hash of a key is SipHash-2-4-128, by its authors' vectors", () => {
  assert.equal(hashOf(0), 'a3817f04ba25a8e66df67214c7550293')
  assert.equal(hashOf(1), 'da87c1d86b99af44347659119b22fc45')
  assert.equal(hashOf(7), 'a1f1ebbed8dbc153c0b84aa61ff08239')
  assert.equal(hashOf(8), '3b62a9ba6258f5610f83e264f31497b4')
  assert.equal(hashOf(15), '5493e99933b0a8117e08ec0f97cfc3d9')
  assert.equal(hashOf(40), 'df6a301e95c95dad97ae0cc8c6913bd8')
})
