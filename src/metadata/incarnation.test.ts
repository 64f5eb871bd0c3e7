import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { incarnationAfter, isSameLineage } from './incarnation.ts'

const boot = '5b2d2b9e-1f55-4d0c-8a44-0d5e7e0f9f01'
const prng = new Prng(1)

test('two processes that go on from the same state in one run of the machine are of one lineage, and different incarnations', () => {
  const [one, other] = [incarnationAfter(boot, 12, prng.uuid()), incarnationAfter(boot, 12, prng.uuid())]
  assert.equal(one.length, 22)
  assert.notEqual(one, other)
  assert.ok(isSameLineage(one, other))
})

test('another epoch, another run of the machine, and chance are other lineages', () => {
  const one = incarnationAfter(boot, 12, prng.uuid())
  for (const other of [incarnationAfter(boot, 13, prng.uuid()), incarnationAfter(`${boot}0`, 12, prng.uuid()), prng.uuid()]) {
    assert.ok(!isSameLineage(one, other))
  }
  assert.ok(!isSameLineage(prng.uuid(), prng.uuid()))
})

test('epochs beyond 32 bits are taken by their lower half', () => {
  assert.ok(isSameLineage(incarnationAfter(boot, 7, prng.uuid()), incarnationAfter(boot, 2 ** 32 + 7, prng.uuid())))
})
