import { assert } from '../base/assert.ts'
import type { Entropy } from '../base/ports.ts'
import type { Millis, Uuid } from '../base/units.ts'
import { NO_UUID } from '../base/units.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequest, FetchResponseDraft } from '../protocol/messages/fetch.ts'
import { FetchInterest } from './fetch-interest.ts'
import { FetchSession, type SessionPartition } from './fetch-session.ts'
import { finalSessionEpoch, initialSessionEpoch, nextSessionEpoch, noSessionId } from './session-epochs.ts'

export interface FetchSessionsOptions {
  /** `max.incremental.fetch.session.cache.slots` */
  readonly slotsMax: number
  /** A session unused for longer gives way to any other; one younger than this is safe from larger ones. Kafka's is 120 s. */
  readonly evictionMs: Millis
  readonly entropy: Pick<Entropy, 'uint32'>
  readonly topics: TopicNames
}

/** Requests before v13 name topics, later ones identify them. */
export interface TopicNames {
  topicId(name: string): Uuid | undefined
  topicName(id: Uuid): string | undefined
}

/** What happened to a partition, for those who fetch it. */
export type TouchKind =
  /** Records were appended: followers may read on. */
  | 'appended'
  /** The high watermark (and with it perhaps the last stable offset) moved: consumers may read on; followers are told with the next answer. */
  | 'highWatermark'
  /** Leader, epoch, log start or existence changed: everyone is to look again. */
  | 'state'

/** Who sits on a fetch that had nothing to answer. Called in the turn of the change: note it down, act later. */
export interface FetchWaiter {
  /** A partition of the context may have more to say: `candidates()` has it. */
  onTouched(): void
  /** The client has sent its next request without waiting for this answer: answer in this turn, with what there is (`respond([])` will do). */
  onSuperseded(): void
}

/** One partition's part of an answer, as the log gave it. */
export type PartitionData = NonNullable<FetchResponseDraft['responses']>[number]['partitions'][number]

export interface PartitionResult {
  readonly partition: SessionPartition
  readonly data: PartitionData
  /** There are records for which the answer had no room: nothing new in `data` does not mean that there is nothing. */
  readonly isLeftOut?: boolean
}

/** The body of an answer but for throttling and node endpoints. */
export type FetchAnswer = Pick<FetchResponseDraft, 'errorCode' | 'sessionId' | 'responses'>

/**
 * The request that a fetch context stands for, from its arrival to its answer:
 *
 *   open → candidates → (read them) → respond                               an answer at once
 *   open → candidates → settle → watch → (onTouched) → candidates → respond  a long poll: what was read and had nothing new is not read again
 *
 * Every context ends with `respond`, `throttled` or, when its connection is gone, `abandon`.
 */
export class FetchContext {
  readonly kind: 'error' | 'sessionless' | 'full' | 'incremental'
  /** Of the whole request: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR or NONE. */
  readonly errorCode: ErrorCode
  private readonly sessions: FetchSessions
  private readonly session: FetchSession
  private waiter: FetchWaiter | null = null
  private taken: readonly SessionPartition[] = []

  constructor(kind: FetchContext['kind'], errorCode: ErrorCode, sessions: FetchSessions, session: FetchSession) {
    this.kind = kind
    this.errorCode = errorCode
    this.sessions = sessions
    this.session = session
  }

  /** All partitions that the request covers. */
  get size(): number {
    return this.session.size
  }

  /**
   * The partitions that may have something to say, in the order in which they should be read: those that were left out of earlier answers
   * for lack of room first, those that have just had data last. Cheap when few are. Each call begins anew.
   */
  candidates(): readonly SessionPartition[] {
    this.session.putBack(this.taken, [])
    this.taken = this.session.takeDirty(this.sessions.options.topics, this.sessions.interest)
    return this.taken
  }

  /** Those of the candidates that were read and have nothing new need not be read again until they are touched. */
  settle(results: readonly PartitionResult[]): void {
    this.session.putBack(this.taken, results)
    this.taken = []
  }

