import type { Clock, Log } from '../base/ports.ts'
import { DiskError } from '../base/ports.ts'
import { type Millis, NO_UUID } from '../base/units.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { ErrorCode, errorName } from '../protocol/errors.ts'
import { MalformedError } from '../protocol/reader.ts'
import { checkProducedBatch } from '../protocol/records/leader-checks.ts'
import { type Handler, noResponse, type RequestContext, type RequestOf, type ResponseDraftOf } from '../server/handlers.ts'
import type { HostedPartition } from './hosted-partition.ts'
import type { HostedPartitions } from './hosted-partitions.ts'
import { LeaderHints } from './leader-hints.ts'
import type { SettingsOfTopics } from './topic-settings.ts'
import { internalTopics } from './internal-topics.ts'

export interface ProduceSurroundings {
  readonly clock: Clock
  readonly log: Log
  readonly image: ClusterImage
  readonly hosted: HostedPartitions
  readonly settings: SettingsOfTopics
  /** A write failed: the directory may be full or broken. */
  onDiskError(partition: HostedPartition, error: DiskError): void
}

type PartitionResult = NonNullable<NonNullable<ResponseDraftOf<'produce'>['responses']>[number]['partitionResponses']>[number]
type TopicRequest = RequestOf<'produce'>['topicData'][number]

const acksAll = -1
const acksLeader = 1
/** KIP-951. */
const firstVersionWithHints = 10
const adminClientId = '__admin_client'

/**
 * Produce (0), versions 3–13. Appends each batch in the turn in which it arrives; with acks=all the answer waits until all in-sync replicas
 * have it, and where a topic asks for syncs (`flush.messages`), until they are done: with acks=1 here, with acks=all on each of them. A transactional id is refused: there are no transactions yet.
 */
export function produceHandler(around: ProduceSurroundings): Handler<'produce'> {
  return (request, context) => {
    const work = new ProduceWork(around, request, context)
    work.appendAll()
    if (request.acks === 0) {
      // nobody hears of an error: KafkaApis closes the connection so that the producer looks at the metadata again
      if (work.firstError !== null) throw new MalformedError(`produce with acks=0: ${errorName(work.firstError)}`)
      return noResponse
    }
    return work.finished()
  }
}

class ProduceWork {
  firstError: ErrorCode | null = null
  private readonly around: ProduceSurroundings
  private readonly request: RequestOf<'produce'>
  private readonly context: RequestContext
  private readonly deadline: Millis
  private readonly hints: LeaderHints
  private readonly topics: { readonly name: string; readonly topicId: string; readonly partitionResponses: PartitionResult[] }[] = []
  private unfinished = 0
  private resolve: ((response: ResponseDraftOf<'produce'>) => void) | null = null

  constructor(around: ProduceSurroundings, request: RequestOf<'produce'>, context: RequestContext) {
    this.around = around
    this.request = request
    this.context = context
    this.deadline = around.clock.mono() + Math.max(0, request.timeoutMs)
    const isTold = context.apiVersion >= firstVersionWithHints
    this.hints = new LeaderHints(() => around.image, context.connection.listenerName, { leaders: isTold, endpoints: isTold })
  }

  appendAll(): void {
    for (const topic of this.request.topicData) {
      const name = topic.topicId === NO_UUID ? topic.name : (this.around.image.topics.byId(topic.topicId)?.name ?? '')
      const results: PartitionResult[] = []
      this.topics.push({ name: topic.name, topicId: topic.topicId, partitionResponses: results })
      for (const data of topic.partitionData) {
        const at = results.length
        const pending = refused(data.index, ErrorCode.NONE, null)
        results.push(pending)
        const first = this.append(topic, name, data.index, data.records, (final) => (results[at] = final))
        // a commit that needs nobody else is settled already
        if (results[at] === pending) results[at] = first
        this.firstError ??= errorOf(results[at])
      }
    }
  }

  finished(): ResponseDraftOf<'produce'> | Promise<ResponseDraftOf<'produce'>> {
    if (this.unfinished === 0) return this.response()
    return new Promise((resolve) => {
      this.resolve = resolve
    })
  }

  private response(): ResponseDraftOf<'produce'> {
    return { responses: this.topics, throttleTimeMs: 0, nodeEndpoints: this.hints.endpoints() }
  }

