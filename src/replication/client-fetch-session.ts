import { assert } from '../base/assert.ts'
import { addTo } from '../base/grouped.ts'
import type { Millis, Uuid } from '../base/units.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequestDraft, FetchResponse } from '../protocol/messages/fetch.ts'
import type { FetchedPartition } from './fetched-partition.ts'
import { initialSessionEpoch, nextSessionEpoch, noSessionId } from './session-epochs.ts'

type SessionPart = Pick<FetchRequestDraft, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'>
type TopicDraft = FetchRequestDraft['topics'][number]
type ForgottenTopic = NonNullable<FetchRequestDraft['forgottenTopicsData']>[number]

interface UnderWay {
  readonly number: number
  readonly isFull: boolean
  readonly partitions: number
  /** A session that was given up since takes its answers with it. */
  isVoid: boolean
}

/** Requests at once: one that the leader may sit on, and one with news. */
const requestsUnderWayMax = 2

/**
 * The client's side of a fetch session (org.apache.kafka.clients.FetchSessionHandler).
 *
 *   none --full request, answered with an id--> open --incremental requests--> open
 *   none --full request, answered with id 0--> none: the broker has no room, each request is a full one
 *   open --session error, failure, surprising answer--> none; the next full request names the old id so that the broker closes it
 */
export class ClientFetchSession {
  private id = noSessionId
  /** Of the next request; 0 asks for a new session. */
  private epoch = initialSessionEpoch
  private readonly changed = new Set<FetchedPartition>()
  private readonly forgotten = new Map<string, FetchedPartition>()
  private readonly known = new Set<string>()
  private readonly underWay: UnderWay[] = []
  private requests = 0

  /** Something should be told to the leader that it has not been told yet. */
  get hasNews(): boolean {
    return this.changed.size > 0
  }

  get isWaiting(): boolean {
    return this.underWay.length > 0
  }

  /** Another request may follow one that is under way only within an open session, for its epoch has to be known. */
  get mayHaveAnother(): boolean {
    return this.underWay.length === 0 || (this.underWay.length < requestsUnderWayMax && this.epoch !== initialSessionEpoch)
  }

  /** What the next request says of the partition differs from what the last one said. */
  change(partition: FetchedPartition): void {
    this.forgotten.delete(nameOf(partition))
    this.changed.add(partition)
  }

  forget(partition: FetchedPartition): void {
    this.changed.delete(partition)
    const name = nameOf(partition)
    if (this.known.has(name)) this.forgotten.set(name, partition)
  }

  next(now: Millis, ready: () => Iterable<FetchedPartition>, partitionMaxBytes: number): SessionPart {
    assert(this.mayHaveAnother, 'a fetch request too many')
    const isFull = this.epoch === initialSessionEpoch
    if (isFull) this.known.clear()
    this.requests += 1
    const part: SessionPart = {
      sessionId: this.id,
      sessionEpoch: this.epoch,
      topics: this.topicsOf(now, isFull ? ready() : this.changed, partitionMaxBytes),
      forgottenTopicsData: isFull ? [] : this.forgottenTopics(),
    }
    this.underWay.push({
      number: this.requests,
      isFull,
      partitions: part.topics.reduce((sum, topic) => sum + topic.partitions.length, 0),
      isVoid: false,
    })
    if (!isFull) this.epoch = nextSessionEpoch(this.epoch)
    this.changed.clear()
    this.forgotten.clear()
    return part
  }

  /**
   * The number of the request that was answered. `stale`: it was of a session that was given up meanwhile. `refused`: nothing in it can be
   * used, and the next request is a full one.
   */
  answered(response: FetchResponse): number | 'refused' | 'stale' {
    const request = this.underWay.shift()
    assert(request !== undefined, 'a fetch response without a request')
    if (request.isVoid) return 'stale'
    if (response.errorCode !== ErrorCode.NONE) {
      this.giveUp(response.errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND ? noSessionId : this.id)
      return 'refused'
    }
    if (request.isFull) this.opened(request, response)
    else if (response.sessionId !== this.id) this.giveUp(noSessionId)
    return request.number
  }

  /** No answer will come to what is under way. */
  reset(): void {
    this.giveUp(this.id)
    this.underWay.length = 0
  }

  /** A leader that left out a partition has not put it into the session either. */
  private opened(request: UnderWay, response: FetchResponse): void {
    const answered = response.responses.reduce((sum, topic) => sum + topic.partitions.length, 0)
    this.id = response.sessionId
    this.epoch =
      response.sessionId !== noSessionId && answered === request.partitions ? nextSessionEpoch(initialSessionEpoch) : initialSessionEpoch
  }

  private giveUp(id: number): void {
    for (const request of this.underWay) request.isVoid = true
    this.id = id
    this.epoch = initialSessionEpoch
    this.known.clear()
  }

  private topicsOf(now: Millis, partitions: Iterable<FetchedPartition>, partitionMaxBytes: number): TopicDraft[] {
    const topics = new Map<Uuid, TopicDraft['partitions'][number][]>()
    for (const partition of partitions) {
      partition.sent(now, this.requests)
      this.known.add(nameOf(partition))
      addTo(topics, partition.topicId, {
        partition: partition.partition,
        currentLeaderEpoch: partition.leaderEpoch,
        fetchOffset: partition.logEndOffset,
        lastFetchedEpoch: partition.lastEpoch,
        logStartOffset: partition.logStartOffset,
        partitionMaxBytes,
      })
    }
    return Array.from(topics, ([topicId, ofTopic]) => ({ topicId, partitions: ofTopic }))
  }

  private forgottenTopics(): ForgottenTopic[] {
    const topics = new Map<Uuid, number[]>()
    for (const [name, partition] of this.forgotten) {
      this.known.delete(name)
      addTo(topics, partition.topicId, partition.partition)
    }
    return Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions }))
  }
}

function nameOf(partition: FetchedPartition): string {
  return `${partition.topicId}-${partition.partition}`
}
