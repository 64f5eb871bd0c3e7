import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequestDraft, FetchResponse } from '../protocol/messages/fetch.ts'
import type { PartitionData } from './fetch-sessions.ts'
import { type FetchAction, type PartitionToFetch, ReplicaFetcher } from './replica-fetcher.ts'
import { toResponse } from '../sim/replication/fetch-forms.ts'

const topicId = 'topicAAAAAAAAAAAAAAAAA'
const brokerEpoch = 9
const retryBackoffMs = 100

function newFetcher(...partitions: readonly number[]): ReplicaFetcher {
  const fetcher = new ReplicaFetcher({ replicaId: 2, maxWaitMs: 500, minBytes: 1, maxBytes: 1000, partitionMaxBytes: 100, retryBackoffMs })
  for (const partition of partitions) fetcher.follow(at(partition))
  return fetcher
}

function at(partition: number, changes: Partial<PartitionToFetch> = {}): PartitionToFetch {
  return { topicId, partition, leaderEpoch: 3, logEndOffset: 10, logStartOffset: 0, lastEpoch: 2, ...changes }
}

const data = (partitionIndex: number, changes: Partial<PartitionData> = {}): PartitionData => ({
  partitionIndex,
  errorCode: 0,
  highWatermark: 8,
  logStartOffset: 0,
  abortedTransactions: null,
  records: Buffer.alloc(0),
  ...changes,
})
const answer = (sessionId: number, ...partitions: readonly PartitionData[]): FetchResponse =>
  toResponse({ errorCode: 0, sessionId, responses: [{ topicId, partitions }] })
const refusal = (errorCode: ErrorCode): FetchResponse => toResponse({ errorCode, sessionId: 0, responses: [] })
const records = (text: string): Partial<PartitionData> => ({ records: Buffer.from(text) })

function sent(fetcher: ReplicaFetcher, now = 0): FetchRequestDraft {
  const request = fetcher.nextRequest(now, brokerEpoch)
  assert(request !== null, 'no request')
  return request
}
const named = (request: FetchRequestDraft): (readonly [number, number])[] =>
  request.topics.flatMap(({ partitions }) => partitions.map(({ partition, fetchOffset }): [number, number] => [partition, fetchOffset]))
const forgotten = (request: FetchRequestDraft): number[] =>
  (request.forgottenTopicsData ?? []).flatMap(({ partitions }) => [...(partitions ?? [])])
const types = (actions: readonly FetchAction[]): string[] => actions.map(({ type, partition }) => `${type} ${partition}`)

/** With a session of id 77. */
function inSession(...partitions: readonly number[]): ReplicaFetcher {
  const fetcher = newFetcher(...partitions)
  sent(fetcher)
  fetcher.onResponse(0, answer(77, ...partitions.map((partition) => data(partition))))
  return fetcher
}

test('the first request names all partitions and who asks; those after it only what changed', () => {
  const fetcher = newFetcher(0, 1)
  const first = sent(fetcher)
  assert.deepEqual([first.sessionId, first.sessionEpoch, first.replicaState], [0, 0, { replicaId: 2, replicaEpoch: brokerEpoch }])
  assert.deepEqual(first.topics[0]?.partitions[0], {
    partition: 0,
    currentLeaderEpoch: 3,
    fetchOffset: 10,
    lastFetchedEpoch: 2,
    logStartOffset: 0,
    partitionMaxBytes: 100,
  })
  assert.deepEqual(types(fetcher.onResponse(1, answer(77, data(0, records('xyz')), data(1)))), ['append 0', 'advance 1'])
  assert.equal(fetcher.nextRequest(2, brokerEpoch), null, 'nothing leaves before the records are in the log')
  fetcher.positioned(topicId, 0, 3, { logEndOffset: 13, logStartOffset: 0, lastEpoch: 3 })
  const second = sent(fetcher, 3)
  assert.deepEqual([second.sessionId, second.sessionEpoch, named(second)], [77, 1, [[0, 13]]])
  fetcher.onResponse(4, answer(77))
  const third = sent(fetcher, 5)
  assert.deepEqual([third.sessionEpoch, named(third)], [2, []])
})

test('a leader without room for a session, or one that left a partition out, is asked for everything again', () => {
  const fetcher = newFetcher(0, 1)
  sent(fetcher)
  fetcher.onResponse(0, answer(0, data(0), data(1)))
  assert.deepEqual(named(sent(fetcher)), [[0, 10], [1, 10]]) // prettier-ignore
  fetcher.onResponse(0, answer(77, data(0)))
  const third = sent(fetcher)
  assert.deepEqual([third.sessionId, third.sessionEpoch, named(third).length], [77, 0, 2])
})

