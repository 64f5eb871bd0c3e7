import { assert } from '../base/assert.ts'
import { NEVER, type Epoch, type Millis, type NodeId, type Offset, type Uuid } from '../base/units.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequestDraft, FetchResponse } from '../protocol/messages/fetch.ts'
import { ClientFetchSession } from './client-fetch-session.ts'
import { FetchedPartition } from './fetched-partition.ts'

export interface ReplicaFetcherOptions {
  readonly replicaId: NodeId
  /** `replica.fetch.wait.max.ms` */
  readonly maxWaitMs: Millis
  /** `replica.fetch.min.bytes` */
  readonly minBytes: number
  /** `replica.fetch.response.max.bytes` */
  readonly maxBytes: number
  /** `replica.fetch.max.bytes`, per partition */
  readonly partitionMaxBytes: number
  /** `replica.fetch.backoff.ms`: after a failed request, and for a partition after an error. */
  readonly retryBackoffMs: Millis
}

/** Where the local log stands: what the next fetch may claim to hold. */
export interface LogPosition {
  readonly logEndOffset: Offset
  readonly logStartOffset: Offset
  /** The last epoch in the log's epoch history; -1 for a log without one. */
  readonly lastEpoch: Epoch
}

export interface PartitionToFetch extends LogPosition {
  readonly topicId: Uuid
  readonly partition: number
  readonly leaderEpoch: Epoch
}

interface OnPartition {
  readonly topicId: Uuid
  readonly partition: number
  /** Of the follower when it asked: an action is void once the partition is in another epoch. */
  readonly leaderEpoch: Epoch
}

/**
 * What the driver has to do with a partition. After `append`, `truncate`, `truncateTo` and `startAt` it must say `positioned` or `failed`,
 * after `askLeaderOffsets` it must say `leaderOffsets`; until then no further request leaves. When the new position may not be claimed yet, it
 * says `settling`, and `positioned` later.
 */
export type FetchAction =
  /**
   * Append whole batches, which begin at the log's end; stop before a batch whose partition leader epoch is above `leaderEpoch`
   * (KAFKA-18723). Then, as for `advance`: the leader's high watermark and log start.
   */
  | (OnPartition & { readonly type: 'append'; readonly records: Buffer; readonly highWatermark: Offset; readonly logStartOffset: Offset })
  /** Nothing new but what the leader said of itself. */
  | (OnPartition & { readonly type: 'advance'; readonly highWatermark: Offset; readonly logStartOffset: Offset })
  /** The logs differ: at the leader, `epoch` is the last epoch not above the follower's last one, and ends at `endOffset`. See `truncationOffset`. */
  | (OnPartition & { readonly type: 'truncate'; readonly epoch: Epoch; readonly endOffset: Offset })
  /** The leader's log ends before ours and its epochs do not say where we part: only an unclean election does that. */
  | (OnPartition & { readonly type: 'truncateTo'; readonly offset: Offset })
  /** The leader no longer has what we would need: drop the whole log and begin at its log start offset. */
  | (OnPartition & { readonly type: 'startAt'; readonly offset: Offset })
  /** Ask the leader (ListOffsets, as a replica) where its log starts and ends. */
  | (OnPartition & { readonly type: 'askLeaderOffsets' })
  /** The leader refused; it is tried again later or, if fenced, when metadata brings a new epoch. For the log and for metrics. */
  | (OnPartition & { readonly type: 'refused'; readonly error: number; readonly waitsForMetadata: boolean })

/**
 * Fetches the partitions that this broker follows from one leader broker, all in one incremental fetch session (KIP-227): a request names
 * only partitions whose position changed, a response only those with something new, so idle partitions cost nothing.
 *
 * A partition is  ready --append, truncate, …--> busy --positioned--> ready
 *                 busy --settling--> settling --positioned--> ready
 *                 ready --an error that passes--> delayed --the time is over--> ready
 *                 ready --FENCED_LEADER_EPOCH--> fenced --follow() with a higher epoch--> ready
 *
 * Usually one request is under way. A second one may follow while the leader sits on the first (there is nothing to send), to bring
 * partitions that were added meanwhile: a leader that has just been elected must not wait for a long poll to learn what its followers hold.
 */
