import { assert } from '../base/assert.ts'
import { DiskError, isOutOfSpace, type Log } from '../base/ports.ts'
import { type NodeId, partitionName, type TopicPartition, type Uuid } from '../base/units.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import { CorruptLogError } from '../log/outcomes.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { changedPartitions, type ClusterChanges } from '../metadata/changes.ts'
import { ResourceType } from '../metadata/configs-image.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { isTrusted, type PartitionImage } from '../metadata/partition-image.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import type { LeaderRecoveryState, PartitionReplicaOptions } from '../replication/partition-replica.ts'
import { HostedPartition, type PartitionSurroundings } from './hosted-partition.ts'
import type { DirectoryAssignments } from './storage/directory-assignments.ts'
import { removeUnhosted, removeWhatIsGone, settleCorrupt, settleFutures } from './storage/leftover-logs.ts'
import type { Quarantine } from './storage/quarantine.ts'
import type { ReplicaMoves } from './moves/replica-moves.ts'
import { choosePlace, placeToTell } from './storage/replica-places.ts'
import type { SettingsOfTopics } from './topic-settings.ts'

export interface HostingOptions {
  readonly brokerId: NodeId
  readonly replica: PartitionReplicaOptions
  /** The image as it is now: a snapshot may replace it. */
  readonly image: ClusterImage
  readonly settings: SettingsOfTopics
  readonly directories: readonly LogDirectory[]
  /** Entries of `log.dirs` did not open, and nobody knows their ids. */
  readonly someUnknown: boolean
  readonly around: PartitionSurroundings
  readonly assignments: Pick<DirectoryAssignments, 'tell' | 'forget'>
  readonly quarantine: Quarantine
  readonly moves: ReplicaMoves
  readonly log: Log
  /** A partition could not be opened or made in the directory, for want of room: `openMissing` is to be called when there is some. */
  readonly onNoRoom: (directory: LogDirectory) => void
}

/**
 * The partitions that have a replica on this broker. Follows the metadata: what is hosted already is told of changes in the turn in which they
 * are applied; what is new is opened one after the other, and takes up the state that metadata has by then.
 */
export class HostedPartitions {
  private readonly options: HostingOptions
  private readonly byTopic = new Map<Uuid, Map<number, HostedPartition>>()
  private readonly opening: { readonly topic: TopicImage; readonly partition: number }[] = []
  private resyncing = false
  private openingNow: Promise<void> | null = null
  private started = false
  private readonly failedDirectories = new Set<LogDirectory>()

  constructor(options: HostingOptions) {
    this.options = options
  }

  get(topicId: Uuid, partition: number): HostedPartition | undefined {
    return this.byTopic.get(topicId)?.get(partition)
  }

  byName(topic: string, partition: number): HostedPartition | undefined {
    const found = this.options.image.topics.byName(topic)
    return found === undefined ? undefined : this.get(found.id, partition)
  }

  *all(): Iterable<HostedPartition> {
    for (const ofTopic of this.byTopic.values()) yield* ofTopic.values()
  }

  get count(): number {
    let count = 0
    for (const ofTopic of this.byTopic.values()) count += ofTopic.size
    return count
  }

  /** Takes up the whole image: to be called once, when the metadata has been caught up with. Resolves when all that is assigned is open. */
  async start(): Promise<void> {
    assert(!this.started, 'hosting starts once')
    this.started = true
    // Logs were opened before this broker knew of any topic's configuration
    this.options.settings.forgetAll()
    removeWhatIsGone(this.options, (it) => this.isAssigned(it))
    this.takeUpAll()
    await this.settled()
  }

  /** All partitions that metadata has assigned so far are open. */
  async settled(): Promise<void> {
    while (this.openingNow !== null) await this.openingNow
  }

  apply(changes: ClusterChanges): void {
    if (!this.started) return
    this.applyConfigs(changes)
    for (const topic of changes.topicsDeleted.values()) this.onTopicDeleted(topic)
    for (const change of changedPartitions(changes)) this.onPartition(change.topic, change.after)
    if (changes.brokers.size > 0) this.onBrokersChanged()
  }

  /** The image was replaced as a whole (a snapshot, after this broker had fallen far behind): everything is looked at anew. */
  resync(): void {
    if (!this.started) return
    this.options.settings.forgetAll()
    for (const hosted of [...this.all()]) {
      if (this.wanted(hosted.topicId, hosted.partition) === undefined) this.drop(hosted)
      else this.configure(hosted)
    }
    this.tryRemoving('what is not assigned to this broker', () => removeWhatIsGone(this.options, (it) => this.isAssigned(it)))
    this.resyncing = true
    this.takeUpAll()
    this.resyncing = false
    this.onBrokersChanged()
  }

  private takeUpAll(): void {
    for (const { topic, state } of partitionsOf(this.options.image)) this.onPartition(topic, state)
  }

  private applyConfigs(changes: ClusterChanges): void {
    const { settings, image } = this.options
    if (changes.configs.some((it) => it.type === ResourceType.BROKER)) {
      settings.forgetAll()
      for (const partition of this.all()) this.configure(partition)
      return
    }
    for (const { type, name } of changes.configs) {
      if (type !== ResourceType.TOPIC) continue
      settings.forget(name)
      const topic = image.topics.byName(name)
      for (const partition of (topic === undefined ? undefined : this.byTopic.get(topic.id))?.values() ?? []) this.configure(partition)
    }
  }

