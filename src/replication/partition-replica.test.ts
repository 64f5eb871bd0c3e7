import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../protocol/errors.ts'
import { type PartitionAssignment, type PartitionEffect, type PartitionInput, PartitionReplica } from './partition-replica.ts'

const topicId = 'topicAAAAAAAAAAAAAAAAA'
const lagMs = 1000

/** Broker 1 of 1, 2, 3, which has 10 records, 5 of them known to be committed. */
function assignment(changes: Partial<PartitionAssignment> = {}): PartitionAssignment {
  return {
    topicId,
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    leader: 1,
    leaderEpoch: 4,
    partitionEpoch: 10,
    leaderRecoveryState: 0,
    addingReplicas: [],
    removingReplicas: [],
    minInsyncReplicas: 2,
    logEndOffset: 10,
    logStartOffset: 0,
    storedHighWatermark: 5,
    ...changes,
  }
}

class Bench {
  readonly ineligible = new Set<number>()
  readonly brokerEpochs = new Map<number, number>()
  readonly replica: PartitionReplica

  constructor(changes: Partial<PartitionAssignment> = {}) {
    const brokers = {
      isEligibleForIsr: (id: number, epoch: number) => !this.ineligible.has(id) && (epoch === -1 || epoch === this.epochOf(id)),
      brokerEpoch: (id: number) => this.epochOf(id),
    }
    this.replica = new PartitionReplica({ brokerId: 1, brokers, replicaLagTimeMaxMs: lagMs, isrRetryBackoffMs: 100 })
    this.replica.step(0, { type: 'assigned', assignment: assignment(changes) })
  }

  step(now: number, ...inputs: readonly PartitionInput[]): PartitionEffect[] {
    return inputs.flatMap((input) => [...this.replica.step(now, input)])
  }

  fetch(
    now: number,
    replica: number,
    fetchOffset: number,
    changes: { readonly leaderEpoch?: number; readonly brokerEpoch?: number } = {},
  ): PartitionEffect[] {
    const { leaderEpoch = this.replica.leaderEpoch, brokerEpoch = this.epochOf(replica) } = changes
    return this.step(now, { type: 'followerFetched', replica, brokerEpoch, leaderEpoch, fetchOffset, logStartOffset: 0 })
  }

  private epochOf(id: number): number {
    return this.brokerEpochs.get(id) ?? 100 + id
  }
}

const types = (effects: readonly PartitionEffect[]): string[] =>
  effects.map((effect) => effect.type).filter((type) => type !== 'lowWatermark')
const only = <T extends PartitionEffect['type']>(effects: readonly PartitionEffect[], type: T): Extract<PartitionEffect, { type: T }>[] =>
  effects.filter((effect): effect is Extract<PartitionEffect, { type: T }> => effect.type === type)
const accepted = (isr: readonly number[], partitionEpoch = 11) => ({ error: ErrorCode.NONE, isr, leaderEpoch: 4, partitionEpoch }) as const

test('a new leader begins at its stored high watermark and waits for each member of the ISR to fetch in its epoch', () => {
  const bench = new Bench()
  assert.equal(bench.replica.highWatermark, 5)
  assert.equal(bench.replica.epochStartOffset, 10)
  assert.deepEqual(bench.fetch(1, 2, 10), [])
  assert.deepEqual(only(bench.fetch(2, 3, 8), 'highWatermark'), [{ type: 'highWatermark', offset: 8 }])
  assert.deepEqual(only(bench.fetch(3, 3, 10), 'highWatermark'), [{ type: 'highWatermark', offset: 10 }])
})

test('a leader whose followers are caught up has no deadline and a step without effects allocates nothing', () => {
  const bench = new Bench()
  bench.fetch(1, 2, 10)
  bench.fetch(2, 3, 10)
  assert.equal(bench.replica.wakeAt(), Infinity)
  const first = bench.replica.step(3, { type: 'brokersChanged' })
  assert.equal(first, bench.replica.step(4, { type: 'brokersChanged' }))
  assert.deepEqual(first, [])
})

