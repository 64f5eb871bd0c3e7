import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assignmentOf, Bench, topic } from './fixture.test.ts'

/** The work of a decision is told by what it looks at: times on a shared machine say little. Bounds are ten times what is needed. */
function millisOf(run: () => void): number {
  const before = process.hrtime.bigint()
  run()
  return Number(process.hrtime.bigint() - before) / 1e6
}

describe('many members', () => {
  test('1,000 members of one group: they are assigned once in an interval, and a quiet heartbeat costs nothing', () => {
    const bench = new Bench({ topics: [topic('orders', 2_000)], config: { assignmentIntervalMs: 1_000, sessionTimeoutMs: 45_000 } })
    const ids = Array.from({ length: 1_000 }, (_, at) => `member-${at}`)
    for (const memberId of ids) bench.join(memberId)
    assert.equal(bench.log.filter(({ type }) => type === 'consumerGroupTargetAssignmentMetadata').length, 1)
    const epochs = new Map<string, number>()
    const using = new Map<string, Record<string, number[]>>()
    for (let round = 0; round < 4; round++) {
      bench.pass(1_000)
      for (const memberId of ids) {
        const memberEpoch = bench.group().members.get(memberId)?.memberEpoch ?? 0
        const these = using.get(memberId)?.['orders'] ?? []
        const id = bench.topics.get('orders')?.id ?? ''
        const answer = bench.beat({
          memberId,
          memberEpoch,
          topicPartitions: these.length === 0 ? [] : [{ topicId: id, partitions: these }],
        })
        epochs.set(memberId, answer.memberEpoch)
        const assigned = assignmentOf(answer)
        if (assigned !== null) using.set(memberId, assigned)
      }
    }
    assert.equal(bench.group().stateName, 'Stable')
    assert.ok([...bench.group().members.values()].every(({ assigned }) => [...assigned.values()].every(({ size }) => size === 2)))
    const written = bench.log.length
    const spent = millisOf(() => {
      for (const memberId of ids) bench.beat({ memberId, memberEpoch: epochs.get(memberId) ?? 0 })
    })
    assert.equal(bench.log.length, written)
    assert.ok(spent < 2_000, `${spent} ms for 1,000 heartbeats`)
  })

  test('1,000 groups of one member', () => {
    const bench = new Bench()
    const ids = Array.from({ length: 1_000 }, (_, at) => `group-${at}`)
    for (const groupId of ids) bench.join('a', { groupId })
    const written = bench.log.length
    for (const groupId of ids) assert.equal(bench.beat({ groupId, memberEpoch: 2 }).memberEpoch, 2)
    assert.equal(bench.log.length, written)
    bench.setTopics(topic('orders', 5))
    for (const groupId of ids) assert.equal(bench.beat({ groupId, memberEpoch: 2 }).memberEpoch, 3)
  })
})
