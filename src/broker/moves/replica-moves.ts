import { DiskError, isOutOfSpace, type Log } from '../../base/ports.ts'
import { partitionName } from '../../base/units.ts'
import type { LogDirectory } from '../../log/log-directory.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { HostedPartition } from '../hosted-partition.ts'
import { type MoveSurroundings, ReplicaMove } from './replica-move.ts'

export interface ReplicaMovesOptions extends Omit<MoveSurroundings, 'ended'> {
  readonly directories: readonly LogDirectory[]
  /** Entries of `log.dirs`, those included that did not open. */
  readonly paths: readonly string[]
  readonly log: Log
  partition(topic: string, partition: number): HostedPartition | undefined
  /** Its log cannot be trusted, and is being given up. */
  isRotten(partition: HostedPartition): boolean
  /** There is such a partition, here or elsewhere. */
  exists(topic: string, partition: number): boolean
}

/** A file system takes names of 255 bytes: `<topic>-<partition>.<32 digits>-future`. */
const nameMax = 255
const futureSuffixLength = 40
/** Replicas that were asked for and have not come yet: more are forgotten. */
const preferredMax = 10_000

/**
 * The replicas of this broker that are on their way to another log directory, as AlterReplicaLogDirs asks for it (ReplicaManager.alterReplicaLogDirs):
 *
 *  - a request for another place than the one of before ends the move of before; one for where the replica is ends it, and begins none;
 *  - a request that comes while the old files of a move are still there is carried out after it;
 *  - a request for a replica that is not here yet decides where it will be made (LogManager's preferred log directories);
 *  - a copy that is found at a start is gone on with.
 */
export class ReplicaMoves {
  private readonly options: ReplicaMovesOptions
  private readonly moves = new Map<HostedPartition, ReplicaMove>()
  /** Asked for while a move was about to be over. */
  private readonly next = new Map<HostedPartition, LogDirectory>()
  private readonly preferred = new Map<string, LogDirectory>()
  private readonly surroundings: MoveSurroundings
  /** Requests are carried out one after the other. */
  private lastRequest: Promise<unknown> = Promise.resolve()
  private stopped = false

  constructor(options: ReplicaMovesOptions) {
    this.options = options
    this.surroundings = { ...options, ended: (move, how) => this.onEnded(move, how) }
  }

  /** AlterReplicaLogDirs, of one replica. The copy is there when it resolves with NONE, and is filled from then on. */
  async request(topic: string, partition: number, path: string): Promise<ErrorCode> {
    const name = partitionName(topic, partition)
    if (name.length + futureSuffixLength > nameMax) return ErrorCode.INVALID_TOPIC_EXCEPTION
    const target = this.options.directories.find((it) => it.path === path)
    if (target === undefined) return this.options.paths.includes(path) ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.LOG_DIR_NOT_FOUND
    if (target.failure !== null) return ErrorCode.KAFKA_STORAGE_ERROR
    const hosted = this.options.partition(topic, partition)
    if (hosted === undefined) {
      if (this.preferred.has(name) || this.preferred.size < preferredMax) this.preferred.set(name, target)
      return this.options.exists(topic, partition) ? ErrorCode.REPLICA_NOT_AVAILABLE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    }
    if (hosted.directory.failure !== null || this.options.isRotten(hosted)) return ErrorCode.KAFKA_STORAGE_ERROR
    return await this.inTurn(() => this.direct(hosted, target))
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.lastRequest.then(work)
    this.lastRequest = done.catch(() => undefined)
    return done
  }

  private async direct(hosted: HostedPartition, target: LogDirectory): Promise<ErrorCode> {
    const known = this.moves.get(hosted)
    if (known?.isMoved === true) {
      this.next.set(hosted, target)
      return ErrorCode.NONE
    }
    if (known?.target === target) return ErrorCode.NONE
    known?.giveUp('another place was asked for')
    return target === hosted.directory ? ErrorCode.NONE : await this.begin(hosted, target)
  }