  private configure(partition: HostedPartition): void {
    const settings = this.options.settings.of(partition.topic)
    partition.configure(settings.log, settings.topic.minInsyncReplicas)
  }

  private onBrokersChanged(): void {
    for (const partition of this.all()) if (partition.isLeader) partition.tell({ type: 'brokersChanged' })
  }

  private onPartition(topic: TopicImage, state: PartitionImage): void {
    const hosted = this.get(topic.id, state.partition)
    if (!state.replicas.includes(this.options.brokerId)) {
      if (hosted !== undefined) this.drop(hosted)
      else this.removeUnhosted({ topic: topic.name, partition: state.partition })
    } else if (hosted !== undefined) {
      this.assign(hosted, state)
    } else {
      this.opening.push({ topic, partition: state.partition })
      this.openingNow ??= this.openAll()
    }
  }

  /** Bytes of a log that is open here do not check. */
  onRot(topic: string, partition: number, error: CorruptLogError): void {
    const hosted = this.byName(topic, partition)
    if (hosted === undefined) return
    this.options.moves.onGone(hosted)
    if (!this.options.quarantine.onRot(hosted, error)) return
    const state = this.wanted(hosted.topicId, partition)
    if (state !== undefined) this.options.quarantine.look(hosted, state)
  }

  private assign(hosted: HostedPartition, state: PartitionImage): void {
    if (this.options.quarantine.look(hosted, state) === 'set aside') return this.replaceLog(hosted, state)
    this.tellPlace(hosted, state)
    hosted.tell({
      type: 'assigned',
      assignment: {
        topicId: state.topicId,
        replicas: state.replicas,
        isr: state.isr,
        isReplaced: this.resyncing,
        leader: state.leader,
        leaderEpoch: state.leaderEpoch,
        partitionEpoch: state.partitionEpoch,
        leaderRecoveryState: state.leaderRecoveryState as LeaderRecoveryState,
        addingReplicas: state.addingReplicas,
        removingReplicas: state.removingReplicas,
        minInsyncReplicas: this.options.settings.of(hosted.topic).topic.minInsyncReplicas,
        logEndOffset: hosted.log.logEndOffset,
        settledOffset: hosted.settledOffset,
        logStartOffset: hosted.log.logStartOffset,
        storedHighWatermark: hosted.directory.checkpointedHighWatermark(hosted.topic, hosted.partition),
      },
    })
  }

  /** Takes up what could not be opened before, for want of room. */
  openMissing(): void {
    if (!this.started) return
    for (const { topic, state } of partitionsOf(this.options.image)) {
      if (this.get(topic.id, state.partition) === undefined) this.onPartition(topic, state)
    }
  }

  /** Its files are set aside, and it begins anew with an empty log. */
  private replaceLog(hosted: HostedPartition, state: PartitionImage): void {
    const topic = this.options.image.topics.byId(hosted.topicId)
    this.options.moves.onGone(hosted)
    hosted.unhost()
    this.byTopic.get(hosted.topicId)?.delete(hosted.partition)
    try {
      hosted.directory.setAside(hosted.topic, hosted.partition)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.options.log.write('error', 'partition-not-set-aside', `${hosted.name}: ${error.message}`)
      return
    }
    this.options.log.write(
      'warn',
      'replica-set-aside',
      `${hosted.name}: its files are kept as -stray; it is fetched again from broker ${state.leader}`,
    )
    if (topic !== undefined) this.onPartition(topic, state)
  }

  private tellPlace(hosted: HostedPartition, state: PartitionImage): void {
    const { brokerId, directories, assignments, moves } = this.options
    const actual = moves.placeOf(hosted).identity?.directoryId
    const told = actual === undefined ? null : placeToTell(state, brokerId, actual, directories)
    if (told !== null) assignments.tell({ topicId: hosted.topicId, partition: hosted.partition, directory: told })
  }

  private async openAll(): Promise<void> {
    for (let next = this.opening.shift(); next !== undefined; next = this.opening.shift()) await this.openOne(next.topic, next.partition)
    this.openingNow = null
  }