  /**
   * The answer with what was read of the candidates; an incremental one leaves out what its client knows already. The answer to a full or
   * sessionless request has to cover all partitions: give a result for each candidate, one that `isLeftOut` where there was no room.
   */
  respond(results: readonly PartitionResult[], now: Millis): FetchAnswer {
    if (this.errorCode !== ErrorCode.NONE) return emptyAnswer(this.errorCode, noSessionId)
    const answered = this.kind === 'incremental' ? results.filter(({ partition, data }) => partition.isNews(data)) : results
    this.settle(results)
    for (const { partition, data } of answered) partition.told(data)
    return { errorCode: ErrorCode.NONE, sessionId: this.end(now), responses: byTopic(answered, this.session.usesTopicIds) }
  }

  /** No data because of a quota; the session stays as it is. The caller adds the throttle time. */
  throttled(): FetchAnswer {
    this.abandon()
    return emptyAnswer(this.errorCode, this.kind === 'incremental' ? this.session.id : noSessionId)
  }

  /** From now on `waiter` is called. Look at `candidates()` once after this: something may have been touched before. */
  watch(waiter: FetchWaiter): void {
    this.waiter = waiter
    this.session.waiter = waiter
  }

  /** Nobody waits for the answer any longer. */
  abandon(): void {
    this.settle([])
    this.unwatch()
    if (this.kind === 'full' || this.kind === 'sessionless') this.sessions.discard(this.session)
  }

  /** The next request of the session may have put its own waiter there. */
  private unwatch(): void {
    if (this.waiter !== null && this.session.waiter === this.waiter) this.session.waiter = null
    this.waiter = null
  }

  private end(now: Millis): number {
    this.unwatch()
    if (this.kind === 'full') return this.sessions.keep(this.session, now)
    if (this.kind === 'sessionless') this.sessions.discard(this.session)
    return this.kind === 'incremental' ? this.session.id : noSessionId
  }
}

/**
 * The broker's side of fetch sessions (KIP-227; org.apache.kafka.server.FetchManager, FetchSessionCacheShard).
 *
 * Invariants:
 * 1. A partition of a session that is not dirty has nothing to say that its client does not know. So the broker touches a partition
 *    whenever something a fetch could show has changed, and an answer costs what changed, not what the session holds.
 * 2. A session is in the cache exactly if its id is not 0; the partitions of a session or open context are in `interest`, and no others.
 * 3. At most `slotsMax` sessions. A full cache gives one up for a newcomer if it is stale, or if it is old enough and worth less:
 *    a consumer's against a follower's, a smaller one's against a larger one's.
 */
export class FetchSessions {
  readonly options: FetchSessionsOptions
  readonly interest = new FetchInterest()
  private readonly cache = new Map<number, FetchSession>()
  private evicted = 0

  constructor(options: FetchSessionsOptions) {
    this.options = options
  }

  get size(): number {
    return this.cache.size
  }

  /** Sessions that had to give way, since the start. */
  get evictions(): number {
    return this.evicted
  }

  /** Partitions in all sessions. */
  get partitions(): number {
    let sum = 0
    for (const session of this.cache.values()) sum += session.size
    return sum
  }

  /** `version` of the request decides between names and ids; `isFollower` whether a replica asks. */
  open(request: FetchRequest, version: number, isFollower: boolean, now: Millis): FetchContext {
    const usesTopicIds = version >= firstVersionWithTopicIds
    const isFull = request.sessionEpoch === initialSessionEpoch || request.sessionEpoch === finalSessionEpoch
    if (!isFull) return this.openIncremental(request, usesTopicIds, isFollower, now)
    if (request.sessionId !== noSessionId) this.close(request.sessionId)
    const kind = request.sessionEpoch === finalSessionEpoch ? 'sessionless' : 'full'
    return this.openFresh(kind, request, usesTopicIds, isFollower, now)
  }

  /** Tells all who fetch the partition. Costs nothing when nobody does. */
  touch(topicId: Uuid, partition: number, kind: TouchKind): void {
    this.interest.touch(topicId, partition, kind)
  }

  /** Gives a full request's session a place in the cache, if there is one for it; returns its id, or 0. */
  keep(session: FetchSession, now: Millis): number {
    assert(session.id === noSessionId, 'a session is kept twice')
    if (session.size === 0 || (this.cache.size >= this.options.slotsMax && !this.evictFor(session, now))) {
      this.discard(session)
      return noSessionId
    }
    session.id = this.newId()
    session.epoch = nextSessionEpoch(initialSessionEpoch)
    session.used(now)
    this.cache.set(session.id, session)
    return session.id
  }

