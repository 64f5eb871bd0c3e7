import { type Clock, DiskError } from '../../base/ports.ts'
import { type Millis, NEVER } from '../../base/units.ts'
import { CorruptLogError, type Read, type ReadOutcome } from '../../log/outcomes.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { FetchContext, FetchSessions, FetchWaiter, PartitionResult } from '../../replication/fetch-sessions.ts'
import type { SessionPartition } from '../../replication/fetch-session.ts'
import type { Handler, RequestContext, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import {
  admitFetch,
  fetched,
  type FetchedPartition,
  type Fetcher,
  isFollower,
  readableEnd,
  withEnds,
  withoutRecords,
} from './fetch-read.ts'
import type { HostedPartitions } from '../hosted-partitions.ts'
import { LeaderHints } from '../leader-hints.ts'
import type { Sleeper, WakeQueue } from '../wake-queue.ts'

export interface FetchSurroundings {
  readonly clock: Clock
  readonly wakeQueue: WakeQueue
  readonly image: ClusterImage
  readonly hosted: HostedPartitions
  readonly sessions: FetchSessions
  /** `fetch.max.bytes`: of one answer to a consumer, whatever it asks for. */
  readonly fetchMaxBytes: number
  /** `replica.fetch.response.max.bytes`: as above, to a follower. */
  readonly replicaFetchMaxBytes: number
}

type FetchResponse = ResponseDraftOf<'fetch'>

const readCommitted = 1
const firstVersionWithLeaders = 12
const firstVersionWithTopicIds = 13
/** KIP-951. */
const firstVersionWithEndpoints = 16

/**
 * Fetch (1), versions 4–18, for consumers and followers: sessions (KIP-227), topic ids, epochs and divergence (KIP-320, KIP-595), long poll.
 * Left out: a preferred read replica (KIP-392), which needs `replica.selector.class`.
 */
export function fetchHandler(around: FetchSurroundings): Handler<'fetch'> {
  return (request, context) => new FetchWork(around, request, context).answer()
}

/** One fetch from its arrival to its answer. */
class FetchWork implements FetchWaiter, Sleeper {
  private readonly around: FetchSurroundings
  private readonly request: RequestOf<'fetch'>
  private readonly connection: RequestContext['connection']
  private readonly session: FetchContext
  private readonly fetcher: Fetcher
  private readonly hints: LeaderHints
  private readonly apiVersion: number
  private readonly deadline: Millis
  /** The newest of each partition: an answer to a full request has to name all of them. */
  private readonly results = new Map<SessionPartition, FetchedPartition>()
  /** A fetch acknowledges once, when it arrives; a later look at the log says nothing new about the follower. */
  private admitted = false
  private resume: (() => void) | null = null
  private resumeScheduled = false
  /** Since the last look, be it while that look was still reading from the disk. */
  private touched = false
  private superseded = false
  /** The deadline has passed. */
  private over = false
  private abandoned = false

  constructor(around: FetchSurroundings, request: RequestOf<'fetch'>, context: RequestContext) {
    const now = around.clock.mono()
    const byReplicaState = context.apiVersion >= 15
    this.around = around
    this.request = request
    this.connection = context.connection
    this.apiVersion = context.apiVersion
    this.fetcher = {
      replicaId: byReplicaState ? request.replicaState.replicaId : request.replicaId,
      replicaEpoch: byReplicaState ? request.replicaState.replicaEpoch : -1,
      readCommitted: request.isolationLevel === readCommitted,
    }
    this.deadline = now + Math.max(0, request.maxWaitMs)
    this.hints = new LeaderHints(() => around.image, context.connection.listenerName, {
      leaders: context.apiVersion >= firstVersionWithLeaders,
      endpoints: context.apiVersion >= firstVersionWithEndpoints,
    })
    // A full budget for requests must not hold up the replication that would empty it
    if (isFollower(this.fetcher) && around.image.brokers.byId(this.fetcher.replicaId) !== undefined) context.connection.exemptFromBudget()
    this.session = around.sessions.open(request, context.apiVersion, isFollower(this.fetcher), now)
  }

  answer(): FetchResponse | Promise<FetchResponse> {
    if (this.session.errorCode !== ErrorCode.NONE) return this.respond([])
    const results = this.collect()
    if (results instanceof Promise) return results.then((read) => this.answerOrWait(read))
    return this.answerOrWait(results)
  }

  private answerOrWait(results: readonly PartitionResult[]): FetchResponse | Promise<FetchResponse> {
    return this.isEnough(results) ? this.respond(results) : this.wait(results)
  }

  /** Full requests of followers are answered at once: they name every partition and are not worth reading twice. */
  private isEnough(results: readonly PartitionResult[]): boolean {
    if (this.superseded || this.abandoned || this.session.size === 0 || this.around.clock.mono() >= this.deadline) return true
    if (isFollower(this.fetcher) && this.session.kind !== 'incremental') return true
    let bytes = 0
    for (const { data } of results) {
      if (data.errorCode !== ErrorCode.NONE || (data.divergingEpoch?.epoch ?? -1) >= 0) return true
      bytes += recordBytes(data)
    }
    return bytes > 0 && bytes >= this.request.minBytes
  }

  private async wait(first: readonly PartitionResult[]): Promise<FetchResponse> {
    let results = first
    const forget = this.connection.onClose(() => {
      this.abandoned = true
      this.goOn()
    })
    this.session.settle(results)
    this.session.watch(this)
    this.around.wakeQueue.look(this)
    // something may have been touched while what was read had to come from the disk
    this.touched = this.session.candidates().length > 0
    for (;;) {
      if (!this.touched && !this.superseded && !this.abandoned && this.around.clock.mono() < this.deadline) await this.touchedOrOver()
      this.touched = false
      // the next request of the session has been taken in already: what is there is for its answer
      if (this.superseded) {
        results = []
        break
      }
      results = await this.collect()
      if (this.isEnough(results)) break
      this.session.settle(results)
    }
    this.around.wakeQueue.forget(this)
    forget()
    if (!this.abandoned) return this.respond(results)
    this.session.abandon()
    return { responses: [] }
  }

  private touchedOrOver(): Promise<void> {
    return new Promise((resolve) => {
      this.resume = resolve
    })
  }

  private goOn(): void {
    const resume = this.resume
    this.resume = null
    resume?.()
  }

  /** Many partitions may move in one turn: look once, at its end. */
  onTouched(): void {
    if (this.resumeScheduled) return
    this.resumeScheduled = true
    this.around.clock.endOfTurn(() => {
      this.resumeScheduled = false
      this.touched = true
      this.goOn()
    })
  }

  onSuperseded(): void {
    this.superseded = true
    this.goOn()
  }

  wakeAt(): Millis {
    return this.over ? NEVER : this.deadline
  }

  wake(): void {
    this.over = true
    this.goOn()
  }

  /** Reads the candidates in order while there is room. At once when all of it is in memory. */
  private collect(): readonly PartitionResult[] | Promise<readonly PartitionResult[]> {
    const candidates = this.session.candidates()
    const room = new Room(
      Math.min(this.request.maxBytes, isFollower(this.fetcher) ? this.around.replicaFetchMaxBytes : this.around.fetchMaxBytes),
    )
    const results: PartitionResult[] = []
    for (const [at, candidate] of candidates.entries()) {
      const read = this.readOne(candidate, room)
      if (read instanceof Promise) return this.collectRest(candidates.slice(at + 1), read, results, room)
      results.push(read)
    }
    this.admitted = true
    return results
  }

  private async collectRest(
    rest: readonly SessionPartition[],
    first: Promise<PartitionResult>,
    results: PartitionResult[],
    room: Room,
  ): Promise<readonly PartitionResult[]> {
    results.push(await first)
    for (const candidate of rest) results.push(await this.readOne(candidate, room))
    this.admitted = true
    return results
  }

  private readOne(partition: SessionPartition, room: Room): PartitionResult | Promise<PartitionResult> {
    const asked = {
      partition: partition.partition,
      currentLeaderEpoch: partition.currentLeaderEpoch,
      fetchOffset: partition.fetchOffset,
      lastFetchedEpoch: partition.lastFetchedEpoch,
      logStartOffset: partition.logStartOffset,
      partitionMaxBytes: partition.maxBytes,
    }
    const hosted = this.around.hosted.get(partition.topicId, partition.partition)
    if (hosted === undefined) return this.note(partition, this.notHere(partition))
    const state = this.around.image.partition(partition.topicId, partition.partition)
    const refused = admitFetch(hosted, asked, this.fetcher, this.hints, state, !this.admitted)
    if (refused !== null) return this.note(partition, refused)
    const end = readableEnd(hosted, this.fetcher)
    if (end <= asked.fetchOffset) return this.note(partition, fetched(hosted, asked, this.fetcher, null))
    if (room.isFull) return { ...this.note(partition, fetched(hosted, asked, this.fetcher, null)), isLeftOut: true }
    const digest = (read: ReadOutcome): PartitionResult => {
      if (read.kind === 'out-of-range')
        return this.note(partition, withEnds(hosted, withoutRecords(asked.partition, ErrorCode.OFFSET_OUT_OF_RANGE)))
      // Its next batch may be larger than what is left
      const isLeftOut = read.sizeBytes === 0 && !room.isUntouched
      room.take(read)
      return { ...this.note(partition, fetched(hosted, asked, this.fetcher, read)), isLeftOut }
    }
    // The disk failed, what is on it is rotten, or the log was deleted while it was read
    const failed = (error: unknown): PartitionResult => {
      if (!(error instanceof DiskError || error instanceof CorruptLogError)) throw error
      // Where another replica will lead in a moment a consumer finds there what is rotten here; else it must not wait for it
      const isFinal = error instanceof CorruptLogError && !isFollower(this.fetcher) && hosted.replica.isr.length <= 1
      return this.note(partition, withoutRecords(asked.partition, isFinal ? ErrorCode.CORRUPT_MESSAGE : ErrorCode.KAFKA_STORAGE_ERROR))
    }
    try {
      const outcome = hosted.log.readToSend(asked.fetchOffset, Math.min(asked.partitionMaxBytes, room.left), end, room.isUntouched)
      return outcome instanceof Promise ? outcome.then(digest).catch(failed) : digest(outcome)
    } catch (error) {
      return failed(error)
    }
  }

  private notHere(partition: SessionPartition): FetchedPartition {
    if (partition.topic === '' && this.apiVersion >= firstVersionWithTopicIds)
      return withoutRecords(partition.partition, ErrorCode.UNKNOWN_TOPIC_ID)
    const state = this.around.image.partition(partition.topicId, partition.partition)
    if (state === undefined) return withoutRecords(partition.partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return { ...withoutRecords(partition.partition, ErrorCode.NOT_LEADER_OR_FOLLOWER), currentLeader: this.hints.note(state) }
  }

  private note(partition: SessionPartition, data: FetchedPartition): PartitionResult {
    this.results.set(partition, data)
    return { partition, data }
  }

  private respond(results: readonly PartitionResult[]): FetchResponse {
    const all = this.session.kind === 'incremental' ? results : [...this.results].map(([partition, data]) => ({ partition, data }))
    const answer = this.session.respond(all, this.around.clock.mono())
    return { ...answer, throttleTimeMs: 0, nodeEndpoints: this.hints.endpoints() }
  }
}

function recordBytes(data: { readonly records?: Buffer | readonly Buffer[] | null }): number {
  const { records } = data
  if (records === null || records === undefined) return 0
  return Buffer.isBuffer(records) ? records.length : records.reduce((sum, piece) => sum + piece.length, 0)
}

/** What is left of an answer's bytes; the first records of an answer come whole, whatever their size (KIP-74). */
class Room {
  left: number
  isUntouched = true

  constructor(bytes: number) {
    this.left = bytes
  }

  get isFull(): boolean {
    return this.left <= 0 && !this.isUntouched
  }

  take(read: Read): void {
    if (read.sizeBytes === 0) return
    this.left -= read.sizeBytes
    this.isUntouched = false
  }
}