  /** The directory in which a replica that is not here yet was asked for. */
  preferredFor(name: string): LogDirectory | undefined {
    return this.preferred.get(name)
  }

  /** Where metadata is to say that a replica is. */
  placeOf(hosted: HostedPartition): LogDirectory {
    return this.moves.get(hosted)?.place ?? hosted.directory
  }

  isMoving(hosted: HostedPartition): boolean {
    return this.moves.has(hosted)
  }

  /** The copies that are being made in a directory. */
  *into(directory: LogDirectory): Iterable<ReplicaMove> {
    for (const move of this.moves.values()) if (move.target === directory && move.future !== null) yield move
  }

  /** A replica is served here from now on: a copy that was found at the start is gone on with, one that makes no sense goes. */
  onHosted(hosted: HostedPartition): void {
    this.preferred.delete(hosted.name)
    for (const directory of this.options.directories) {
      if (directory.failure !== null || !directory.hasFuture(hosted.name)) continue
      const future = directory.futures.get(hosted.name)
      if (future === undefined || future.topicId !== hosted.topicId || this.moves.has(hosted) || directory === hosted.directory) {
        this.removeFuture(directory, hosted)
      } else {
        future.config = hosted.log.config
        this.start(new ReplicaMove(hosted, directory, future, this.surroundings))
      }
    }
  }

  /** The replica leaves this broker, or its files are set aside. */
  onGone(hosted: HostedPartition): void {
    this.next.delete(hosted)
    const move = this.moves.get(hosted)
    if (move === undefined) return
    try {
      if (move.isMoved) move.removeOld()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.options.log.write('error', 'partition-not-removed', `${hosted.name}: ${error.message}`)
    }
    move.giveUp('the replica leaves this broker')
  }

  onDirectoryFailed(directory: LogDirectory): void {
    for (const move of [...this.moves.values()]) {
      if (move.partition.directory === directory) move.leave()
      else if (move.target === directory) move.giveUp(`${directory.path} has failed`)
    }
  }

  stop(): void {
    this.stopped = true
    for (const move of [...this.moves.values()]) move.leave()
  }

  private async begin(hosted: HostedPartition, target: LogDirectory): Promise<ErrorCode> {
    try {
      // One that did not open
      if (target.hasFuture(hosted.name)) target.removeFuture(hosted.topic, hosted.partition)
      const future = await target.createFuture(hosted.log, hosted.topicId)
      const isHere = this.options.partition(hosted.topic, hosted.partition) === hosted
      if (!isHere || this.stopped || this.moves.has(hosted)) {
        this.removeFuture(target, hosted)
        return isHere ? ErrorCode.NONE : ErrorCode.REPLICA_NOT_AVAILABLE
      }
      this.options.log.write('info', 'replica-move-begun', `${hosted.name} moves from ${hosted.directory.path} to ${target.path}`)
      this.start(new ReplicaMove(hosted, target, future, this.surroundings))
      return ErrorCode.NONE
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (isOutOfSpace(error)) this.options.refused(target)
      this.options.log.write('warn', 'replica-move-refused', `${hosted.name} cannot move to ${target.path}: ${error.message}`)
      return ErrorCode.KAFKA_STORAGE_ERROR
    }
  }

  private start(move: ReplicaMove): void {
    this.moves.set(move.partition, move)
    move.partition.move = move
    void move.run()
  }

  private onEnded(move: ReplicaMove, how: 'moved' | 'given up'): void {
    const { partition } = move
    if (this.moves.get(partition) !== move) return
    this.moves.delete(partition)
    partition.move = null
    const next = this.next.get(partition)
    this.next.delete(partition)
    if (how === 'moved' && next !== undefined && !this.stopped) void this.inTurn(() => this.direct(partition, next))
  }

  private removeFuture(directory: LogDirectory, { topic, partition, name }: HostedPartition): void {
    try {
      directory.removeFuture(topic, partition)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.options.log.write('warn', 'replica-copy-not-removed', `${name} in ${directory.path}: ${error.message}`)
    }
  }
}
