import { assert } from '../../base/assert.ts'
import { NO_UUID, type Offset, type Timestamp, type Uuid } from '../../base/units.ts'
import type { OffsetCommitValue } from '../records/offset-commit.ts'

/** What a group has committed for one partition. */
export interface CommittedOffset {
  readonly offset: Offset
  /** Of the last record consumed; -1 when the client did not say. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestamp: Timestamp
  /** When it expires whatever the broker's retention (OffsetCommit 2 to 4 could say so); -1: it does not. */
  readonly expireTimestamp: Timestamp
  /** Of the topic at the time of the commit; NO_UUID in logs of Kafka before 4.1. */
  readonly topicId: Uuid
}

/** Numbers of one offset, in this order: partition, offset, leaderEpoch, commitTimestamp, expireTimestamp. */
const stride = 5
/** Texts of one offset: metadata, topicId. */
const textStride = 2
/** From so many offsets on, their places are looked up instead of searched for. */
const indexedFromCount = 8

/**
 * The offsets that one group has committed for one topic. A broker may hold millions of them, most of one shape: five numbers, no metadata, the
 * topic's present id. So the numbers lie in one array (which V8 keeps unboxed), texts in another if there are any to keep, and no offset has an object
 * of its own.
 *
 *  1. `numbers` has `stride` numbers for each offset, in no order; what is removed is replaced by the last.
 *  2. `places` is null while there are few, and otherwise has the place in `numbers` of every partition.
 *  3. `texts` is null while every metadata is '' and every topic id is `topicId`, and otherwise has `textStride` of them for each offset, in the order
 *     of `numbers`.
 */
export class TopicOffsets {
  private readonly numbers: number[]
  private places: Map<number, number> | null = null
  private texts: string[] | null = null
  private readonly topicId: Uuid

  constructor(partition: number, first: OffsetCommitValue) {
    this.topicId = first.topicId
    this.numbers = [partition, first.offset, first.leaderEpoch, first.commitTimestamp, first.expireTimestamp]
    this.setTexts(0, first)
  }

  get size(): number {
    return this.numbers.length / stride
  }

  has(partition: number): boolean {
    return this.placeOf(partition) >= 0
  }

  get(partition: number): CommittedOffset | null {
    const place = this.placeOf(partition)
    return place < 0 ? null : this.at(place)
  }

  *partitions(): Generator<number> {
    for (let place = 0; place < this.numbers.length; place += stride) yield this.numberAt(place)
  }

  *entries(): Generator<readonly [partition: number, committed: CommittedOffset]> {
    for (let place = 0; place < this.numbers.length; place += stride) yield [this.numberAt(place), this.at(place)]
  }

  /** True when the partition had none before. */
  set(partition: number, value: OffsetCommitValue): boolean {
    const { numbers } = this
    const found = this.placeOf(partition)
    const place = found < 0 ? numbers.length : found
    numbers[place] = partition
    numbers[place + 1] = value.offset
    numbers[place + 2] = value.leaderEpoch
    numbers[place + 3] = value.commitTimestamp
    numbers[place + 4] = value.expireTimestamp
    this.setTexts(place, value)
    if (found < 0) this.setPlace(partition, place)
    return found < 0
  }

  /** True when there was one. */
  delete(partition: number): boolean {
    const { numbers } = this
    const place = this.placeOf(partition)
    if (place < 0) return false
    const last = numbers.length - stride
    if (place !== last) {
      numbers.copyWithin(place, last)
      this.texts?.copyWithin(textPlace(place), textPlace(last))
      this.places?.set(this.numberAt(place), place)
    }
    numbers.length = last
    if (this.texts !== null) this.texts.length = textPlace(last)
    this.places?.delete(partition)
    return true
  }

  private setPlace(partition: number, place: number): void {
    if (this.places !== null) {
      this.places.set(partition, place)
      return
    }
    if (this.size < indexedFromCount) return
    const places = new Map<number, number>()
    for (let at = 0; at < this.numbers.length; at += stride) places.set(this.numberAt(at), at)
    this.places = places
  }

  /** The numbers of the offset are there already. */
  private setTexts(place: number, { metadata, topicId }: OffsetCommitValue): void {
    if (this.texts === null) {
      if (metadata === '' && topicId === this.topicId) return
      this.texts = Array.from({ length: this.size * textStride }, (_, at) => (at % textStride === 0 ? '' : this.topicId))
    }
    const at = textPlace(place)
    this.texts[at] = metadata
    // One string for all, not one for each record that was read
    this.texts[at + 1] = topicId === this.topicId ? this.topicId : topicId
  }

  /** -1: nowhere. */
  private placeOf(partition: number): number {
    const { numbers } = this
    if (this.places !== null) return this.places.get(partition) ?? -1
    for (let place = 0; place < numbers.length; place += stride) if (numbers[place] === partition) return place
    return -1
  }

  private at(place: number): CommittedOffset {
    return {
      offset: this.numberAt(place + 1),
      leaderEpoch: this.numberAt(place + 2),
      metadata: this.texts?.[textPlace(place)] ?? '',
      commitTimestamp: this.numberAt(place + 3),
      expireTimestamp: this.numberAt(place + 4),
      topicId: this.texts?.[textPlace(place) + 1] ?? this.topicId,
    }
  }

  private numberAt(index: number): number {
    const number = this.numbers[index]
    assert(number !== undefined, `no number at ${index} of ${this.numbers.length}`)
    return number
  }
}

function textPlace(place: number): number {
  return (place / stride) * textStride
}

/** Whether an offset was committed for another topic of the same name (KIP-848 topic ids; OffsetMetadataManager.isMismatchedTopicId). */
export function isOfAnotherTopic(committed: CommittedOffset, topicId: Uuid): boolean {
  return committed.topicId !== NO_UUID && topicId !== NO_UUID && committed.topicId !== topicId
}