  discard(session: FetchSession): void {
    for (const partition of session.partitions()) this.interest.remove(partition)
  }

  private openFresh(
    kind: 'full' | 'sessionless',
    request: FetchRequest,
    usesTopicIds: boolean,
    isFollower: boolean,
    now: Millis,
  ): FetchContext {
    const session = new FetchSession(usesTopicIds, isFollower, now)
    session.update(request, this.options.topics, this.interest)
    return new FetchContext(kind, ErrorCode.NONE, this, session)
  }

  private openIncremental(request: FetchRequest, usesTopicIds: boolean, isFollower: boolean, now: Millis): FetchContext {
    const session = this.cache.get(request.sessionId)
    if (session === undefined) return this.refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND, now)
    if (session.epoch !== request.sessionEpoch) return this.refused(ErrorCode.INVALID_FETCH_SESSION_EPOCH, now)
    if (session.usesTopicIds !== usesTopicIds) return this.refused(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR, now)
    session.waiter?.onSuperseded()
    session.update(request, this.options.topics, this.interest)
    if (session.size === 0) {
      this.close(session.id)
      return this.openFresh('sessionless', request, usesTopicIds, isFollower, now)
    }
    this.use(session, now)
    return new FetchContext('incremental', ErrorCode.NONE, this, session)
  }

  private refused(error: ErrorCode, now: Millis): FetchContext {
    return new FetchContext('error', error, this, new FetchSession(true, false, now))
  }

  /** The cache is in order of use, the least recent first. */
  private use(session: FetchSession, now: Millis): void {
    session.epoch = nextSessionEpoch(session.epoch)
    session.used(now)
    this.cache.delete(session.id)
    this.cache.set(session.id, session)
  }

  private close(id: number): void {
    const session = this.cache.get(id)
    if (session === undefined) return
    this.cache.delete(id)
    this.discard(session)
  }

  private evictFor(newcomer: FetchSession, now: Millis): boolean {
    const victim = this.staleSession(now) ?? this.leastSession(newcomer, now)
    if (victim === null) return false
    this.evicted += 1
    this.close(victim.id)
    return true
  }

  private staleSession(now: Millis): FetchSession | null {
    for (const session of this.cache.values()) return now - session.lastUsed > this.options.evictionMs ? session : null
    return null
  }

  /** The least of those that the newcomer may push out, if it is no more than the newcomer. */
  private leastSession(newcomer: FetchSession, now: Millis): FetchSession | null {
    let least: FetchSession | null = null
    for (const session of this.cache.values()) {
      const isOld = session.lastUsed - session.created > this.options.evictionMs
      if (!isOld && !(newcomer.isFollower && !session.isFollower)) continue
      if (least === null || worth(session, least) < 0) least = session
    }
    assert(least === null || now >= least.created, 'a session from the future')
    return least !== null && worth(newcomer, least) >= 0 ? least : null
  }

  private newId(): number {
    for (;;) {
      const id = this.options.entropy.uint32() & sessionIdMask
      if (id !== noSessionId && !this.cache.has(id)) return id
    }
  }
}

const firstVersionWithTopicIds = 13
/** Ids are positive int32. */
const sessionIdMask = 0x7fff_ffff

function worth(a: FetchSession, b: FetchSession): number {
  return Number(a.isFollower) - Number(b.isFollower) || a.size - b.size
}

function emptyAnswer(errorCode: ErrorCode, sessionId: number): FetchAnswer {
  return { errorCode, sessionId, responses: [] }
}

/** Neighbours of one topic share its entry. */
function byTopic(results: readonly PartitionResult[], usesTopicIds: boolean): FetchAnswer['responses'] {
  const topics: { topic: string; topicId: Uuid; partitions: PartitionData[] }[] = []
  for (const { partition, data } of results) {
    const last = topics.at(-1)
    if (last !== undefined && (usesTopicIds ? last.topicId === partition.topicId : last.topic === partition.topic))
      last.partitions.push(data)
    else
      topics.push({ topic: usesTopicIds ? '' : partition.topic, topicId: usesTopicIds ? partition.topicId : NO_UUID, partitions: [data] })
  }
  return topics
}
