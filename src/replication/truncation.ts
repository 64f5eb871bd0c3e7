import type { Epoch, Offset } from '../base/units.ts'

/** The end of an epoch in some log by the rules of OffsetForLeaderEpoch: the largest epoch not above the one asked for, and where it ends. -1, -1: not known. */
export interface EpochEndOffset {
  readonly epoch: Epoch
  readonly endOffset: Offset
}

/**
 * A leader's answer to a replica that says which epoch its log ends in (KIP-595): where the logs part, if they do. `leader` is what the leader
 * has of `lastFetchedEpoch`, `latest` of its own latest epoch. `out of range`: the leader knows nothing of that epoch.
 *
 * A follower's epoch above the leader's latest is one that nobody ever led in (the field is outside the batch's checksum, and can rot): the follower is sent
 * back to what the leader has. Kafka answers OFFSET_OUT_OF_RANGE, and such a follower asks for ever.
 */
export function divergence(
  lastFetchedEpoch: Epoch,
  fetchOffset: Offset,
  leader: EpochEndOffset,
  latest: EpochEndOffset,
): EpochEndOffset | 'out of range' | null {
  if (lastFetchedEpoch < 0) return null
  if (leader.epoch < 0 || leader.endOffset < 0) return latest.epoch >= 0 && latest.epoch < lastFetchedEpoch ? latest : 'out of range'
  return leader.epoch < lastFetchedEpoch || leader.endOffset < fetchOffset ? leader : null
}

/**
 * Where a follower cuts its log when the leader says that `leader.epoch` ends at `leader.endOffset` there (KIP-279). `endOffsetFor` is the
 * follower's own, of `leader.epoch`. If the follower has never had that epoch, the cut is only a step: the next fetch asks with an older one.
 */
export function truncationOffset(leader: EpochEndOffset, own: EpochEndOffset, logEndOffset: Offset): Offset {
  if (own.epoch < 0 || own.endOffset < 0) return Math.min(leader.endOffset, logEndOffset)
  if (own.epoch !== leader.epoch) return Math.min(own.endOffset, logEndOffset)
  return Math.min(own.endOffset, leader.endOffset, logEndOffset)
}