test('a fetch of another epoch, of no replica, of a dead incarnation or beyond the log counts for nothing', () => {
  const bench = new Bench()
  bench.brokerEpochs.set(3, 500)
  bench.fetch(1, 2, 10)
  const nothing = [
    bench.fetch(2, 3, 10, { leaderEpoch: 3 }),
    bench.fetch(2, 3, 10, { leaderEpoch: 5 }),
    bench.fetch(2, 3, 10, { brokerEpoch: 499 }),
    bench.fetch(2, 9, 10),
    bench.fetch(2, 3, 11),
  ]
  assert.deepEqual(nothing.flat(), [])
  assert.equal(bench.replica.highWatermark, 5)
})

test('requests are refused by role and epoch', () => {
  const { replica } = new Bench()
  const cases: readonly (readonly [number, ErrorCode])[] = [
    [replica.epochError(-1), ErrorCode.NONE],
    [replica.epochError(4), ErrorCode.NONE],
    [replica.epochError(3), ErrorCode.FENCED_LEADER_EPOCH],
    [replica.epochError(5), ErrorCode.UNKNOWN_LEADER_EPOCH],
    [replica.fetchError(2, 102, 4), ErrorCode.NONE],
    [replica.fetchError(2, 102, -1), ErrorCode.FENCED_LEADER_EPOCH],
    [replica.fetchError(9, 109, 4), ErrorCode.UNKNOWN_LEADER_EPOCH],
    [replica.fetchError(2, 101, 4), ErrorCode.NOT_LEADER_OR_FOLLOWER],
    [replica.appendError(-1), ErrorCode.NONE],
    [new Bench({ leader: 2 }).replica.appendError(1), ErrorCode.NOT_LEADER_OR_FOLLOWER],
    [new Bench({ leader: 2 }).replica.epochError(4), ErrorCode.NOT_LEADER_OR_FOLLOWER],
    [new Bench({ isr: [1] }).replica.appendError(-1), ErrorCode.NOT_ENOUGH_REPLICAS],
    [new Bench({ isr: [1] }).replica.appendError(1), ErrorCode.NONE],
    [new Bench({ isr: [1], replicas: [1] }).replica.appendError(-1), ErrorCode.NONE],
  ]
  for (const [got, expected] of cases) assert.equal(got, expected)
})

test('acks=all produces are answered in order by the high watermark, or at their deadline', () => {
  const bench = new Bench()
  bench.step(1, { type: 'appended', logEndOffset: 13 })
  bench.step(1, { type: 'produce', ticket: 1, lastOffset: 10, deadline: 50 }, { type: 'produce', ticket: 3, lastOffset: 12, deadline: 20 })
  bench.step(1, { type: 'produce', ticket: 2, lastOffset: 11, deadline: 50 })
  assert.equal(bench.replica.wakeAt(), 20)
  bench.fetch(2, 2, 12)
  assert.deepEqual(
    only(bench.fetch(3, 3, 13), 'produceDone').map(({ ticket, error }) => [ticket, error]),
    [
      [1, 0],
      [2, 0],
    ],
  )
  assert.deepEqual(bench.replica.wake(19), [])
  assert.deepEqual(bench.replica.wake(20), [{ type: 'produceDone', ticket: 3, error: ErrorCode.REQUEST_TIMED_OUT }])
})

test('what is committed already is acknowledged at once, unless the ISR has become too small', () => {
  const bench = new Bench({ storedHighWatermark: 10 })
  assert.deepEqual(bench.step(1, { type: 'produce', ticket: 1, lastOffset: 9, deadline: 50 }), [
    { type: 'produceDone', ticket: 1, error: ErrorCode.NONE },
  ])
  bench.step(2, { type: 'assigned', assignment: assignment({ isr: [1], partitionEpoch: 11 }) })
  const late = bench.step(3, { type: 'produce', ticket: 2, lastOffset: 9, deadline: 50 })
  assert.deepEqual(late, [{ type: 'produceDone', ticket: 2, error: ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND }])
})

