import { DiskError, type Ports, type Timer } from '../../base/ports.ts'
import { type Epoch, type Millis, NEVER, type NodeId, type Offset } from '../../base/units.ts'
import { Peer, PeerError } from '../../client/peer.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { FetchRequestDraft } from '../../protocol/messages/fetch.ts'
import { CorruptLogError } from '../../log/outcomes.ts'
import { MalformedError } from '../../protocol/reader.ts'
import type { FetchAction, LogPosition, ReplicaFetcherOptions } from '../../replication/replica-fetcher.ts'
import { ReplicaFetcher } from '../../replication/replica-fetcher.ts'
import { truncationOffset } from '../../replication/truncation.ts'
import type { HostedPartition } from '../hosted-partition.ts'
import type { HostedPartitions } from '../hosted-partitions.ts'

export interface LeaderFetchingOptions extends ReplicaFetcherOptions {
  /** A fetch without an answer for so long beyond its maximal wait has failed (`replica.socket.timeout.ms`). */
  readonly requestTimeoutMs: Millis
}

const fetchPatience = {
  /** After a failed fetch: short, because a leader that has just come back should be found at once. */
  retryBackoffMs: 50,
  /** Beyond its maximal wait: a leader that is silent for so long is dialled anew. */
  requestTimeoutMs: 2_000,
} as const

export function fetchingOptionsOf(config: ServerConfig): LeaderFetchingOptions {
  return {
    replicaId: config.nodeId,
    maxWaitMs: config.replicaFetchWaitMaxMs,
    minBytes: config.replicaFetchMinBytes,
    maxBytes: config.replicaFetchResponseMaxBytes,
    partitionMaxBytes: config.replicaFetchMaxBytes,
    ...fetchPatience,
  }
}

export interface LeaderFetchingSurroundings {
  readonly ports: Ports
  readonly hosted: HostedPartitions
  /** This broker's epoch, which followers say with each fetch (KIP-903). */
  brokerEpoch(): number
  /** Where the leader listens for brokers; undefined when metadata does not say. */
  endpointOf(leader: NodeId): { readonly host: string; readonly port: number } | undefined
  onDiskError(partition: HostedPartition, error: DiskError): void
}

/** The partitions that this broker follows, by leader: one connection and one fetch session to each leader broker. */
export class LeaderFetching {
  private readonly around: LeaderFetchingSurroundings
  private readonly options: LeaderFetchingOptions
  private readonly byLeader = new Map<NodeId, FetchLoop>()
  private readonly leaderOf = new Map<HostedPartition, NodeId>()

  constructor(around: LeaderFetchingSurroundings, options: LeaderFetchingOptions) {
    this.around = around
    this.options = options
  }

  follow(partition: HostedPartition, leader: NodeId, epoch: Epoch): void {
    if (this.leaderOf.get(partition) !== leader) this.unfollow(partition)
    this.leaderOf.set(partition, leader)
    let loop = this.byLeader.get(leader)
    if (loop === undefined) this.byLeader.set(leader, (loop = new FetchLoop(leader, this.around, this.options)))
    loop.follow(partition, epoch)
  }

  unfollow(partition: HostedPartition): void {
    const leader = this.leaderOf.get(partition)
    if (leader === undefined) return
    this.leaderOf.delete(partition)
    const loop = this.byLeader.get(leader)
    loop?.unfollow(partition)
    if (loop?.isIdle === true) {
      loop.stop()
      this.byLeader.delete(leader)
    }
  }

  /** A broker's address changed, or it came back: its loop dials anew. */
  onBrokerChanged(leader: NodeId): void {
    this.byLeader.get(leader)?.onEndpointChanged()
  }

  stop(): void {
    for (const loop of this.byLeader.values()) loop.stop()
    this.byLeader.clear()
    this.leaderOf.clear()
  }
}

/** Drives the `ReplicaFetcher` of one leader: sends its requests, carries out its actions on the logs. */
class FetchLoop {
  private readonly leader: NodeId
  private readonly around: LeaderFetchingSurroundings
  private readonly options: LeaderFetchingOptions
  private readonly fetcher: ReplicaFetcher
  private readonly followed = new Set<HostedPartition>()
  /** When those that are out of sync are looked through again. */
  private repeatAt: Millis = -Infinity
  private readonly noted = new WeakMap<HostedPartition, { readonly text: string; readonly at: Millis }>()
  private peer: Peer | null = null
  private timer: Timer | null = null
  private pumping = false
  private stopped = false
  /** Answers to requests of an earlier connection are void. */
  private generation = 0

  constructor(leader: NodeId, around: LeaderFetchingSurroundings, options: LeaderFetchingOptions) {
    this.leader = leader
    this.around = around
    this.options = options
    this.fetcher = new ReplicaFetcher(options)
  }

  get isIdle(): boolean {
    return this.fetcher.size === 0
  }

  follow(partition: HostedPartition, epoch: Epoch): void {
    this.followed.add(partition)
    this.fetcher.follow({ topicId: partition.topicId, partition: partition.partition, leaderEpoch: epoch, ...positionOf(partition) })
    if (!partition.isSettled) this.positioned(partition, epoch)
    this.pumpSoon()
  }

