import type { Epoch, Millis, Offset, Uuid } from '../base/units.ts'
import type { LogPosition, PartitionToFetch } from './replica-fetcher.ts'

/** One partition that a follower fetches, and what its leader has been told of it. */
export class FetchedPartition {
  readonly topicId: Uuid
  readonly partition: number
  readonly leaderEpoch: Epoch
  logEndOffset: Offset
  logStartOffset: Offset
  lastEpoch: Epoch
  state: 'ready' | 'busy' | 'settling' | 'delayed' | 'fenced' = 'ready'
  /** Of a delayed partition. */
  readyAt: Millis = -Infinity
  private isSent = false
  private sentAt: Millis = -Infinity
  /** Numbers of the requests that named this partition in this epoch first and last; 0: none yet. */
  private firstRequest = 0
  private lastRequest = 0

  constructor(partition: PartitionToFetch) {
    this.topicId = partition.topicId
    this.partition = partition.partition
    this.leaderEpoch = partition.leaderEpoch
    this.logEndOffset = partition.logEndOffset
    this.logStartOffset = partition.logStartOffset
    this.lastEpoch = partition.lastEpoch
  }

  moveTo(position: LogPosition): void {
    this.logEndOffset = position.logEndOffset
    this.logStartOffset = position.logStartOffset
    this.lastEpoch = position.lastEpoch
    this.isSent = false
  }

  sent(now: Millis, request: number): void {
    this.isSent = true
    this.sentAt = now
    this.lastRequest = request
    if (this.firstRequest === 0) this.firstRequest = request
  }

  /** Its leader has answered what was last said of it, requests up to `answered` being answered, and that is as long ago. */
  isQuietSince(time: Millis, answered: number): boolean {
    return this.state === 'ready' && this.isSent && this.lastRequest <= answered && this.sentAt <= time
  }

  /** Whether an answer to this request says what follows the present position; an earlier one, sent before a later one, does not. */
  isAwaitedFrom(request: number): boolean {
    return this.state === 'ready' && this.isSent && request >= this.lastRequest
  }

  /** Whether an answer to this request was given in this partition's present epoch. */
  isOfThisEpoch(request: number): boolean {
    return this.firstRequest > 0 && request >= this.firstRequest
  }
}