test('the high watermark stands still while the committed ISR is below the minimum, and moves on when it is not', () => {
  const bench = new Bench({ isr: [1] })
  bench.step(1, { type: 'appended', logEndOffset: 12 })
  assert.equal(bench.replica.highWatermark, 5)
  const [proposal] = only(bench.fetch(2, 2, 12), 'proposeIsr')
  assert.deepEqual(proposal?.isr, [
    { brokerId: 1, brokerEpoch: 101 },
    { brokerId: 2, brokerEpoch: 102 },
  ])
  assert.equal(bench.replica.highWatermark, 5)
  const effects = bench.step(3, { type: 'isrAnswered', proposal: proposal?.proposal ?? 0, answer: accepted([1, 2]) })
  assert.deepEqual(types(effects), ['isrChanged', 'highWatermark'])
  assert.equal(bench.replica.highWatermark, 12)
  assert.equal(bench.replica.partitionEpoch, 11)
})

test('min.insync.replicas may change while the partition is led', () => {
  const bench = new Bench({ isr: [1] })
  assert.deepEqual(bench.step(1, { type: 'configured', minInsyncReplicas: 1 }), [{ type: 'highWatermark', offset: 10 }])
})

test('a member that is behind for longer than the lag is proposed for removal, and counts until the controller has agreed', () => {
  const bench = new Bench()
  bench.fetch(1, 2, 10)
  bench.fetch(1, 3, 10)
  bench.step(500, { type: 'appended', logEndOffset: 11 })
  bench.fetch(501, 2, 11)
  assert.equal(bench.replica.wakeAt(), 500 + lagMs)
  assert.deepEqual(bench.replica.wake(1499), [])
  const [proposal] = only(bench.replica.wake(1500), 'proposeIsr')
  assert.deepEqual(
    proposal?.isr.map(({ brokerId }) => brokerId),
    [1, 2],
  )
  assert.equal(bench.replica.highWatermark, 10)
  assert.deepEqual([bench.replica.isr, bench.replica.wakeAt()], [[1, 2, 3], Infinity])
  bench.step(1501, { type: 'isrAnswered', proposal: proposal?.proposal ?? 0, answer: accepted([1, 2]) })
  assert.equal(bench.replica.highWatermark, 11)
})

test('a follower that fetches but never quite catches up is not behind while it reaches what was there at its fetch before', () => {
  const bench = new Bench({ isr: [1, 2], replicas: [1, 2] })
  for (let now = 100; now <= 3000; now += 100) {
    bench.step(now, { type: 'appended', logEndOffset: 10 + now / 10 })
    bench.fetch(now, 2, 10 + (now - 100) / 10)
    assert(bench.replica.wakeAt() > now)
  }
})

test('a replica joins at the high watermark and the start of the epoch, if its broker is registered, unfenced and the same incarnation', () => {
  const bench = new Bench({ isr: [1, 2], minInsyncReplicas: 1, storedHighWatermark: 4 })
  bench.fetch(1, 2, 6)
  assert.equal(bench.replica.highWatermark, 6)
  assert.deepEqual(types(bench.fetch(2, 3, 5)), [])
  assert.deepEqual(types(bench.fetch(2, 3, 9)), [], 'below the start of the epoch')
  bench.ineligible.add(3)
  assert.deepEqual(types(bench.fetch(3, 3, 10)), [], 'fenced')
  bench.ineligible.delete(3)
  assert.deepEqual(types(bench.fetch(4, 3, 10, { brokerEpoch: 104 })), [], 'an incarnation that metadata does not know')
  bench.brokerEpochs.set(3, 104)
  assert.deepEqual(types(bench.step(5, { type: 'brokersChanged' })), ['proposeIsr'])
  assert.deepEqual(bench.replica.maximalIsr, [1, 2, 3])
})

test('a proposed member holds the high watermark back as soon as it is proposed', () => {
  const bench = new Bench({ isr: [1, 2], minInsyncReplicas: 1 })
  bench.fetch(1, 3, 10)
  bench.fetch(2, 2, 10)
  bench.step(3, { type: 'appended', logEndOffset: 20 })
  bench.fetch(5000, 2, 20)
  assert.equal(bench.replica.highWatermark, 10)
})