  /** Metadata may have moved on before and while the log opens: what counts is what it says afterwards. */
  private async openOne(topic: TopicImage, partition: number): Promise<void> {
    const before = this.wanted(topic.id, partition)
    if (before === undefined || this.get(topic.id, partition) !== undefined) return
    let log: PartitionLog
    let directory: LogDirectory | undefined
    try {
      if (!settleCorrupt(this.options, topic, before)) return
      directory = this.directoryFor(topic.name, before)
      if (directory === undefined || !settleFutures(this.options, topic, before)) return
      log = await this.openLog(directory, topic, partition)
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof CorruptLogError)) throw error
      this.options.log.write('error', 'partition-not-opened', `${partitionName(topic.name, partition)} cannot be opened: ${error.message}`)
      if (isOutOfSpace(error) && directory !== undefined) this.options.onNoRoom(directory)
      return
    }
    const state = this.wanted(topic.id, partition)
    if (state === undefined) {
      directory.remove(topic.name, partition)
      return
    }
    const hosted = new HostedPartition(topic.id, log, directory, this.options.replica, this.options.around)
    let ofTopic = this.byTopic.get(topic.id)
    if (ofTopic === undefined) this.byTopic.set(topic.id, (ofTopic = new Map()))
    ofTopic.set(partition, hosted)
    this.options.moves.onHosted(hosted)
    this.assign(hosted, state)
  }

  /** A log of the same name but another topic id belongs to a topic that was deleted while this broker was away (REP-17). */
  private async openLog(directory: LogDirectory, topic: TopicImage, partition: number): Promise<PartitionLog> {
    const there = directory.logs.get(partitionName(topic.name, partition))
    if (there !== undefined && there.topicId === topic.id) {
      there.config = this.options.settings.of(topic.name).log
      return there
    }
    const state = this.wanted(topic.id, partition)
    const isCountedOn = state !== undefined && isTrusted(state, this.options.brokerId)
    if (there?.topicId === null && isCountedOn) {
      // partition.metadata is gone or cannot be read, and this broker is counted on: only with the right log has it come into the ISR
      there.assignTopicId(topic.id)
      there.config = this.options.settings.of(topic.name).log
      return there
    }
    if (there !== undefined) directory.setAside(topic.name, partition)
    return await directory.create(topic.name, partition, topic.id, this.options.settings.of(topic.name).log)
  }

  private wanted(topicId: Uuid, partition: number): PartitionImage | undefined {
    const state = this.options.image.partition(topicId, partition)
    return state?.replicas.includes(this.options.brokerId) === true ? state : undefined
  }

  private directoryFor(topic: string, state: PartitionImage): LogDirectory | undefined {
    const { brokerId, directories, someUnknown, log } = this.options
    const name = partitionName(topic, state.partition)
    const healthy = directories.filter((it) => it.failure === null && !this.failedDirectories.has(it))
    const failed = directories.filter((it) => !healthy.includes(it))
    const preferred = this.options.moves.preferredFor(name)
    const isUsable = preferred !== undefined && healthy.includes(preferred)
    const choice = choosePlace(state, brokerId, name, healthy, failed, someUnknown, isUsable ? preferred : undefined)
    if (choice === 'offline') return undefined
    if (choice === 'lost') {
      log.write(
        'error',
        'partition-lost',
        `${name}: its log directory is not in log.dirs any more, and this broker is counted on for it: bring the directory back and start ` +
          'again, or let another replica lead with an unclean election',
      )
      return undefined
    }
    for (const other of healthy) if (other !== choice && choice.logs.has(name)) other.remove(topic, state.partition)
    return choice
  }

  private onTopicDeleted(topic: TopicImage): void {
    for (const state of topic.partitions) {
      if (state === undefined) continue
      const hosted = this.get(topic.id, state.partition)
      if (hosted !== undefined) this.drop(hosted)
      else this.removeUnhosted({ topic: topic.name, partition: state.partition })
    }
    this.byTopic.delete(topic.id)
    this.options.settings.forget(topic.name)
  }

  private drop(hosted: HostedPartition): void {
    this.options.moves.onGone(hosted)
    hosted.unhost()
    this.byTopic.get(hosted.topicId)?.delete(hosted.partition)
    this.options.assignments.forget(hosted.topicId, hosted.partition)
    this.tryRemoving(hosted.name, () => hosted.directory.remove(hosted.topic, hosted.partition))
  }

  private removeUnhosted(at: TopicPartition): void {
    this.tryRemoving(partitionName(at.topic, at.partition), () => removeUnhosted(this.options, at))
  }

  private tryRemoving(what: string, remove: () => void): void {
    try {
      remove()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.options.log.write('error', 'partition-not-removed', `${what}: ${error.message}`)
    }
  }

  private isAssigned({ topic, partition }: TopicPartition): boolean {
    const known = this.options.image.topics.byName(topic)
    return known !== undefined && this.wanted(known.id, partition) !== undefined
  }

  /**
   * Nothing in the directory may be trusted any more: its partitions are not served until it is back. The controller moves those away that it
   * knows to be in it; of the others it has been told, or is being told.
   */
  onDirectoryFailed(directory: LogDirectory): void {
    this.failedDirectories.add(directory)
    this.options.moves.onDirectoryFailed(directory)
    for (const hosted of [...this.all()]) {
      if (hosted.directory !== directory) continue
      hosted.unhost()
      this.byTopic.get(hosted.topicId)?.delete(hosted.partition)
    }
  }

  /** All who wait are answered; the logs are left to their directories. */
  stop(): void {
    this.options.moves.stop()
    for (const hosted of [...this.all()]) hosted.unhost()
    this.byTopic.clear()
  }
}

function* partitionsOf(image: ClusterImage): Iterable<{ readonly topic: TopicImage; readonly state: PartitionImage }> {
  for (const topic of image.topics.all()) {
    for (const state of topic.partitions) if (state !== undefined) yield { topic, state }
  }
}
