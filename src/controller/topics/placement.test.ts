import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import { placeReplicas, type UsableBroker } from './placement.ts'

const broker = (id: number, rack: string | null = null, fenced = false): UsableBroker => ({ id, rack, fenced })

function place(brokers: readonly UsableBroker[], partitions: number, factor: number, seed = 1): readonly (readonly number[])[] {
  const placement = placeReplicas(brokers, partitions, factor, new Prng(seed))
  if ('problem' in placement) throw new Error(placement.problem)
  return placement.replicas
}

function count(values: Iterable<number>): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

test('the same chance places the same, another chance otherwise', () => {
  const brokers = [1, 2, 3, 4, 5].map((id) => broker(id))
  assert.deepEqual(place(brokers, 10, 3, 7), place(brokers, 10, 3, 7))
  assert.notDeepEqual(place(brokers, 10, 3, 7), place(brokers, 10, 3, 8))
})

test('leaders and replicas are even over brokers, over any number of racks', () => {
  for (const racks of [[null], ['a', 'b'], ['a', 'b', 'c']] as const) {
    const brokers = [1, 2, 3, 4, 5, 6].map((id) => broker(id, racks[id % racks.length] ?? null))
    const placed = place(brokers, 60, 3)
    assert.deepEqual([...count(placed.map(([leader]) => leader ?? -1)).values()], Array(6).fill(10))
    for (const times of count(placed.flat()).values()) assert.ok(times >= 20 && times <= 40, `${times} replicas`)
  }
})

test('the replicas of a partition are on different brokers, and on as many racks as there are', () => {
  const brokers = [broker(1, 'a'), broker(2, 'a'), broker(3, 'a'), broker(4, 'b'), broker(5, 'b'), broker(6, 'c')]
  const rackOf = new Map(brokers.map(({ id, rack }) => [id, rack]))
  for (let seed = 0; seed < 50; seed += 1) {
    for (const replicas of place(brokers, 12, 3, seed)) {
      assert.equal(new Set(replicas).size, 3)
      assert.equal(new Set(replicas.map((id) => rackOf.get(id))).size, 3)
    }
  }
})

test('a fenced broker never leads, and is used when there is no other', () => {
  const brokers = [broker(1), broker(2), broker(3, null, true)]
  for (const replicas of place(brokers, 20, 2)) assert.ok(!replicas.includes(3))
  for (const replicas of place(brokers, 20, 3)) assert.equal(replicas[2], 3)
})

test('a rack of fenced brokers only is passed over for leaders', () => {
  const brokers = [broker(1, 'a', true), broker(2, 'b'), broker(3, 'c')]
  for (let seed = 0; seed < 20; seed += 1) {
    for (const replicas of place(brokers, 6, 3, seed)) assert.notEqual(replicas[0], 1)
  }
})

test('what cannot be placed is said in the words of Kafka', () => {
  const problem = (brokers: readonly UsableBroker[], factor: number) => placeReplicas(brokers, 1, factor, new Prng(1))
  assert.deepEqual(problem([broker(1)], 0), { problem: 'Invalid replication factor 0: the replication factor must be positive.' })
  assert.deepEqual(problem([broker(1, null, true)], 1), {
    problem: 'All brokers are currently fenced, or have all their log directories cordoned.',
  })
})
