import { grouped } from '../../base/grouped.ts'
import type { Clock, Log, Timer } from '../../base/ports.ts'
import type { Millis, NodeId, Uuid } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { AssignReplicasToDirsRequestDraft, AssignReplicasToDirsResponse } from '../../protocol/messages/assign-replicas-to-dirs.ts'
import { type ControllerChannel, NoControllerError } from '../controller-channel.ts'

/** A replica and the directory it is in; LOST: in none. */
export interface DirectoryAssignment {
  readonly topicId: Uuid
  readonly partition: number
  readonly directory: Uuid
}

/** As Kafka's AssignmentsManager. */
const assignmentsPerRequestMax = 2_250
const requestTimeoutMs: Millis = 5_000
const retryBackoffMs: Millis = 100
const retryBackoffMsMax: Millis = 10_000

/** The replica is not this broker's any more: there is nothing to tell. */
const isOver: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
])

/**
 * Tells the controller in which directory each replica is (AssignReplicasToDirs, org.apache.kafka.server.AssignmentsManager).
 *
 * Invariants: of a replica the newest word counts, and is told until the controller has taken it or says that there is no such replica; one
 * request is on its way at a time, what comes meanwhile gathers; a word that was replaced while it was on its way is followed by the newer one.
 */
export class DirectoryAssignments {
  private readonly clock: Clock
  private readonly log: Log
  private readonly channel: Pick<ControllerChannel, 'request'>
  private readonly brokerId: NodeId
  private readonly brokerEpoch: () => number
  private readonly waiting = new Map<string, DirectoryAssignment>()
  private sending = false
  private scheduled = false
  private failures = 0
  private timer: Timer | null = null
  private stopped = false

  constructor(
    ports: { readonly clock: Clock; readonly log: Log },
    channel: Pick<ControllerChannel, 'request'>,
    brokerId: NodeId,
    brokerEpoch: () => number,
  ) {
    this.clock = ports.clock
    this.log = ports.log
    this.channel = channel
    this.brokerId = brokerId
    this.brokerEpoch = brokerEpoch
  }

  tell(assignment: DirectoryAssignment): void {
    const key = keyOf(assignment)
    if (this.waiting.get(key)?.directory === assignment.directory) return
    this.waiting.delete(key)
    this.waiting.set(key, assignment)
    this.schedule()
  }

  /** The replica is not here any more. */
  forget(topicId: Uuid, partition: number): void {
    this.waiting.delete(keyOf({ topicId, partition }))
  }

  /** Whether something is still to be told of a directory. */
  isUntold(directory: Uuid): boolean {
    for (const it of this.waiting.values()) if (it.directory === directory) return true
    return false
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.timer = null
    this.waiting.clear()
  }

  private schedule(): void {
    if (this.sending || this.scheduled || this.timer !== null || this.stopped) return
    this.scheduled = true
    this.clock.endOfTurn(() => {
      this.scheduled = false
      void this.drain()
    })
  }

  private async drain(): Promise<void> {
    if (this.sending) return
    this.sending = true
    let goesWell = true
    while (goesWell && this.waiting.size > 0 && !this.stopped)
      goesWell = await this.send([...this.waiting.values()].slice(0, assignmentsPerRequestMax))
    this.sending = false
    if (goesWell) this.failures = 0
    else this.retryLater()
  }

  private retryLater(): void {
    if (this.stopped) return
    const pause = Math.min(retryBackoffMsMax, retryBackoffMs * 2 ** Math.min(this.failures, 20))
    this.failures += 1
    this.timer = this.clock.after(pause, () => {
      this.timer = null
      void this.drain()
    })
  }

  /** False when something of it is to be told again. */
  private async send(batch: readonly DirectoryAssignment[]): Promise<boolean> {
    let response: AssignReplicasToDirsResponse
    try {
      response = await this.channel.request(apis.assignReplicasToDirs, apis.assignReplicasToDirs.versionMax, this.draft(batch), {
        timeoutMs: requestTimeoutMs,
        errorOf: (it) => it.errorCode,
      })
    } catch (error) {
      if (!(error instanceof NoControllerError)) throw error
      return false
    }
    if (response.errorCode !== ErrorCode.NONE) {
      this.log.write('warn', 'directories-refused', `the controller does not take where replicas are: ${errorName(response.errorCode)}`)
      return false
    }
    const errors = errorsOf(response)
    return batch.map((it) => this.settle(it, errors.get(keyOf(it)) ?? ErrorCode.UNKNOWN_SERVER_ERROR)).every((settled) => settled)
  }

  private settle(assignment: DirectoryAssignment, error: number): boolean {
    const key = keyOf(assignment)
    if (error !== ErrorCode.NONE && !isOver.has(error)) return false
    if (this.waiting.get(key) === assignment) this.waiting.delete(key)
    return true
  }

  private draft(batch: readonly DirectoryAssignment[]): AssignReplicasToDirsRequestDraft {
    const byDirectory = grouped(batch, (it) => it.directory)
    return {
      brokerId: this.brokerId,
      brokerEpoch: this.brokerEpoch(),
      directories: [...byDirectory].map(([id, inIt]) => ({
        id,
        topics: [...grouped(inIt, (it) => it.topicId)].map(([topicId, list]) => ({
          topicId,
          partitions: list.map(({ partition }) => ({ partitionIndex: partition })),
        })),
      })),
    }
  }
}

function keyOf({ topicId, partition }: { readonly topicId: Uuid; readonly partition: number }): string {
  return `${topicId}:${partition}`
}

function errorsOf(response: AssignReplicasToDirsResponse): ReadonlyMap<string, number> {
  const errors = new Map<string, number>()
  for (const { topics } of response.directories) {
    for (const { topicId, partitions } of topics) {
      for (const { partitionIndex, errorCode } of partitions) errors.set(keyOf({ topicId, partition: partitionIndex }), errorCode)
    }
  }
  return errors
}
