import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import { MalformedError } from '../../protocol/reader.ts'
import {
  parseAssignment,
  parseSubscription,
  readAssignment,
  readSubscription,
  subscribedTopics,
  versionOfSubscription,
  writeAssignment,
  writeSubscription,
} from './consumer-protocol.ts'

const full = {
  topics: ['a', 'b'],
  userData: Buffer.from('user'),
  ownedPartitions: [{ topic: 'a', partitions: [0, 2] }],
  generationId: 7,
  rackId: 'rack-1',
}

test('a subscription is read as it was written, in each version what that version has', () => {
  const { topics, userData } = full
  assert.deepEqual(readSubscription(writeSubscription(3, full)), { version: 3, message: full })
  assert.deepEqual(readSubscription(writeSubscription(2, full)).message, { ...full, rackId: null })
  assert.deepEqual(readSubscription(writeSubscription(1, full)).message, { ...full, generationId: -1, rackId: null })
  assert.deepEqual(readSubscription(writeSubscription(0, full)).message, {
    topics,
    userData,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  })
})

test('the bytes are laid out as in the definition', () => {
  // version, topics, user data, owned partitions, generation, rack
  const bytes = Buffer.from('0003000000010003666f6fffffffff00000000ffffffffffff', 'hex')
  assert.deepEqual(readSubscription(bytes).message, {
    topics: ['foo'],
    userData: null,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  })
  assert.equal(writeSubscription(3, { topics: ['foo'] }).toString('hex'), bytes.toString('hex'))
})

test('an assignment is read as it was written', () => {
  const assigned = { assignedPartitions: [{ topic: 't', partitions: [1, 3] }], userData: null }
  for (const version of [0, 1, 2, 3]) assert.deepEqual(readAssignment(writeAssignment(version, assigned)), { version, message: assigned })
})

test('a version that is newer than known is read as the newest known, and what follows is passed over', () => {
  const bytes = Buffer.concat([writeSubscription(3, full), Buffer.from('more')])
  bytes.writeInt16BE(9, 0)
  assert.deepEqual(readSubscription(bytes), { version: 3, message: full })
  assert.deepEqual(subscribedTopics(bytes), ['a', 'b'])
})

test('what is no subscription is told apart', () => {
  const good = writeSubscription(3, full)
  for (const bad of [Buffer.alloc(0), Buffer.from([0]), Buffer.from('ffff00000000', 'hex'), good.subarray(0, good.length - 1)]) {
    assert.throws(() => readSubscription(bad), MalformedError)
    assert.equal(parseSubscription(bad), null)
    assert.equal(subscribedTopics(bad), null)
    assert.equal(versionOfSubscription(bad), 0)
  }
  assert.equal(versionOfSubscription(writeSubscription(2, full)), 2)
  assert.equal(parseAssignment(Buffer.from('0000', 'hex')), null)
  const hugeCount = Buffer.from('00037fffffff', 'hex')
  assert.equal(subscribedTopics(hugeCount), null)
})

test('random bytes and damaged subscriptions never do more than be refused', () => {
  const prng = new Prng(4)
  const good = writeSubscription(3, full)
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(good)
    for (let hits = 0; hits < 3; hits++) bytes[prng.below(bytes.length)] = prng.below(256)
    parseSubscription(bytes.subarray(0, prng.below(bytes.length + 1)))
  }
})