  unfollow(partition: HostedPartition): void {
    this.followed.delete(partition)
    this.fetcher.unfollow(partition.topicId, partition.partition)
  }

  onEndpointChanged(): void {
    const endpoint = this.around.endpointOf(this.leader)
    if (this.peer === null || (endpoint?.host === this.peer.host && endpoint.port === this.peer.port)) return
    this.dropConnection()
    this.pumpSoon()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.dropConnection()
  }

  private dropConnection(): void {
    this.generation += 1
    this.peer?.close()
    this.peer = null
    this.fetcher.onFailure(this.around.ports.clock.mono())
  }

  /** All that one turn of metadata brings goes into one request. */
  private pumpSoon(): void {
    if (this.pumping || this.stopped) return
    this.pumping = true
    this.around.ports.clock.endOfTurn(() => {
      this.pumping = false
      this.pump()
    })
  }

  private pump(): void {
    if (this.stopped) return
    const now = this.around.ports.clock.mono()
    this.repeatOutOfSync(now)
    for (
      let request = this.fetcher.nextRequest(now, this.around.brokerEpoch());
      request !== null;
      request = this.fetcher.nextRequest(now, this.around.brokerEpoch())
    ) {
      void this.exchange(request)
    }
    this.arm(now)
  }

  /**
   * A leader forgets where a replica stands that has left the in-sync set. It may hear of that late, when the replica has come back and said all that it has to
   * say, and then nothing would ever bring an idle partition's replica back.
   */
  private repeatOutOfSync(now: Millis): void {
    if (now < this.repeatAt) return
    const { maxWaitMs, replicaId } = this.options
    this.repeatAt = now + maxWaitMs
    for (const { topicId, partition, replica } of this.followed) {
      if (!replica.isr.includes(replicaId)) this.fetcher.repeat(now, topicId, partition)
    }
  }

  private arm(now: Millis): void {
    this.timer?.cancel()
    this.timer = null
    const at = this.fetcher.wakeAt()
    if (at === NEVER) return
    this.timer = this.around.ports.clock.after(Math.max(0, at - now), () => this.pump())
  }

  private async exchange(request: FetchRequestDraft): Promise<void> {
    const { generation } = this
    try {
      const response = await this.connected().request(apis.fetch, apis.fetch.versionMax, request, {
        timeoutMs: this.options.maxWaitMs + this.options.requestTimeoutMs,
      })
      if (generation !== this.generation || this.stopped) return
      for (const action of this.fetcher.onResponse(this.around.ports.clock.mono(), response)) this.carryOut(action)
      this.pump()
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      if (generation !== this.generation || this.stopped) return
      this.dropConnection()
      this.pump()
    }
  }

  private connected(): Peer {
    if (this.peer !== null) return this.peer
    const endpoint = this.around.endpointOf(this.leader)
    if (endpoint === undefined) throw new PeerError('EUNREACHABLE', `broker ${this.leader} has no address`)
    this.peer = new Peer(this.around.ports, { ...endpoint, clientId: `broker-${this.options.replicaId}-fetcher` })
    return this.peer
  }

  private carryOut(action: FetchAction): void {
    const partition = this.around.hosted.get(action.topicId, action.partition)
    if (partition === undefined || partition.replica.leaderEpoch !== action.leaderEpoch || partition.isLeader) {
      this.fetcher.unfollow(action.topicId, action.partition)
      return
    }
    try {
      this.carryOutOn(partition, action)
    } catch (error) {
      this.onActionFailed(partition, action, error)
    }
  }

  private carryOutOn(partition: HostedPartition, action: FetchAction): void {
    switch (action.type) {
      case 'append':
        this.append(partition, action)
        return
      case 'advance':
        this.leaderSaid(partition, action)
        return
      case 'truncate': {
        const cut = truncationOffset(action, partition.log.endOffsetForEpoch(action.epoch), partition.log.logEndOffset)
        this.truncate(partition, action, cut)
        return
      }
      case 'truncateTo':
        this.truncate(partition, action, action.offset)
        return
      case 'startAt':
        this.note(partition, `the leader's log starts at ${action.offset}, ours ends at ${partition.log.logEndOffset}: begun anew there`)
        partition.truncateFullyAndStartAt(action.offset)
        this.positioned(partition, action.leaderEpoch)
        return
      case 'askLeaderOffsets':
        void this.askLeaderOffsets(partition, action.leaderEpoch)
        return
      case 'refused':
        if (action.error !== ErrorCode.UNKNOWN_LEADER_EPOCH)
          this.note(partition, `broker ${this.leader} refuses a fetch: ${errorName(action.error)}`)
    }
  }

  private append(partition: HostedPartition, action: Extract<FetchAction, { type: 'append' }>): void {
    const outcome = partition.appendAsFollower(action.records, action.leaderEpoch)
    if (outcome.kind === 'refused') {
      this.note(partition, `records of broker ${this.leader} are not appended: ${outcome.message}`)
      this.fetcher.failed(this.around.ports.clock.mono(), action.topicId, action.partition, action.leaderEpoch)
      return
    }
    this.leaderSaid(partition, action)
    this.positioned(partition, action.leaderEpoch)
  }