test('a replica that has stopped fetching is not proposed again, though it has all that is committed', () => {
  const bench = new Bench({ isr: [1, 2], minInsyncReplicas: 1 })
  bench.ineligible.add(3)
  bench.fetch(1, 2, 10)
  bench.fetch(2, 3, 10)
  bench.step(3, { type: 'appended', logEndOffset: 11 })
  bench.ineligible.delete(3)
  assert.deepEqual(types(bench.step(2 + lagMs, { type: 'brokersChanged' })), [])
  assert.deepEqual(types(bench.fetch(3 + lagMs, 3, 10)), ['proposeIsr'])
})

test('a caught-up replica that may join is waited for, but not for longer than the lag', () => {
  const bench = new Bench({ isr: [1, 2], minInsyncReplicas: 1 })
  bench.ineligible.add(3)
  bench.fetch(1, 3, 10)
  bench.step(2, { type: 'appended', logEndOffset: 12 })
  bench.ineligible.delete(3)
  bench.fetch(3, 2, 12)
  assert.equal(bench.replica.highWatermark, 10)
  assert.equal(bench.replica.wakeAt(), 2 + lagMs)
  assert.deepEqual(bench.replica.wake(2 + lagMs), [{ type: 'highWatermark', offset: 12 }])
})

test('the outcome of a proposal decides what counts as the ISR', () => {
  const outcomes: readonly (readonly [Exclude<ErrorCode, 0>, readonly number[], number])[] = [
    [ErrorCode.INELIGIBLE_REPLICA, [1, 2], 110],
    [ErrorCode.OPERATION_NOT_ATTEMPTED, [1, 2], 110],
    [ErrorCode.INVALID_UPDATE_VERSION, [1, 2, 3], Infinity],
    [ErrorCode.FENCED_LEADER_EPOCH, [1, 2, 3], Infinity],
    [ErrorCode.NEW_LEADER_ELECTED, [1, 2, 3], Infinity],
    [ErrorCode.NOT_CONTROLLER, [1, 2, 3], 110],
    [ErrorCode.REQUEST_TIMED_OUT, [1, 2, 3], 110],
    [ErrorCode.STALE_BROKER_EPOCH, [1, 2, 3], 110],
  ]
  for (const [error, maximal, wakeAt] of outcomes) {
    const bench = new Bench({ isr: [1, 2] })
    bench.fetch(1, 2, 10)
    const [proposal] = only(bench.fetch(2, 3, 10), 'proposeIsr')
    assert.deepEqual(types(bench.step(10, { type: 'isrAnswered', proposal: proposal?.proposal ?? 0, answer: { error } })), [])
    assert.deepEqual(bench.replica.maximalIsr, maximal)
    assert.equal(bench.replica.wakeAt(), wakeAt)
    const again = bench.replica.wake(110)
    assert.deepEqual(types(again), wakeAt === Infinity ? [] : ['proposeIsr'])
  }
})

test('a refusal after an unanswered attempt does not end the proposal until that attempt cannot be alive', () => {
  const bench = new Bench({ isr: [1, 2] })
  bench.fetch(1, 2, 10)
  bench.fetch(2, 3, 10)
  bench.step(10, { type: 'isrAnswered', proposal: 1, answer: { error: ErrorCode.REQUEST_TIMED_OUT } })
  bench.replica.wake(110)
  bench.step(120, { type: 'isrAnswered', proposal: 2, answer: { error: ErrorCode.INELIGIBLE_REPLICA } })
  assert.deepEqual(bench.replica.maximalIsr, [1, 2, 3])
  bench.replica.wake(220)
  bench.step(10 + lagMs, { type: 'isrAnswered', proposal: 3, answer: { error: ErrorCode.INELIGIBLE_REPLICA } })
  assert.deepEqual(bench.replica.maximalIsr, [1, 2])
})