export class ReplicaFetcher {
  private readonly options: ReplicaFetcherOptions
  private readonly session = new ClientFetchSession()
  private readonly topics = new Map<Uuid, Map<number, FetchedPartition>>()
  private readonly busy = new Set<FetchedPartition>()
  private readonly delayed = new Set<FetchedPartition>()
  private readonly settlingNow = new Set<FetchedPartition>()
  /** While a partition is settling. */
  private heldBackUntil: Millis = -Infinity
  private fenced = 0
  private count = 0
  /** The last request that was answered. */
  private answered = 0
  /** Of all partitions: no request leaves before. */
  private pausedUntil: Millis = -Infinity

  constructor(options: ReplicaFetcherOptions) {
    this.options = options
  }

  /** Partitions that are fetched from this leader, in whatever state. */
  get size(): number {
    return this.count
  }

  /** Begins to fetch a partition, or goes on with it in a new epoch or from a position that changed otherwise. */
  follow(partition: PartitionToFetch): void {
    this.unfollow(partition.topicId, partition.partition)
    const added = new FetchedPartition(partition)
    let ofTopic = this.topics.get(partition.topicId)
    if (ofTopic === undefined) this.topics.set(partition.topicId, (ofTopic = new Map()))
    ofTopic.set(partition.partition, added)
    this.count += 1
    this.session.change(added)
  }

  unfollow(topicId: Uuid, partition: number): void {
    const gone = this.find(topicId, partition)
    if (gone === undefined) return
    this.leaveState(gone)
    this.session.forget(gone)
    const ofTopic = this.topics.get(topicId)
    ofTopic?.delete(partition)
    if (ofTopic?.size === 0) this.topics.delete(topicId)
    this.count -= 1
  }

  /** From when on `nextRequest` may give one: a time, -Infinity for at once, NEVER while it waits for the driver. */
  wakeAt(): Millis {
    if (this.busy.size > 0 || !this.session.mayHaveAnother) return NEVER
    let at: Millis = this.wantsRequest() ? -Infinity : NEVER
    for (const partition of this.delayed) at = Math.min(at, partition.readyAt)
    return at === NEVER ? NEVER : Math.max(at, this.pausedUntil, this.settlingNow.size > 0 ? this.heldBackUntil : -Infinity)
  }

  /** The next request to send, or null. Each must be answered by `onResponse` or `onFailure`, in order. `brokerEpoch`: this broker's (KIP-903). */
  nextRequest(now: Millis, brokerEpoch: number): FetchRequestDraft | null {
    if (now < this.wakeAt()) return null
    this.releaseDelayed(now)
    if (!this.wantsRequest()) return null
    const { maxWaitMs, minBytes, maxBytes, partitionMaxBytes, replicaId } = this.options
    const part = this.session.next(now, () => this.readyPartitions(), partitionMaxBytes)
    return { replicaState: { replicaId, replicaEpoch: brokerEpoch }, maxWaitMs, minBytes, maxBytes, isolationLevel: 0, ...part }
  }

