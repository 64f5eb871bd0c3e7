import { assert } from '../base/assert.ts'
import { NO_UUID, type Epoch, type Millis, type Offset, type Uuid } from '../base/units.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequest } from '../protocol/messages/fetch.ts'
import type { FetchInterest } from './fetch-interest.ts'
import type { FetchWaiter, PartitionData, PartitionResult, TopicNames, TouchKind } from './fetch-sessions.ts'
import { initialSessionEpoch, noSessionId } from './session-epochs.ts'

type RequestedTopic = FetchRequest['topics'][number]
type RequestedPartition = RequestedTopic['partitions'][number]

/** One partition of a session: what its client last asked, and what it was last told (FetchSession.CachedPartition). */
export class SessionPartition {
  /** The name the request gave, or that of the id; '' when the id is not known. */
  topic: string
  /** The id the request gave, or that of the name; the zero UUID when the name is not known. */
  topicId: Uuid
  readonly partition: number
  fetchOffset: Offset = -1
  /** -1: the client does not say. */
  currentLeaderEpoch: Epoch = -1
  /** -1: the client does not say. */
  lastFetchedEpoch: Epoch = -1
  /** Where the log of a follower starts; -1 for a consumer. */
  logStartOffset: Offset = -1
  maxBytes = 0
  private readonly session: FetchSession
  private toldHighWatermark: Offset = -1
  private toldLogStartOffset: Offset = -1

  constructor(session: FetchSession, topic: string, topicId: Uuid, partition: number) {
    this.session = session
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
  }

  asked(request: RequestedPartition): void {
    this.fetchOffset = request.fetchOffset
    this.currentLeaderEpoch = request.currentLeaderEpoch
    this.lastFetchedEpoch = request.lastFetchedEpoch
    this.logStartOffset = request.logStartOffset
    this.maxBytes = request.partitionMaxBytes
  }

  touched(kind: TouchKind): void {
    const isFollower = this.session.isFollower
    if (kind === 'appended' && !isFollower) return
    this.session.markDirty(this)
    if (kind !== 'highWatermark' || !isFollower) this.session.waiter?.onTouched()
  }

  /** Whether the client must be told: records, errors, divergence, another replica to read from, or offsets that moved. */
  isNews(data: PartitionData): boolean {
    if (hasRecords(data) || data.errorCode !== ErrorCode.NONE) return true
    if (data.highWatermark !== this.toldHighWatermark || (data.logStartOffset ?? -1) !== this.toldLogStartOffset) return true
    return (data.preferredReadReplica ?? -1) >= 0 || (data.divergingEpoch?.epoch ?? -1) >= 0
  }

  /** After an error the high watermark counts as untold, so that the client hears when it is over. */
  told(data: PartitionData): void {
    this.toldHighWatermark = data.errorCode === ErrorCode.NONE ? data.highWatermark : -1
    this.toldLogStartOffset = data.logStartOffset ?? -1
  }
}

function hasRecords({ records }: PartitionData): boolean {
  if (records === null || records === undefined) return false
  return Buffer.isBuffer(records) ? records.length > 0 : records.some((piece) => piece.length > 0)
}

/** The partitions a client fetches, be it for one request or for a session of many. */
export class FetchSession {
  readonly usesTopicIds: boolean
  /** Followers' sessions are worth more than consumers' when the cache is full. */
  readonly isFollower: boolean
  readonly created: Millis
  lastUsed: Millis
  /** 0 while not in the cache. */
  id = noSessionId
  /** The epoch that the next request has to name. */
  epoch = initialSessionEpoch
  waiter: FetchWaiter | null = null
  private readonly topics = new Map<string, Map<number, SessionPartition>>()
  private count = 0
  /** In the order in which they are to be read. */
  private dirty = new Set<SessionPartition>()

  constructor(usesTopicIds: boolean, isFollower: boolean, now: Millis) {
    this.usesTopicIds = usesTopicIds
    this.isFollower = isFollower
    this.created = now
    this.lastUsed = now
  }

  get size(): number {
    return this.count
  }

  used(now: Millis): void {
    this.lastUsed = now
  }

