import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequest } from '../protocol/messages/fetch.ts'
import { type FetchContext, FetchSessions, type FetchWaiter, type PartitionData, type PartitionResult } from './fetch-sessions.ts'
import { toRequest } from '../sim/replication/fetch-forms.ts'

const topicA = 'topicAAAAAAAAAAAAAAAAA'
const topicB = 'topicBAAAAAAAAAAAAAAAA'
const withIds = 17
const withNames = 11

function newSessions(slotsMax = 10, ids = new Map([['a', topicA]])): FetchSessions {
  const topics = { topicId: (name: string) => ids.get(name), topicName: (id: string) => [...ids].find(([, each]) => each === id)?.[0] }
  return new FetchSessions({ slotsMax, evictionMs: 120_000, entropy: new Prng(1), topics })
}

interface Asked {
  readonly id?: number
  readonly epoch?: number
  readonly partitions?: readonly (readonly [partition: number, fetchOffset: number])[]
  readonly forgotten?: readonly number[]
  readonly topic?: string
}

function request({ id = 0, epoch = 0, partitions = [], forgotten = [], topic = '' }: Asked): FetchRequest {
  const names = topic === '' ? { topicId: topicA } : { topic }
  return toRequest({
    maxWaitMs: 0,
    minBytes: 1,
    sessionId: id,
    sessionEpoch: epoch,
    topics:
      partitions.length === 0
        ? []
        : [{ ...names, partitions: partitions.map(([partition, fetchOffset]) => ({ partition, fetchOffset, partitionMaxBytes: 100 })) }],
    forgottenTopicsData: forgotten.length === 0 ? [] : [{ ...names, partitions: forgotten }],
  })
}

function data(partitionIndex: number, changes: Partial<PartitionData> = {}): PartitionData {
  return {
    partitionIndex,
    errorCode: 0,
    highWatermark: 7,
    logStartOffset: 0,
    abortedTransactions: null,
    records: Buffer.alloc(0),
    ...changes,
  }
}

/** Reads all candidates; those named have records. */
function read(context: FetchContext, changes: ReadonlyMap<number, Partial<PartitionData>> = new Map()): PartitionResult[] {
  return context.candidates().map((partition) => ({ partition, data: data(partition.partition, changes.get(partition.partition)) }))
}

const some = (...partitions: number[]): Map<number, Partial<PartitionData>> =>
  new Map(partitions.map((each) => [each, { records: Buffer.from('x') }]))
const indexes = (context: FetchContext): number[] => context.candidates().map(({ partition }) => partition)
const answered = (answer: { readonly responses?: readonly { readonly partitions: readonly PartitionData[] }[] }): number[] =>
  (answer.responses ?? []).flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex))

/** A session of partitions 0, 1, 2, all of them answered with nothing. */
function opened(sessions: FetchSessions, isFollower = true, now = 0): number {
  const context = sessions.open(request({ partitions: [[0, 5], [1, 5], [2, 5]] }), withIds, isFollower, now) // prettier-ignore
  const { sessionId } = context.respond(read(context), now)
  assert(sessionId !== undefined && sessionId > 0)
  return sessionId
}

test('a full request is answered with all its partitions and the id of a new session', () => {
  const sessions = newSessions()
  const context = sessions.open(request({ partitions: [[0, 5], [1, 6]] }), withIds, false, 0) // prettier-ignore
  assert.equal(context.kind, 'full')
  const answer = context.respond(read(context), 0)
  assert.deepEqual(answered(answer), [0, 1])
  assert.equal(answer.responses?.[0]?.topicId, topicA)
  assert.equal(sessions.size, 1)
})

test('an incremental answer has only what its client does not know', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const first = sessions.open(request({ id, epoch: 1 }), withIds, true, 1)
  assert.deepEqual(answered(first.respond(read(first), 1)), [])
  for (const partition of [0, 1, 2]) sessions.touch(topicA, partition, 'state')
  const second = sessions.open(request({ id, epoch: 2 }), withIds, true, 2)
  const changes = new Map<number, Partial<PartitionData>>([[0, { highWatermark: 8 }], [1, { logStartOffset: 3 }]]) // prettier-ignore
  assert.deepEqual(answered(second.respond(read(second, changes), 2)), [0, 1])
})

test('a partition without news is a candidate again only when it is touched', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const settle = sessions.open(request({ id, epoch: 1 }), withIds, true, 1)
  settle.respond(read(settle), 1)
  sessions.touch(topicA, 1, 'appended')
  sessions.touch(topicB, 2, 'appended')
  const next = sessions.open(request({ id, epoch: 2 }), withIds, true, 2)
  assert.deepEqual(indexes(next), [1])
  assert.deepEqual(answered(next.respond(read(next, some(1)), 2)), [1])
})