test('newer metadata of the same epoch settles a proposal; who left the ISR by itself has to fetch again; an answer that comes after is ignored', () => {
  const bench = new Bench({ isr: [1, 2] })
  bench.fetch(1, 2, 10)
  bench.fetch(2, 3, 10)
  const effects = bench.step(3, { type: 'assigned', assignment: assignment({ isr: [1, 3], partitionEpoch: 11 }) })
  assert.deepEqual(types(effects), ['isrChanged'])
  assert.deepEqual(bench.step(4, { type: 'isrAnswered', proposal: 1, answer: accepted([1, 2, 3]) }), [])
  assert.deepEqual(bench.replica.maximalIsr, [1, 3])
  assert.equal(bench.replica.highWatermark, 10)
  bench.fetch(5, 2, 10)
  assert.deepEqual(bench.replica.maximalIsr, [1, 3, 2])
})

test('when metadata has skipped what was in between, a follower that is not in the ISR any more need not fetch anew: it may have been fenced and be back', () => {
  const bench = new Bench({ isr: [1, 2, 3] })
  bench.fetch(1, 2, 10)
  bench.fetch(2, 3, 10)
  const effects = bench.step(3, { type: 'assigned', assignment: assignment({ isr: [1, 3], partitionEpoch: 12, isReplaced: true }) })
  assert.deepEqual(types(effects), ['isrChanged', 'proposeIsr'])
  assert.deepEqual(bench.replica.maximalIsr, [1, 3, 2])
})

test('metadata of the same or an older partition epoch changes nothing', () => {
  const bench = new Bench({ isr: [1, 2] })
  bench.fetch(1, 3, 10)
  assert.deepEqual(bench.step(2, { type: 'assigned', assignment: assignment({ isr: [1, 2] }) }), [])
  assert.deepEqual(
    bench.step(2, { type: 'assigned', assignment: assignment({ isr: [1], partitionEpoch: 9, leader: 2, leaderEpoch: 3 }) }),
    [],
  )
  assert.deepEqual(bench.replica.maximalIsr, [1, 2, 3])
})

test('a new epoch of the same leader forgets what followers told in the old one, and keeps produces waiting', () => {
  const bench = new Bench()
  bench.fetch(1, 2, 10)
  bench.step(2, { type: 'appended', logEndOffset: 11 }, { type: 'produce', ticket: 1, lastOffset: 10, deadline: 500 })
  const effects = bench.step(3, { type: 'assigned', assignment: assignment({ leaderEpoch: 6, partitionEpoch: 12, logEndOffset: 11 }) })
  assert.deepEqual(effects, [{ type: 'becameLeader', epoch: 6, epochStartOffset: 11 }])
  bench.fetch(4, 3, 11)
  assert.equal(bench.replica.highWatermark, 5)
  assert.deepEqual(types(bench.fetch(5, 2, 11)), ['highWatermark', 'produceDone'])
})

test('a leader that is deposed answers its produces before it follows, and does not forget the high watermark', () => {
  const bench = new Bench()
  bench.step(1, { type: 'appended', logEndOffset: 11 }, { type: 'produce', ticket: 1, lastOffset: 10, deadline: 500 })
  const effects = bench.step(2, {
    type: 'assigned',
    assignment: assignment({ leader: 2, leaderEpoch: 5, partitionEpoch: 11, logEndOffset: 11 }),
  })
  assert.deepEqual(effects, [
    { type: 'produceDone', ticket: 1, error: ErrorCode.NOT_LEADER_OR_FOLLOWER },
    { type: 'lostLeadership', error: ErrorCode.NOT_LEADER_OR_FOLLOWER },
    { type: 'becameFollower', leader: 2, epoch: 5 },
  ])
  assert.equal(bench.replica.highWatermark, 5)
  assert.equal(bench.replica.wakeAt(), Infinity)
})