  *partitions(): Iterable<SessionPartition> {
    for (const ofTopic of this.topics.values()) yield* ofTopic.values()
  }

  markDirty(partition: SessionPartition): void {
    this.dirty.add(partition)
  }

  /** Takes in what the request adds, changes and forgets. */
  update(request: FetchRequest, names: TopicNames, interest: FetchInterest): void {
    for (const topic of request.topics) this.ask(topic, names, interest)
    for (const topic of request.forgottenTopicsData) {
      for (const partition of topic.partitions) this.forget(this.keyOf(topic), partition, interest)
    }
  }

  /** Hands out the dirty partitions; `putBack` returns those that stay dirty. Names that meant nothing before are looked up again. */
  takeDirty(names: TopicNames, interest: FetchInterest): readonly SessionPartition[] {
    const taken = [...this.dirty]
    this.dirty.clear()
    for (const partition of taken) this.resolve(partition, names, interest)
    return taken
  }

  /**
   * Of those taken, the ones without a result or without room for one stay dirty and go first; then come those touched meanwhile; then those
   * with an error or data, for they may have more. The rest had nothing new.
   */
  putBack(taken: readonly SessionPartition[], results: readonly PartitionResult[]): void {
    if (taken.length === 0) return
    const read = new Set(results.filter(({ isLeftOut }) => isLeftOut !== true).map(({ partition }) => partition))
    const unread = taken.filter((partition) => !read.has(partition) && this.holds(partition))
    const more = results.filter(({ partition, data }) => this.holds(partition) && partition.isNews(data)).map(({ partition }) => partition)
    this.dirty = new Set([...unread, ...this.dirty, ...more])
  }

  private holds(partition: SessionPartition): boolean {
    return this.topics.get(this.keyOf(partition))?.get(partition.partition) === partition
  }

  private keyOf(topic: { readonly topic: string; readonly topicId: Uuid }): string {
    return this.usesTopicIds ? topic.topicId : topic.topic
  }

  private ask(topic: RequestedTopic, names: TopicNames, interest: FetchInterest): void {
    const key = this.keyOf(topic)
    let ofTopic = this.topics.get(key)
    if (ofTopic === undefined) this.topics.set(key, (ofTopic = new Map()))
    for (const request of topic.partitions) {
      let partition = ofTopic.get(request.partition)
      if (partition === undefined) {
        partition = this.add(ofTopic, topic, request.partition, names, interest)
      }
      partition.asked(request)
      this.dirty.add(partition)
    }
    if (ofTopic.size === 0) this.topics.delete(key)
  }

  private add(
    ofTopic: Map<number, SessionPartition>,
    topic: RequestedTopic,
    index: number,
    names: TopicNames,
    interest: FetchInterest,
  ): SessionPartition {
    const added = this.usesTopicIds
      ? new SessionPartition(this, names.topicName(topic.topicId) ?? '', topic.topicId, index)
      : new SessionPartition(this, topic.topic, names.topicId(topic.topic) ?? NO_UUID, index)
    ofTopic.set(index, added)
    this.count += 1
    interest.add(added)
    return added
  }

  private forget(key: string, index: number, interest: FetchInterest): void {
    const ofTopic = this.topics.get(key)
    const gone = ofTopic?.get(index)
    if (ofTopic === undefined || gone === undefined) return
    ofTopic.delete(index)
    if (ofTopic.size === 0) this.topics.delete(key)
    this.count -= 1
    assert(this.count >= 0, 'a session lost more partitions than it had')
    this.dirty.delete(gone)
    interest.remove(gone)
  }

  /** A topic may have come, gone or been made anew under its name. */
  private resolve(partition: SessionPartition, names: TopicNames, interest: FetchInterest): void {
    if (this.usesTopicIds) {
      if (partition.topic === '') partition.topic = names.topicName(partition.topicId) ?? ''
      return
    }
    const topicId = names.topicId(partition.topic) ?? NO_UUID
    if (topicId === partition.topicId) return
    interest.remove(partition)
    partition.topicId = topicId
    interest.add(partition)
  }
}