test('a partition that had records or an error stays a candidate until it has nothing new', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const settle = sessions.open(request({ id, epoch: 1, partitions: [[0, 5], [2, 5]] }), withIds, true, 1) // prettier-ignore
  const results = read(settle, new Map<number, Partial<PartitionData>>([[0, { records: Buffer.from('x') }], [2, { errorCode: 3, highWatermark: -1 }]])) // prettier-ignore
  assert.deepEqual(answered(settle.respond(results, 1)), [0, 2])
  const next = sessions.open(request({ id, epoch: 2 }), withIds, true, 2)
  assert.deepEqual(indexes(next), [0, 2])
  assert.deepEqual(answered(next.respond(read(next), 2)), [2], 'the end of an error is told')
  assert.deepEqual(indexes(sessions.open(request({ id, epoch: 3 }), withIds, true, 3)), [2])
})

test('partitions without room come first the next time, those that had data last', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const crowded = sessions.open(request({ id, epoch: 1, partitions: [[0, 5], [1, 5], [2, 5]] }), withIds, true, 1) // prettier-ignore
  const [first] = read(crowded, some(0))
  assert(first !== undefined)
  assert.deepEqual(answered(crowded.respond([first], 1)), [0])
  assert.deepEqual(indexes(sessions.open(request({ id, epoch: 2, partitions: [[0, 6]] }), withIds, true, 2)), [1, 2, 0])
})

test('what a full answer had no room for is a candidate of the next request, though nothing touches it', () => {
  const sessions = newSessions()
  const context = sessions.open(request({ partitions: [[0, 5], [1, 5], [2, 5]] }), withIds, true, 0) // prettier-ignore
  const results = read(context, some(0)).map((result) => ({ ...result, isLeftOut: result.partition.partition > 0 }))
  const { sessionId: id = 0 } = context.respond(results, 0)
  assert.deepEqual(indexes(sessions.open(request({ id, epoch: 1, partitions: [[0, 6]] }), withIds, true, 1)), [1, 2, 0])
})

test('what is touched between reading and answering is not forgotten', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const context = sessions.open(request({ id, epoch: 1, partitions: [[1, 5]] }), withIds, true, 1)
  const results = read(context)
  sessions.touch(topicA, 1, 'appended')
  context.settle(results)
  assert.deepEqual(indexes(context), [1])
})

test('touching wakes followers for appends and consumers for high watermarks, and both for changes of state', () => {
  for (const [isFollower, expected] of [
    [true, ['appended', 'state']],
    [false, ['highWatermark', 'state']],
  ] as const) {
    const sessions = newSessions()
    const id = opened(sessions, isFollower)
    const context = sessions.open(request({ id, epoch: 1 }), withIds, isFollower, 1)
    context.settle(read(context))
    const woken: string[] = []
    let kind = ''
    context.watch({ onTouched: () => woken.push(kind), onSuperseded: () => assert.fail() })
    for (kind of ['appended', 'highWatermark', 'state'] as const) sessions.touch(topicA, 1, kind as 'state')
    assert.deepEqual(woken, expected)
    assert.deepEqual(indexes(context), [1])
    context.abandon()
    sessions.touch(topicA, 1, 'state')
    assert.deepEqual(woken, expected)
  }
})

test('a full or sessionless request is woken too, until it is answered or given up', () => {
  for (const epoch of [0, -1]) {
    const sessions = newSessions()
    const context = sessions.open(request({ epoch, partitions: [[0, 5]] }), withIds, false, 0)
    context.settle(read(context))
    let woken = 0
    context.watch({ onTouched: () => (woken += 1), onSuperseded: () => assert.fail() })
    sessions.touch(topicA, 0, 'highWatermark')
    assert.deepEqual([woken, indexes(context)], [1, [0]])
    context.abandon()
    sessions.touch(topicA, 0, 'highWatermark')
    assert.equal(woken, 1)
    assert.equal(sessions.size, 0)
  }
})

test('the next request of a session supersedes one that is waited on, and both are answered in order', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const first = sessions.open(request({ id, epoch: 1 }), withIds, true, 1)
  first.settle(read(first))
  const answers: (readonly number[])[] = []
  const waiter: FetchWaiter = { onTouched: () => assert.fail(), onSuperseded: () => answers.push(answered(first.respond([], 2))) }
  first.watch(waiter)
  const second = sessions.open(request({ id, epoch: 2, partitions: [[3, 0]] }), withIds, true, 2)
  assert.deepEqual(answers, [[]])
  assert.deepEqual(answered(second.respond(read(second, some(3)), 2)), [3])
})

test('session errors are those of Kafka', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const refusals: readonly (readonly [FetchRequest, number, ErrorCode])[] = [
    [request({ id: id ^ 1, epoch: 1 }), withIds, ErrorCode.FETCH_SESSION_ID_NOT_FOUND],
    [request({ id, epoch: 2 }), withIds, ErrorCode.INVALID_FETCH_SESSION_EPOCH],
    [request({ id, epoch: 1 }), withNames, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR],
  ]
  for (const [asked, version, error] of refusals) {
    const context = sessions.open(asked, version, true, 1)
    assert.deepEqual([context.kind, context.errorCode], ['error', error])
    assert.deepEqual(context.respond([], 1), { errorCode: error, sessionId: 0, responses: [] })
  }
  assert.equal(sessions.open(request({ id, epoch: 1 }), withIds, true, 1).errorCode, ErrorCode.NONE)
})