test('session errors lead to a full request', () => {
  for (const [error, sessionId, pause] of [
    [ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0, 0],
    [ErrorCode.INVALID_FETCH_SESSION_EPOCH, 77, retryBackoffMs],
    [ErrorCode.UNKNOWN_SERVER_ERROR, 77, retryBackoffMs],
  ] as const) {
    const fetcher = inSession(0, 1)
    sent(fetcher)
    assert.deepEqual(fetcher.onResponse(0, refusal(error)), [])
    if (pause > 0) assert.equal(fetcher.nextRequest(pause - 1, brokerEpoch), null)
    const next = sent(fetcher, pause)
    assert.deepEqual([next.sessionId, next.sessionEpoch, named(next).length], [sessionId, 0, 2])
  }
})

test('after a failure everything is asked again, later, and the old session is closed', () => {
  const fetcher = inSession(0)
  sent(fetcher)
  fetcher.onFailure(10)
  assert.equal(fetcher.wakeAt(), 10 + retryBackoffMs)
  const next = sent(fetcher, 10 + retryBackoffMs)
  assert.deepEqual([next.sessionId, next.sessionEpoch, named(next)], [77, 0, [[0, 10]]])
})

test('a diverging epoch is truncated before anything else is fetched', () => {
  const fetcher = inSession(0)
  sent(fetcher)
  const [action] = fetcher.onResponse(1, answer(77, data(0, { divergingEpoch: { epoch: 1, endOffset: 6 } })))
  assert.deepEqual(action, { type: 'truncate', topicId, partition: 0, leaderEpoch: 3, epoch: 1, endOffset: 6 })
  assert.equal(fetcher.wakeAt(), Infinity)
  fetcher.positioned(topicId, 0, 3, { logEndOffset: 6, logStartOffset: 0, lastEpoch: 1 })
  assert.deepEqual(named(sent(fetcher)), [[0, 6]])
})

test('errors that pass leave the session for a while; a fenced partition waits for metadata', () => {
  const fetcher = inSession(0, 1, 2)
  sent(fetcher)
  const actions = fetcher.onResponse(
    1,
    answer(77, data(0, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }), data(1, { errorCode: ErrorCode.FENCED_LEADER_EPOCH })),
  )
  assert.deepEqual(types(actions), ['refused 0', 'refused 1'])
  const next = sent(fetcher, 2)
  assert.deepEqual([named(next), forgotten(next)], [[], [0, 1]])
  fetcher.onResponse(3, answer(77))
  assert.deepEqual(named(sent(fetcher, 1 + retryBackoffMs)), [[0, 10]])
  fetcher.onResponse(200, answer(77))
  fetcher.follow(at(1, { leaderEpoch: 4 }))
  assert.deepEqual(named(sent(fetcher, 200)), [[1, 10]])
})

test('when all partitions are delayed nothing is sent until the first may be tried again', () => {
  const fetcher = inSession(0)
  sent(fetcher)
  fetcher.onResponse(50, answer(77, data(0, { errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH })))
  assert.equal(fetcher.wakeAt(), 50 + retryBackoffMs)
  assert.equal(fetcher.nextRequest(149, brokerEpoch), null)
  const next = sent(fetcher, 150)
  assert.deepEqual([named(next), forgotten(next)], [[[0, 10]], []])
})

test('a partition out of range starts anew where the leader starts, if the leader says so or once it has been asked', () => {
  const outOfRange = (logStartOffset: number): PartitionData =>
    data(0, { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, highWatermark: -1, logStartOffset })
  const told = inSession(0)
  sent(told)
  assert.deepEqual(told.onResponse(1, answer(77, outOfRange(20))), [{ type: 'startAt', topicId, partition: 0, leaderEpoch: 3, offset: 20 }])
  const offsets: readonly (readonly [number, number, FetchAction['type'] | null])[] = [
    [20, 30, 'startAt'],
    [0, 7, 'truncateTo'],
    [0, 30, null],
  ]
  for (const [logStartOffset, logEndOffset, type] of offsets) {
    const asking = inSession(0)
    sent(asking)
    assert.deepEqual(types(asking.onResponse(1, answer(77, outOfRange(-1)))), ['askLeaderOffsets 0'])
    const action = asking.leaderOffsets(2, topicId, 0, 3, { logStartOffset, logEndOffset })
    assert.equal(action?.type ?? null, type)
    assert.equal(asking.wakeAt(), type === null ? 2 + retryBackoffMs : Infinity)
  }
})

test('an action that cannot be done is tried again later', () => {
  const fetcher = inSession(0)
  sent(fetcher)
  fetcher.onResponse(1, answer(77, data(0, records('xyz'))))
  fetcher.failed(5, topicId, 0, 3)
  assert.deepEqual(named(sent(fetcher, 5 + retryBackoffMs)), [[0, 10]])
})