test('a follower knows of the high watermark what its leader said, as far as its own log goes', () => {
  const bench = new Bench({ leader: 2 })
  assert.deepEqual(bench.step(1, { type: 'leaderSaid', leaderEpoch: 4, highWatermark: 12 }), [{ type: 'highWatermark', offset: 10 }])
  assert.deepEqual(bench.step(2, { type: 'leaderSaid', leaderEpoch: 3, highWatermark: 10 }), [])
  assert.deepEqual(bench.step(3, { type: 'appended', logEndOffset: 14 }, { type: 'leaderSaid', leaderEpoch: 4, highWatermark: 12 }), [
    { type: 'highWatermark', offset: 12 },
  ])
  assert.deepEqual(bench.step(4, { type: 'truncated', logEndOffset: 13 }), [])
  assert.deepEqual(bench.step(5, { type: 'truncated', logEndOffset: 11 }), [{ type: 'highWatermark', offset: 11 }])
})

test('a stored high watermark is taken within the bounds of the log', () => {
  assert.equal(new Bench({ storedHighWatermark: 50 }).replica.highWatermark, 10)
  assert.equal(new Bench({ storedHighWatermark: 0, logStartOffset: 3 }).replica.highWatermark, 3)
})

test('a partition that is not hosted is led by nobody and answers so', () => {
  const bench = new Bench()
  bench.step(1, { type: 'produce', ticket: 7, lastOffset: 9, deadline: 500 })
  assert.deepEqual(types(bench.step(2, { type: 'unassigned' })), ['produceDone', 'lostLeadership'])
  const { replica } = bench
  assert.deepEqual([replica.role, replica.leader, replica.leaderEpoch, replica.isr], ['none', -1, -1, []])
  assert.equal(replica.epochError(-1), ErrorCode.NOT_LEADER_OR_FOLLOWER)
})

test('the low watermark is the least log start of the live replicas', () => {
  const bench = new Bench()
  const at = (now: number, replica: number, logStartOffset: number): PartitionEffect[] =>
    bench.step(now, { type: 'followerFetched', replica, brokerEpoch: 100 + replica, leaderEpoch: 4, fetchOffset: 10, logStartOffset })
  at(1, 2, 4)
  assert.deepEqual(only(at(1, 3, 0), 'lowWatermark'), [{ type: 'lowWatermark', offset: 0 }])
  bench.step(2, { type: 'logStartMoved', logStartOffset: 6 })
  assert.equal(bench.replica.lowWatermark, 0)
  bench.ineligible.add(3)
  assert.deepEqual(only(bench.step(3, { type: 'brokersChanged' }), 'lowWatermark'), [{ type: 'lowWatermark', offset: 4 }])
})

test('the high watermark waits for the leader itself where the topic asks for syncs, and acks=all with it', () => {
  const bench = new Bench({ settledOffset: 10 })
  bench.fetch(1, 2, 10)
  bench.fetch(2, 3, 10)
  bench.step(3, { type: 'appended', logEndOffset: 14, settledOffset: 10 }, { type: 'produce', ticket: 1, lastOffset: 13, deadline: 1_000 })
  assert.deepEqual([...bench.fetch(4, 2, 14), ...bench.fetch(4, 3, 14)], [])
  assert.equal(bench.replica.highWatermark, 10)
  assert.deepEqual(bench.step(5, { type: 'settled', settledOffset: 12 }), [{ type: 'highWatermark', offset: 12 }])
  assert.deepEqual(bench.step(6, { type: 'settled', settledOffset: 14 }), [
    { type: 'highWatermark', offset: 14 },
    { type: 'produceDone', ticket: 1, error: ErrorCode.NONE },
  ])
})

test('a leader that has not synced all it found begins with what counts, and never tells less than it told before', () => {
  const bench = new Bench({ settledOffset: 7, isr: [1], minInsyncReplicas: 1 })
  assert.equal(bench.replica.highWatermark, 7)
  bench.step(1, { type: 'settled', settledOffset: 10 })
  assert.equal(bench.replica.highWatermark, 10)
  bench.step(2, { type: 'appended', logEndOffset: 12, settledOffset: 9 })
  assert.equal(bench.replica.highWatermark, 10)
})