test('a full request closes the session it names; a final one asks for none', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const context = sessions.open(request({ id, epoch: -1, partitions: [[0, 5]] }), withIds, true, 1)
  assert.equal(context.kind, 'sessionless')
  assert.equal(context.respond(read(context), 1).sessionId, 0)
  assert.equal(sessions.size, 0)
  assert.equal(sessions.open(request({ id, epoch: 1 }), withIds, true, 1).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
})

test('forgotten partitions are gone, and with the last of them the session', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const fewer = sessions.open(request({ id, epoch: 1, forgotten: [0, 1] }), withIds, true, 1)
  assert.deepEqual([fewer.size, indexes(fewer), sessions.partitions], [1, [2], 1])
  sessions.touch(topicA, 0, 'appended')
  assert.deepEqual(indexes(fewer), [2])
  fewer.abandon()
  assert.equal(sessions.open(request({ id, epoch: 2, forgotten: [2] }), withIds, true, 1).kind, 'sessionless')
  assert.equal(sessions.size, 0)
})

test('a throttled answer is empty and leaves the session as it was', () => {
  const sessions = newSessions()
  const id = opened(sessions)
  const context = sessions.open(request({ id, epoch: 1, partitions: [[1, 9]] }), withIds, false, 1)
  context.candidates()
  assert.deepEqual(context.throttled(), { errorCode: 0, sessionId: id, responses: [] })
  assert.deepEqual(indexes(sessions.open(request({ id, epoch: 2 }), withIds, false, 2)), [0, 1, 2]) // prettier-ignore
})

test('names are looked up when the request comes, and again for as long as they mean nothing', () => {
  const ids = new Map<string, string>()
  const sessions = newSessions(10, ids)
  const first = sessions.open(request({ partitions: [[0, 5]], topic: 'b' }), withNames, false, 0)
  const unknown = new Map<number, Partial<PartitionData>>([[0, { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, highWatermark: -1 }]])
  const { sessionId: id = 0 } = first.respond(read(first, unknown), 0)
  ids.set('b', topicB)
  const second = sessions.open(request({ id, epoch: 1, topic: 'b' }), withNames, false, 1)
  assert.deepEqual(
    second.candidates().map(({ topicId }) => topicId),
    [topicB],
  )
  const answer = second.respond(read(second), 1)
  assert.deepEqual([answer.responses?.[0]?.topic, answered(answer)], ['b', [0]])
  sessions.touch(topicB, 0, 'highWatermark')
  assert.deepEqual(indexes(sessions.open(request({ id, epoch: 2 }), withNames, false, 2)), [0])
})

test('a full cache has room for a follower before a consumer, for a larger one before a smaller old one, and for anyone before a stale one', () => {
  const sessions = newSessions(1)
  const tries = (isFollower: boolean, count: number, now: number): boolean => {
    const partitions = Array.from({ length: count }, (_, i): [number, number] => [i, 0])
    const context = sessions.open(request({ partitions }), withIds, isFollower, now)
    return context.respond(read(context), now).sessionId !== 0
  }
  assert(tries(false, 2, 0))
  assert(!tries(false, 5, 1_000), 'the one that is there is young')
  assert(tries(true, 1, 1_000), 'a follower')
  assert(!tries(true, 9, 2_000), 'a follower that is young')
  assert(!tries(false, 9, 2_000), 'a consumer')
  assert(tries(false, 1, 200_000), 'the one that was there is stale')
  assert.deepEqual([sessions.size, sessions.evictions, sessions.partitions], [1, 2, 1])
})

test('a session that is old and used gives way to a larger one only', () => {
  const sessions = newSessions(1)
  const id = opened(sessions, false, 0)
  sessions.open(request({ id, epoch: 1 }), withIds, false, 70_000)
  sessions.open(request({ id, epoch: 2 }), withIds, false, 130_000)
  const small = sessions.open(request({ partitions: [[0, 0]] }), withIds, false, 131_000)
  assert.equal(small.respond(read(small), 131_000).sessionId, 0)
  const large = sessions.open(request({ partitions: [[0, 0], [1, 0], [2, 0], [3, 0]] }), withIds, false, 131_000) // prettier-ignore
  assert.notEqual(large.respond(read(large), 131_000).sessionId, 0)
})

test('one append to a session of a thousand partitions makes one candidate', () => {
  const sessions = newSessions()
  const partitions = Array.from({ length: 1000 }, (_, i): [number, number] => [i, 0])
  const full = sessions.open(request({ partitions }), withIds, true, 0)
  const { sessionId: id = 0 } = full.respond(read(full), 0)
  const quiet = sessions.open(request({ id, epoch: 1 }), withIds, true, 0)
  quiet.settle(read(quiet))
  assert.deepEqual(indexes(quiet), [])
  sessions.touch(topicA, 777, 'appended')
  assert.deepEqual(indexes(quiet), [777])
})