test('partitions that come, go or change while a request waits at the leader are told at once, in a second request', () => {
  const fetcher = inSession(0, 1)
  sent(fetcher)
  assert.equal(fetcher.nextRequest(1, brokerEpoch), null)
  fetcher.follow(at(2))
  fetcher.unfollow(topicId, 1)
  const second = sent(fetcher, 2)
  assert.deepEqual([second.sessionEpoch, named(second), forgotten(second)], [2, [[2, 10]], [1]])
  fetcher.follow(at(3))
  assert.equal(fetcher.nextRequest(3, brokerEpoch), null, 'two are enough')
  assert.deepEqual(types(fetcher.onResponse(4, answer(77, data(0, records('x')), data(1, records('x'))))), ['append 0'])
  fetcher.positioned(topicId, 0, 3, { logEndOffset: 11, logStartOffset: 0, lastEpoch: 3 })
  assert.deepEqual(named(sent(fetcher, 5)), [[3, 10], [0, 11]]) // prettier-ignore
})

test('an answer to an earlier request says nothing of a position that was sent in a later one, but the high watermark holds', () => {
  const fetcher = inSession(0, 1)
  sent(fetcher)
  fetcher.follow(at(2))
  sent(fetcher)
  fetcher.onResponse(1, answer(77, data(0, records('x'))))
  fetcher.positioned(topicId, 0, 3, { logEndOffset: 11, logStartOffset: 0, lastEpoch: 3 })
  sent(fetcher)
  const again = fetcher.onResponse(2, answer(77, data(0, { ...records('x'), highWatermark: 11 }), data(2)))
  assert.deepEqual(types(again), ['advance 0', 'advance 2'])
  assert.deepEqual(types(fetcher.onResponse(3, answer(77, data(0, records('y'))))), ['append 0'])
})

test('an answer of an older epoch of a partition is void', () => {
  const fetcher = inSession(0)
  sent(fetcher)
  fetcher.follow(at(0, { leaderEpoch: 4 }))
  assert.deepEqual(fetcher.onResponse(1, answer(77, data(0, records('x')))), [])
  assert.deepEqual(named(sent(fetcher)), [[0, 10]])
})

test('where an idle log stands is said again when it was said a while ago and answered, and not sooner', () => {
  const fetcher = inSession(0, 1)
  fetcher.repeat(499, topicId, 0)
  assert.deepEqual(named(sent(fetcher, 499)), [])
  fetcher.repeat(500, topicId, 0)
  assert.deepEqual(named(sent(fetcher, 500)), [[0, 10]])
  fetcher.repeat(1_200, topicId, 0)
  assert.equal(fetcher.nextRequest(1_200, brokerEpoch), null, 'its answer is still awaited')
  fetcher.onResponse(1_200, answer(77))
  fetcher.onResponse(1_200, answer(77))
  fetcher.repeat(1_200, topicId, 0)
  assert.deepEqual(named(sent(fetcher, 1_200)), [[0, 10]])
})

test('a thousand idle partitions make an empty request', () => {
  const fetcher = inSession(...Array.from({ length: 1000 }, (_, i) => i))
  assert.equal(fetcher.size, 1000)
  assert.deepEqual(named(sent(fetcher)), [])
})

const after13 = { logEndOffset: 13, logStartOffset: 0, lastEpoch: 3 }

test('what is still being synced is not claimed: a quick sync goes with the next request, a slow one is left out of the session', () => {
  const fetcher = inSession(0, 1)
  sent(fetcher, 1)
  fetcher.onResponse(2, answer(77, data(0, records('xyz'))))
  assert.equal(fetcher.settling(2, topicId, 0, 3), true)
  assert.equal(fetcher.settling(2, topicId, 0, 3), false, 'it is so already')
  assert.equal(fetcher.nextRequest(2, brokerEpoch), null)
  assert.equal(fetcher.wakeAt(), 5)
  const slow = sent(fetcher, 5)
  assert.deepEqual([named(slow), forgotten(slow)], [[], [0]])
  fetcher.positioned(topicId, 0, 3, after13)
  const done = sent(fetcher, 6)
  assert.deepEqual([named(done), forgotten(done)], [[[0, 13]], []])
})

test('a sync that is done in time costs no request of its own', () => {
  const fetcher = inSession(0, 1)
  sent(fetcher, 1)
  fetcher.onResponse(2, answer(77, data(0, records('xyz'))))
  fetcher.settling(2, topicId, 0, 3)
  fetcher.positioned(topicId, 0, 3, after13)
  const next = sent(fetcher, 3)
  assert.deepEqual([named(next), forgotten(next)], [[[0, 13]], []])
})

test('a partition that is being synced can be followed in another epoch, or no more, and leaves nothing behind', () => {
  const fetcher = inSession(0, 1)
  sent(fetcher, 1)
  fetcher.onResponse(2, answer(77, data(0, records('xyz')), data(1, records('xyz'))))
  fetcher.settling(2, topicId, 0, 3)
  fetcher.settling(2, topicId, 1, 3)
  assert.equal(fetcher.wakeAt(), Infinity, 'there is nothing else to ask for')
  fetcher.unfollow(topicId, 1)
  fetcher.follow(at(0, { leaderEpoch: 4, logEndOffset: 12 }))
  fetcher.positioned(topicId, 0, 3, after13)
  const next = sent(fetcher, 3)
  assert.deepEqual([named(next), forgotten(next)], [[[0, 12]], [1]])
})
