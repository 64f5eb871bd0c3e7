import type { Clock, Timer } from '../../base/ports.ts'
import { NO_NODE, NO_UUID, type NodeId, type Offset, type Timestamp, type Uuid } from '../../base/units.ts'
import type {
  FetchReply,
  FetchRequest,
  FetchSnapshotReply,
  FetchSnapshotRequest,
  RaftError,
  RaftReply,
  RaftRequest,
} from '../../raft/messages.ts'
import { metadataBatchBytesMax } from '../metadata-batch.ts'
import type { QuorumLeader } from '../metadata-quorum.ts'
import type { DescribedReplica, RaftOutcome } from '../raft-node-options.ts'
import type { MetadataFeed } from './metadata-feed.ts'

export interface FeedStanding {
  readonly leader: QuorumLeader
  /** Null while this node does not lead. */
  readonly feed: MetadataFeed | null
}

interface Waiting {
  readonly request: FetchRequest
  readonly maxBytes: number
  readonly timer: Timer
  readonly answer: (outcome: RaftOutcome) => void
}

/** Readers that were not heard of for so long are not described any more. */
const forgottenAfterMs = 60_000

/** Answers Fetch and FetchSnapshot of the metadata log from the feed: at once, or, for a reader that has it all, when there is more. */
export class FeedServer {
  private readonly clock: Clock
  private readonly standing: () => FeedStanding
  private readonly waiting = new Set<Waiting>()
  private readonly readers = new Map<string, DescribedReplica>()

  constructor(clock: Clock, standing: () => FeedStanding) {
    this.clock = clock
    this.standing = standing
  }

  ask(request: RaftRequest, maxBytes: number): Promise<RaftOutcome> {
    if (request.kind === 'fetch') return this.fetch(request, Math.min(maxBytes, metadataBatchBytesMax))
    if (request.kind === 'fetchSnapshot') return Promise.resolve(this.fetchSnapshot(request, Math.min(maxBytes, metadataBatchBytesMax)))
    return Promise.resolve(bare({ ...this.refused('INVALID_REQUEST'), kind: 'beginQuorumEpoch' }))
  }

  /** There is more to read, or this node does not lead any more. */
  onChange(): void {
    for (const it of [...this.waiting]) this.settle(it)
  }

  /** Who has read of late, this leader first. */
  describe(self: NodeId): readonly DescribedReplica[] {
    const now = this.clock.wall()
    const { feed } = this.standing()
    const own = { id: self, directoryId: NO_UUID, logEndOffset: feed?.endOffset ?? -1, lastFetchAt: now, lastCaughtUpAt: now }
    return [own, ...[...this.readers.values()].filter((it) => now - it.lastFetchAt < forgottenAfterMs)]
  }

  private fetch(request: FetchRequest, maxBytes: number): Promise<RaftOutcome> {
    this.note(request.replica.id, request.replica.directoryId, request.fetchOffset)
    const outcome = this.readNow(request, maxBytes)
    if (outcome.records.length > 0 || outcome.reply.error !== 'NONE' || request.maxWaitMs <= 0) return Promise.resolve(outcome)
    if (outcome.reply.kind === 'fetch' && outcome.reply.snapshotId !== null) return Promise.resolve(outcome)
    return new Promise((answer) => {
      const timer = this.clock.after(request.maxWaitMs, () => this.settle(waiting))
      const waiting: Waiting = { request, maxBytes, timer, answer }
      this.waiting.add(waiting)
    })
  }

  private settle(waiting: Waiting): void {
    if (!this.waiting.delete(waiting)) return
    waiting.timer.cancel()
    waiting.answer(this.readNow(waiting.request, waiting.maxBytes))
  }

  private readNow(request: FetchRequest, maxBytes: number): RaftOutcome {
    const { leader, feed } = this.standing()
    const error = this.errorFor(request.epoch)
    if (feed === null || error !== 'NONE') return bare({ ...none, ...this.refused(error) })
    const records = feed.read(request.fetchOffset, request.lastFetchedEpoch, maxBytes)
    const reply: FetchReply = {
      ...none,
      error,
      epoch: leader.epoch,
      leaderId: leader.id,
      highWatermark: feed.endOffset,
      logStartOffset: feed.startOffset,
      snapshotId: records === null ? feed.snapshotId : null,
    }
    return { reply, records: records ?? [], piece: null }
  }

  private fetchSnapshot({ epoch, snapshotId, position }: FetchSnapshotRequest, maxBytes: number): RaftOutcome {
    const { leader, feed } = this.standing()
    const error = this.errorFor(epoch)
    const reply: FetchSnapshotReply = { kind: 'fetchSnapshot', error, epoch: leader.epoch, leaderId: leader.id, snapshotId, position }
    if (feed === null || error !== 'NONE') return bare(reply)
    const found = feed.snapshotPiece(snapshotId)
    if (found === null) return bare({ ...reply, error: 'SNAPSHOT_NOT_FOUND' })
    const size = found.bytes.length
    if (position < 0 || position >= size) return bare({ ...reply, error: 'POSITION_OUT_OF_RANGE' })
    return { reply, records: [], piece: { size, bytes: found.bytes.subarray(position, Math.min(size, position + maxBytes)) } }
  }

  private errorFor(asked: number): RaftError {
    const { leader, feed } = this.standing()
    if (asked > leader.epoch) return 'UNKNOWN_LEADER_EPOCH'
    if (feed === null) return 'NOT_LEADER_OR_FOLLOWER'
    return asked < leader.epoch ? 'FENCED_LEADER_EPOCH' : 'NONE'
  }

  private refused(error: RaftError) {
    const { leader } = this.standing()
    return { error, epoch: leader.epoch, leaderId: leader.id }
  }

  private note(id: NodeId, directoryId: Uuid, logEndOffset: Offset): void {
    if (id < 0) return
    const now: Timestamp = this.clock.wall()
    const end = this.standing().feed?.endOffset ?? NO_NODE
    const before = this.readers.get(`${id}/${directoryId}`)
    const lastCaughtUpAt = logEndOffset >= end ? now : (before?.lastCaughtUpAt ?? -1)
    this.readers.set(`${id}/${directoryId}`, { id, directoryId, logEndOffset, lastFetchAt: now, lastCaughtUpAt })
  }
}

const none = {
  kind: 'fetch',
  highWatermark: -1,
  logStartOffset: -1,
  diverging: null,
  snapshotId: null,
  range: null,
} as const

function bare(reply: RaftReply): RaftOutcome {
  return { reply, records: [], piece: null }
}
