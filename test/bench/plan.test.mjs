import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareOut } from '../../bench/generator/plan.mjs'

const led = Array.from({ length: 6 }, (_, partition) => ({ partition, port: 9092 + (partition % 3) }))

test('one connection to each broker has all that it leads', () => {
  assert.deepEqual(shareOut(led, 3), [
    { port: 9092, partitions: [0, 3] },
    { port: 9093, partitions: [1, 4] },
    { port: 9094, partitions: [2, 5] },
  ])
})

test('each partition has a connection, also when fewer connections than brokers are asked for', () => {
  for (const connections of [1, 2, 4, 5, 7]) {
    const covered = shareOut(led, connections).flatMap(({ partitions }) => partitions)
    assert.deepEqual(
      [...new Set(covered)].toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4, 5],
      `${connections}`,
    )
  }
})

test('more connections than partitions share them evenly, and are as many as were asked for', () => {
  const shares = shareOut(led, 500)
  assert.equal(shares.length, 500)
  const times = led.map(({ partition }) => shares.filter(({ partitions }) => partitions.includes(partition)).length)
  assert.ok(Math.max(...times) - Math.min(...times) <= 1, times.join())
  assert.ok(shares.every(({ partitions }) => partitions.length === 1))
})

test('a connection has only what its broker leads', () => {
  for (const { port, partitions } of shareOut(led, 4)) {
    assert.ok(partitions.every((partition) => led[partition]?.port === port))
  }
})

test('with one partition, connections all go to its leader', () => {
  assert.deepEqual(
    shareOut([{ partition: 0, port: 9092 }], 3),
    Array.from({ length: 3 }, () => ({ port: 9092, partitions: [0] })),
  )
})