  /** Gives the result so far; with acks=all the final one comes through `settle`. */
  private append(
    topic: TopicRequest,
    name: string,
    index: number,
    records: Buffer | null,
    settle: (final: PartitionResult) => void,
  ): PartitionResult {
    const early = this.refusal(topic, name)
    if (early !== null) return refused(index, early.error, early.message)
    const partition = this.around.hosted.byName(name, index)
    if (partition === undefined) return this.notHere(name, index)
    const { acks } = this.request
    const standing = partition.replica.appendError(acks)
    if (standing !== ErrorCode.NONE) return this.refusedHere(partition, standing)
    const settings = this.around.settings.of(name)
    const now = this.around.clock.wall()
    const checked = checkProducedBatch(records ?? Buffer.alloc(0), {
      apiVersion: this.context.apiVersion,
      maxMessageBytes: settings.log.maxMessageBytes,
      segmentBytes: settings.log.segmentBytes,
      compacted: settings.log.cleanupCompact,
      timestampType: settings.log.timestampType,
      timestampBeforeMaxMs: settings.log.timestampBeforeMaxMs,
      timestampAfterMaxMs: settings.log.timestampAfterMaxMs,
      compressionType: settings.log.compressionType,
      now,
    })
    if ('error' in checked) return { ...refused(index, checked.error, checked.message ?? null), recordErrors: checked.recordErrors ?? [] }
    return this.write(partition, checked.records, now, settle)
  }

  private write(partition: HostedPartition, records: Buffer, now: number, settle: (final: PartitionResult) => void): PartitionResult {
    try {
      const outcome = partition.appendAsLeader(records, now)
      if (outcome.kind === 'refused') return refused(partition.partition, outcome.error, outcome.message)
      const result: PartitionResult = {
        index: partition.partition,
        errorCode: ErrorCode.NONE,
        baseOffset: outcome.baseOffset,
        logAppendTimeMs: outcome.logAppendTime,
        logStartOffset: partition.log.logStartOffset,
      }
      if (this.request.acks === acksAll) this.awaitCommit(partition, outcome.lastOffset, result, settle)
      else if (this.request.acks === acksLeader) this.awaitSettled(partition, outcome.lastOffset, result, settle)
      return result
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.around.onDiskError(partition, error)
      return refused(partition.partition, ErrorCode.KAFKA_STORAGE_ERROR, error.message)
    }
  }

  private awaitCommit(
    partition: HostedPartition,
    lastOffset: number,
    result: PartitionResult,
    settle: (final: PartitionResult) => void,
  ): void {
    this.unfinished += 1
    partition.awaitCommit(lastOffset, this.deadline, (error) => {
      settle(error === ErrorCode.NONE ? result : this.refusedHere(partition, error))
      this.oneFinished()
    })
  }

  /** The leader's own sync, where the topic asks for one (`flush.messages`): as Kafka's, which is part of the append, it has no deadline. */
  private awaitSettled(
    partition: HostedPartition,
    lastOffset: number,
    result: PartitionResult,
    settle: (final: PartitionResult) => void,
  ): void {
    this.unfinished += 1
    partition.awaitSettled(lastOffset + 1, (counts) => {
      settle(counts ? result : this.refusedHere(partition, ErrorCode.NOT_LEADER_OR_FOLLOWER))
      this.oneFinished()
    })
  }

  private oneFinished(): void {
    this.unfinished -= 1
    if (this.unfinished === 0) this.resolve?.(this.response())
  }

  /** What concerns the request or the topic before any partition is looked at. */
  private refusal(topic: TopicRequest, name: string): { readonly error: ErrorCode; readonly message: string | null } | null {
    const { acks, transactionalId } = this.request
    if (acks !== acksAll && acks !== 0 && acks !== 1) return { error: ErrorCode.INVALID_REQUIRED_ACKS, message: null }
    if (transactionalId !== null) {
      return {
        error: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        message: 'Transactions are not supported by this broker yet: produce without a transactional id.',
      }
    }
    if (topic.topicId !== NO_UUID && name === '') return { error: ErrorCode.UNKNOWN_TOPIC_ID, message: null }
    if (internalTopics.has(name) && this.context.clientId !== adminClientId)
      return { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message: `${name} is internal` }
    return null
  }

  private notHere(name: string, index: number): PartitionResult {
    const state = this.around.image.topics.byName(name)?.partitions[index]
    if (state === undefined) return refused(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null)
    return { ...refused(index, ErrorCode.NOT_LEADER_OR_FOLLOWER, null), currentLeader: this.hints.note(state) }
  }

  private refusedHere(partition: HostedPartition, error: ErrorCode): PartitionResult {
    const result = refused(partition.partition, error, null)
    const state = this.around.image.partition(partition.topicId, partition.partition)
    if (error !== ErrorCode.NOT_LEADER_OR_FOLLOWER || state === undefined) return result
    return { ...result, currentLeader: this.hints.note(state) }
  }
}

function refused(index: number, error: ErrorCode, message: string | null): PartitionResult {
  return { index, errorCode: error, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, errorMessage: message }
}

function errorOf(result: PartitionResult | undefined): ErrorCode | null {
  return result === undefined || result.errorCode === ErrorCode.NONE ? null : (result.errorCode as ErrorCode)
}