  private leaderSaid(
    partition: HostedPartition,
    said: { readonly leaderEpoch: Epoch; readonly highWatermark: Offset; readonly logStartOffset: Offset },
  ): void {
    partition.tell({ type: 'leaderSaid', leaderEpoch: said.leaderEpoch, highWatermark: said.highWatermark })
    // What the leader has deleted goes here too, as far as it is here; the next fetch says so, for the leader's low watermark.
    if (said.logStartOffset <= partition.log.logStartOffset) return
    partition.moveLogStart(Math.min(said.logStartOffset, partition.log.logEndOffset))
    this.positioned(partition, said.leaderEpoch)
  }

  private truncate(partition: HostedPartition, action: FetchAction, cut: Offset): void {
    const { log, replica } = partition
    if (cut < log.logEndOffset) {
      const below = cut < replica.highWatermark ? `, below its high watermark ${replica.highWatermark}` : ''
      this.note(
        partition,
        `cut from ${log.logEndOffset} to ${cut} to agree with broker ${this.leader} in epoch ${action.leaderEpoch}${below}`,
      )
    }
    // also where there is nothing to cut: an epoch led here that wrote nothing has to leave the log's history, or the logs diverge for ever
    partition.truncateTo(cut)
    this.positioned(partition, action.leaderEpoch)
  }

  /** What the next fetch names as its offset it claims to hold: it has to wait until all of the log counts. */
  private positioned(partition: HostedPartition, leaderEpoch: Epoch): void {
    const { topicId, partition: index, log } = partition
    if (partition.isSettled) return this.fetcher.positioned(topicId, index, leaderEpoch, positionOf(partition))
    if (!this.fetcher.settling(this.around.ports.clock.mono(), topicId, index, leaderEpoch)) return
    partition.awaitSettled(log.logEndOffset, (counts) => {
      // By then it may be followed in another epoch, led here, or gone: the fetcher knows it by its epoch
      if (!counts || this.stopped || partition.replica.leaderEpoch !== leaderEpoch) return
      this.positioned(partition, leaderEpoch)
      this.pumpSoon()
    })
  }

  /** The world failed, or the bytes were not what they claimed: the same is fetched again later. Anything else is a bug. */
  private onActionFailed(partition: HostedPartition, action: FetchAction, error: unknown): void {
    if (error instanceof DiskError) this.around.onDiskError(partition, error)
    else if (error instanceof CorruptLogError) this.note(partition, `its own log does not check: ${error.message}`)
    else if (error instanceof MalformedError) this.note(partition, `bytes from broker ${this.leader} are malformed: ${error.message}`)
    else throw error
    this.fetcher.failed(this.around.ports.clock.mono(), action.topicId, action.partition, action.leaderEpoch)
  }

  private async askLeaderOffsets(partition: HostedPartition, leaderEpoch: Epoch): Promise<void> {
    const [start, end] = await Promise.all([
      this.leaderOffset(partition, leaderEpoch, earliest),
      this.leaderOffset(partition, leaderEpoch, latest),
    ])
    const known = start === null || end === null ? null : { logStartOffset: start, logEndOffset: end }
    const action = this.fetcher.leaderOffsets(this.around.ports.clock.mono(), partition.topicId, partition.partition, leaderEpoch, known)
    if (action !== null) this.carryOut(action)
    this.pump()
  }

  private async leaderOffset(partition: HostedPartition, leaderEpoch: Epoch, timestamp: number): Promise<Offset | null> {
    try {
      const response = await this.connected().request(
        apis.listOffsets,
        apis.listOffsets.versionMax,
        {
          replicaId: this.options.replicaId,
          isolationLevel: 0,
          topics: [
            { name: partition.topic, partitions: [{ partitionIndex: partition.partition, currentLeaderEpoch: leaderEpoch, timestamp }] },
          ],
        },
        { timeoutMs: this.options.requestTimeoutMs },
      )
      const answer = response.topics[0]?.partitions[0]
      return answer?.errorCode === ErrorCode.NONE ? answer.offset : null
    } catch (error) {
      if (error instanceof PeerError) return null
      throw error
    }
  }

  /** What goes on failing in the same way is told once in a while, not at every attempt. */
  private note(partition: HostedPartition, text: string): void {
    const { clock, log } = this.around.ports
    const now = clock.mono()
    const before = this.noted.get(partition)
    if (before !== undefined && before.text === text && now - before.at < sameNoteEveryMs) return
    this.noted.set(partition, { text, at: now })
    log.write('info', 'replica-fetch', `${partition.name}: ${text}`)
  }
}

const sameNoteEveryMs: Millis = 10_000

/** ListOffsets' special timestamps. */
const latest = -1
const earliest = -2

function positionOf(partition: HostedPartition): LogPosition {
  const { log } = partition
  return { logEndOffset: log.logEndOffset, logStartOffset: log.logStartOffset, lastEpoch: log.latestEpoch }
}
