import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorName } from '../../protocol/errors.ts'
import { LogWorld, makeBatch } from '../../sim/log-world.ts'
import type { PartitionLog } from '../partition-log.ts'
import { decodeProducers, encodeProducers, SnapshotError } from './producer-snapshots.ts'
import type { ProducerEntry } from './producer-state.ts'
import { addToSequence } from './producer-state.ts'

const sequenceMax = 0x7fff_ffff

function send(log: PartitionLog, epoch: number, sequence: number, records = 1): string {
  const batch = makeBatch({ producerId: 9, producerEpoch: epoch, baseSequence: sequence, records })
  const outcome = log.appendAsLeader(batch, 1, 0)
  return outcome.kind === 'refused' ? errorName(outcome.error) : `${outcome.kind} ${outcome.baseOffset}-${outcome.lastOffset}`
}

test('the checks of an idempotent producer, as a table', async () => {
  const log = await new LogWorld().open()
  const table: readonly (readonly [number, number, number, string])[] = [
    [0, 5, 2, 'appended 0-1'], // nothing is known of the producer: any sequence goes
    [0, 7, 1, 'appended 2-2'],
    [0, 5, 2, 'duplicate 0-1'],
    [0, 7, 1, 'duplicate 2-2'],
    [0, 5, 1, 'OUT_OF_ORDER_SEQUENCE_NUMBER'], // neither a duplicate nor next
    [0, 9, 1, 'OUT_OF_ORDER_SEQUENCE_NUMBER'], // a hole
    [1, 3, 1, 'OUT_OF_ORDER_SEQUENCE_NUMBER'], // a new epoch begins with 0
    [1, 0, 3, 'appended 3-5'],
    [0, 8, 1, 'INVALID_PRODUCER_EPOCH'],
    [1, 3, 1, 'appended 6-6'],
    [1, 4, 1, 'appended 7-7'],
    [1, 5, 1, 'appended 8-8'],
    [1, 6, 1, 'appended 9-9'],
    [1, 0, 3, 'duplicate 3-5'], // the fifth last
    [1, 7, 1, 'appended 10-10'],
    [1, 0, 3, 'OUT_OF_ORDER_SEQUENCE_NUMBER'], // no longer known
    [1, 3, 1, 'duplicate 6-6'],
  ]
  for (const [epoch, sequence, records, expected] of table) assert.equal(send(log, epoch, sequence, records), expected)
  assert.equal(log.logEndOffset, 11)
})

test('sequences go on with 0 after the largest int32', async () => {
  const log = await new LogWorld().open()
  assert.equal(send(log, 0, sequenceMax - 1, 4), 'appended 0-3')
  assert.equal(send(log, 0, sequenceMax - 1, 4), 'duplicate 0-3')
  assert.equal(send(log, 0, 2), 'appended 4-4')
  assert.equal(addToSequence(sequenceMax, 1), 0)
  assert.equal(addToSequence(0, -1), sequenceMax)
})

test('what is known of producers survives a kill, a clean restart and a truncation', async () => {
  const world = new LogWorld()
  const log = await world.open()
  for (let i = 0; i < 200; i++) send(log, 0, i)
  world.disk.kill()
  const killed = await world.open()
  assert.deepEqual(killed.describeProducers(), log.describeProducers())
  assert.equal(send(killed, 0, 199), 'duplicate 199-199')
  await killed.close()
  const clean = await world.open({ cleanShutdown: true })
  assert.equal(send(clean, 0, 199), 'duplicate 199-199')
  clean.truncateTo(150)
  assert.equal(clean.describeProducers()[0]?.lastSequence, 149)
  assert.equal(send(clean, 0, 151), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  assert.equal(send(clean, 0, 150), 'appended 150-150')
})

test('producers that were silent too long are forgotten', async () => {
  const world = new LogWorld()
  const log = await world.open({ producerIdExpirationMs: 1000 })
  log.appendAsLeader(makeBatch({ producerId: 1, timestamp: 1_000_000 }), 1, 0)
  log.appendAsLeader(makeBatch({ producerId: 2, timestamp: 1_000_900 }), 1, 0)
  log.expireProducers(1_001_000)
  assert.deepEqual(
    log.describeProducers().map((producer) => producer.producerId),
    [2],
  )
})

test('a snapshot says what was put into it, and one changed bit is noticed', () => {
  const entry: ProducerEntry = {
    producerId: 2 ** 40 + 5,
    epoch: 3,
    batches: [{ lastSequence: 77, lastOffset: 2 ** 41, offsetDelta: 6, timestamp: 1_700_000_000_000 }],
    coordinatorEpoch: 12,
    lastTimestamp: 1_700_000_000_000,
    currentTxnFirstOffset: 2 ** 41 - 9,
  }
  const bytes = encodeProducers([entry])
  assert.deepEqual(decodeProducers(bytes), [entry])
  for (let i = 0; i < bytes.length; i++) {
    const bad = Buffer.from(bytes)
    bad[i] = (bad[i] ?? 0) ^ 0x10
    assert.throws(() => decodeProducers(bad), SnapshotError)
  }
})
