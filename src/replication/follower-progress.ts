import type { Millis, NodeId, Offset } from '../base/units.ts'

/**
 * What a leader knows of one follower in the present leader epoch (kafka.cluster.Replica). Everything is forgotten when a new epoch
 * begins: only fetches of the present epoch prove anything.
 */
export class FollowerProgress {
  readonly brokerId: NodeId
  /** The offset of its last fetch, that is: it holds everything before. -1 until it has fetched in this epoch. */
  logEndOffset: Offset = -1
  logStartOffset: Offset = -1
  /** The last moment at which it held all that the leader held. */
  lastCaughtUpTime: Millis
  /** The broker epoch of its last fetch; -1 when it told none. */
  brokerEpoch = -1
  inIsr: boolean
  inMaximalIsr: boolean
  private lastFetchTime: Millis = -Infinity
  private leaderLogEndOffsetAtLastFetch: Offset = -1

  /** A member of the ISR is given the benefit of `replica.lag.time.max.ms` from the beginning of the epoch. */
  constructor(brokerId: NodeId, inIsr: boolean, now: Millis) {
    this.brokerId = brokerId
    this.inIsr = inIsr
    this.inMaximalIsr = inIsr
    this.lastCaughtUpTime = inIsr ? now : -Infinity
  }

  /** It was caught up then if it holds now all that the leader held when it fetched the time before. */
  fetched(now: Millis, fetchOffset: Offset, brokerEpoch: number, leaderLogEndOffset: Offset): void {
    if (brokerEpoch !== this.brokerEpoch) this.forgetFetches()
    if (fetchOffset >= leaderLogEndOffset) this.caughtUpAt(now)
    else if (this.leaderLogEndOffsetAtLastFetch >= 0 && fetchOffset >= this.leaderLogEndOffsetAtLastFetch)
      this.caughtUpAt(this.lastFetchTime)
    this.logEndOffset = fetchOffset
    this.brokerEpoch = brokerEpoch
    this.lastFetchTime = now
    this.leaderLogEndOffsetAtLastFetch = leaderLogEndOffset
  }

  /** The leader is about to have more than `logEndOffset`: whoever had all of that was caught up until now, fetching or not. */
  leaderAppends(now: Millis, logEndOffset: Offset): void {
    if (this.logEndOffset === logEndOffset) this.caughtUpAt(now)
  }

  isCaughtUp(now: Millis, leaderLogEndOffset: Offset, lagMs: Millis): boolean {
    return this.logEndOffset === leaderLogEndOffset || now < this.lastCaughtUpTime + lagMs
  }

  /** A follower that has everything has no reason to fetch anew. */
  isFetching(now: Millis, leaderLogEndOffset: Offset, lagMs: Millis): boolean {
    return this.logEndOffset === leaderLogEndOffset || now < this.lastFetchTime + lagMs
  }

  /** It counts again from its next fetch on. */
  left(): void {
    this.logEndOffset = -1
    this.lastCaughtUpTime = -Infinity
    this.forgetFetches()
  }

  private caughtUpAt(time: Millis): void {
    if (time > this.lastCaughtUpTime) this.lastCaughtUpTime = time
  }

  private forgetFetches(): void {
    this.lastFetchTime = -Infinity
    this.leaderLogEndOffsetAtLastFetch = -1
  }
}