  /** The records of an action are slices of the response's: they live as long as it. */
  onResponse(now: Millis, response: FetchResponse): readonly FetchAction[] {
    const request = this.session.answered(response)
    if (request === 'stale') return []
    if (request !== 'refused') this.answered = request
    if (request === 'refused') {
      if (response.errorCode !== ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.pausedUntil = now + this.options.retryBackoffMs
      return []
    }
    const actions: FetchAction[] = []
    for (const { topicId, partitions } of response.responses) {
      for (const data of partitions) {
        const action = this.digest(now, request, this.find(topicId, data.partitionIndex), data)
        if (action !== null) actions.push(action)
      }
    }
    return actions
  }

  /** The connection broke, or no answer came in time. All requests under way are void. */
  onFailure(now: Millis): void {
    this.session.reset()
    this.pausedUntil = now + this.options.retryBackoffMs
  }

  /** The action is done: the log stands here now. */
  positioned(topicId: Uuid, partition: number, leaderEpoch: Epoch, position: LogPosition): void {
    const done = this.find(topicId, partition)
    if (done === undefined || done.leaderEpoch !== leaderEpoch) return
    this.leaveState(done)
    done.moveTo(position)
    this.session.change(done)
  }

  /**
   * Says again where the log stands, if that was said `maxWaitMs` ago or longer. For a partition whose leader does not count on this replica: it may have
   * forgotten what it was told, and within a session silence says nothing of a single partition.
   */
  repeat(now: Millis, topicId: Uuid, partition: number): void {
    const found = this.find(topicId, partition)
    if (found?.isQuietSince(now - this.options.maxWaitMs, this.answered) === true) this.session.change(found)
  }

  /**
   * The log stands elsewhere now, but is still being synced up to there (`flush.messages`): the partition is left out of the session until
   * `positioned`, for its fetch offset would claim what a loss of power may take. Other partitions are not kept waiting for a slow disk; a quick
   * one is worth a moment, as all can then go into one request. False when it is so already.
   */
  settling(now: Millis, topicId: Uuid, partition: number, leaderEpoch: Epoch): boolean {
    const found = this.find(topicId, partition)
    if (found === undefined || found.leaderEpoch !== leaderEpoch || found.state === 'settling') return false
    this.leaveState(found)
    if (this.settlingNow.size === 0) this.heldBackUntil = now + settlingGraceMs
    found.state = 'settling'
    this.settlingNow.add(found)
    this.session.forget(found)
    return true
  }

  /** The action could not be done (a broken batch, a full disk): the same will be fetched again after the backoff. */
  failed(now: Millis, topicId: Uuid, partition: number, leaderEpoch: Epoch): void {
    const stuck = this.find(topicId, partition)
    if (stuck !== undefined && stuck.leaderEpoch === leaderEpoch) this.delay(now, stuck)
  }

  /** The answer to `askLeaderOffsets`; null: there was none. */
  leaderOffsets(
    now: Millis,
    topicId: Uuid,
    partition: number,
    leaderEpoch: Epoch,
    leader: { readonly logStartOffset: Offset; readonly logEndOffset: Offset } | null,
  ): FetchAction | null {
    const asked = this.find(topicId, partition)
    if (asked === undefined || asked.leaderEpoch !== leaderEpoch) return null
    if (leader !== null && leader.logEndOffset < asked.logEndOffset) return this.truncateTo(asked, leader.logEndOffset)
    if (leader !== null && leader.logStartOffset > asked.logEndOffset) return this.startAt(asked, leader.logStartOffset)
    this.delay(now, asked)
    return null
  }

  private find(topicId: Uuid, partition: number): FetchedPartition | undefined {
    return this.topics.get(topicId)?.get(partition)
  }

  private wantsRequest(): boolean {
    if (this.session.isWaiting) return this.session.hasNews
    return this.count - this.busy.size - this.settlingNow.size - this.delayed.size - this.fenced > 0
  }

  private *readyPartitions(): Iterable<FetchedPartition> {
    for (const ofTopic of this.topics.values()) {
      for (const partition of ofTopic.values()) if (partition.state === 'ready') yield partition
    }
  }

  private releaseDelayed(now: Millis): void {
    for (const partition of this.delayed) {
      if (partition.readyAt > now) continue
      this.leaveState(partition)
      this.session.change(partition)
    }
  }

  private digest(now: Millis, request: number, partition: FetchedPartition | undefined, data: PartitionResponse): FetchAction | null {
    if (partition === undefined || !partition.isOfThisEpoch(request)) return null
    if (!partition.isAwaitedFrom(request))
      return data.errorCode === ErrorCode.NONE && data.divergingEpoch.epoch < 0 ? this.advance(partition, data) : null
    if (data.errorCode !== ErrorCode.NONE) return this.digestError(now, partition, data)
    const { topicId, partition: index, leaderEpoch } = partition
    const { highWatermark, logStartOffset, divergingEpoch, records } = data
    if (divergingEpoch.epoch >= 0) {
      this.becomeBusy(partition)
      return { type: 'truncate', topicId, partition: index, leaderEpoch, epoch: divergingEpoch.epoch, endOffset: divergingEpoch.endOffset }
    }
    if (records === null || records.length === 0) return this.advance(partition, data)
    this.becomeBusy(partition)
    return { type: 'append', topicId, partition: index, leaderEpoch, records, highWatermark, logStartOffset }
  }

  /** What a leader says of itself holds whatever position it answers. */
  private advance(
    { topicId, partition, leaderEpoch }: FetchedPartition,
    { highWatermark, logStartOffset }: PartitionResponse,
  ): FetchAction {
    return { type: 'advance', topicId, partition, leaderEpoch, highWatermark, logStartOffset }
  }

  private digestError(now: Millis, partition: FetchedPartition, data: PartitionResponse): FetchAction {
    const error = data.errorCode
    if (error === ErrorCode.OFFSET_OUT_OF_RANGE) return this.outOfRange(partition, data.logStartOffset)
    const waitsForMetadata = error === ErrorCode.FENCED_LEADER_EPOCH
    if (waitsForMetadata) this.fence(partition)
    else this.delay(now, partition)
    return {
      type: 'refused',
      topicId: partition.topicId,
      partition: partition.partition,
      leaderEpoch: partition.leaderEpoch,
      error,
      waitsForMetadata,
    }
  }

  /** A leader of ours says with the error where its log starts; Kafka's says -1, and is asked. */
  private outOfRange(partition: FetchedPartition, leaderLogStartOffset: Offset): FetchAction {
    if (leaderLogStartOffset > partition.logEndOffset) return this.startAt(partition, leaderLogStartOffset)
    this.becomeBusy(partition)
    return { type: 'askLeaderOffsets', topicId: partition.topicId, partition: partition.partition, leaderEpoch: partition.leaderEpoch }
  }

  private truncateTo(partition: FetchedPartition, offset: Offset): FetchAction {
    this.becomeBusy(partition)
    return { type: 'truncateTo', topicId: partition.topicId, partition: partition.partition, leaderEpoch: partition.leaderEpoch, offset }
  }

  private startAt(partition: FetchedPartition, offset: Offset): FetchAction {
    this.becomeBusy(partition)
    return { type: 'startAt', topicId: partition.topicId, partition: partition.partition, leaderEpoch: partition.leaderEpoch, offset }
  }

  private becomeBusy(partition: FetchedPartition): void {
    this.leaveState(partition)
    partition.state = 'busy'
    this.busy.add(partition)
  }

  private delay(now: Millis, partition: FetchedPartition): void {
    this.leaveState(partition)
    partition.state = 'delayed'
    partition.readyAt = now + this.options.retryBackoffMs
    this.delayed.add(partition)
    this.session.forget(partition)
  }

  private fence(partition: FetchedPartition): void {
    this.leaveState(partition)
    partition.state = 'fenced'
    this.fenced += 1
    this.session.forget(partition)
  }

  private leaveState(partition: FetchedPartition): void {
    if (partition.state === 'busy') this.busy.delete(partition)
    else if (partition.state === 'delayed') this.delayed.delete(partition)
    else if (partition.state === 'settling') this.settlingNow.delete(partition)
    else if (partition.state === 'fenced') this.fenced -= 1
    assert(this.fenced >= 0, 'a partition left the state of being fenced twice')
    partition.state = 'ready'
  }
}

/** How long a request waits for partitions that are being synced. */
const settlingGraceMs: Millis = 3

type PartitionResponse = FetchResponse['responses'][number]['partitions'][number]
