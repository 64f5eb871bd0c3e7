import { assert } from '../base/assert.ts'
import { DiskError, type Log } from '../base/ports.ts'
import { type NodeId, partitionName, type Uuid } from '../base/units.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { changedPartitions, type ClusterChanges } from '../metadata/changes.ts'
import { ResourceType } from '../metadata/configs-image.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { directoryOf, type PartitionImage } from '../metadata/partition-image.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import type { LeaderRecoveryState, PartitionReplicaOptions } from '../replication/partition-replica.ts'
import { HostedPartition, type PartitionSurroundings } from './hosted-partition.ts'
import type { SettingsOfTopics } from './topic-settings.ts'

export interface HostingOptions {
  readonly brokerId: NodeId
  readonly replica: PartitionReplicaOptions
  /** The image as it is now: a snapshot may replace it. */
  readonly image: ClusterImage
  readonly settings: SettingsOfTopics
  readonly directories: readonly LogDirectory[]
  readonly around: PartitionSurroundings
  readonly log: Log
}

/**
 * The partitions that have a replica on this broker. Follows the metadata: what is hosted already is told of changes in the turn in which they
 * are applied; what is new is opened one after the other, and takes up the state that metadata has by then.
 */
export class HostedPartitions {
  private readonly options: HostingOptions
  private readonly byTopic = new Map<Uuid, Map<number, HostedPartition>>()
  private readonly opening: { readonly topic: TopicImage; readonly partition: number }[] = []
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
    // What was asked for until now was asked of an image that did not know it yet.
    this.options.settings.forgetAll()
    this.removeWhatIsGone()
    for (const topic of this.options.image.topics.all()) {
      for (const partition of topic.partitions) if (partition !== undefined) this.onPartition(topic, partition)
    }
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
    const { image, settings } = this.options
    settings.forgetAll()
    for (const hosted of [...this.all()]) {
      if (this.wanted(hosted.topicId, hosted.partition) === undefined) this.drop(hosted)
      else this.configure(hosted)
    }
    for (const topic of image.topics.all()) {
      for (const partition of topic.partitions) if (partition !== undefined) this.onPartition(topic, partition)
    }
    this.onBrokersChanged()
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
    partition.log.config = settings.log
    partition.tell({ type: 'configured', minInsyncReplicas: settings.topic.minInsyncReplicas })
  }

  private onBrokersChanged(): void {
    for (const partition of this.all()) if (partition.isLeader) partition.tell({ type: 'brokersChanged' })
  }

  private onPartition(topic: TopicImage, state: PartitionImage): void {
    const hosted = this.get(topic.id, state.partition)
    if (!state.replicas.includes(this.options.brokerId)) {
      if (hosted !== undefined) this.drop(hosted)
    } else if (hosted !== undefined) {
      this.assign(hosted, state)
    } else {
      this.opening.push({ topic, partition: state.partition })
      this.openingNow ??= this.openAll()
    }
  }

  private assign(hosted: HostedPartition, state: PartitionImage): void {
    hosted.tell({
      type: 'assigned',
      assignment: {
        topicId: state.topicId,
        replicas: state.replicas,
        isr: state.isr,
        leader: state.leader,
        leaderEpoch: state.leaderEpoch,
        partitionEpoch: state.partitionEpoch,
        leaderRecoveryState: state.leaderRecoveryState as LeaderRecoveryState,
        addingReplicas: state.addingReplicas,
        removingReplicas: state.removingReplicas,
        minInsyncReplicas: this.options.settings.of(hosted.topic).topic.minInsyncReplicas,
        logEndOffset: hosted.log.logEndOffset,
        logStartOffset: hosted.log.logStartOffset,
        storedHighWatermark: hosted.directory.checkpointedHighWatermark(hosted.topic, hosted.partition),
      },
    })
  }

  private async openAll(): Promise<void> {
    for (let next = this.opening.shift(); next !== undefined; next = this.opening.shift()) await this.openOne(next.topic, next.partition)
    this.openingNow = null
  }

  /** Metadata may have moved on before and while the log opens: what counts is what it says afterwards. */
  private async openOne(topic: TopicImage, partition: number): Promise<void> {
    if (this.wanted(topic.id, partition) === undefined || this.get(topic.id, partition) !== undefined) return
    const directory = this.directoryFor(topic.name, partition)
    if (directory === undefined) return
    let log: PartitionLog
    try {
      log = await this.openLog(directory, topic, partition)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.options.log.write('error', 'partition-not-opened', `${partitionName(topic.name, partition)} cannot be opened: ${error.message}`)
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
    this.assign(hosted, state)
  }

  /** A log of the same name but another topic id belongs to a topic that was deleted while this broker was away (REP-17). */
  private async openLog(directory: LogDirectory, topic: TopicImage, partition: number): Promise<PartitionLog> {
    const there = directory.logs.get(partitionName(topic.name, partition))
    if (there !== undefined && there.topicId === topic.id) {
      there.config = this.options.settings.of(topic.name).log
      return there
    }
    if (there !== undefined) directory.remove(topic.name, partition)
    return await directory.create(topic.name, partition, topic.id, this.options.settings.of(topic.name).log)
  }

  private wanted(topicId: Uuid, partition: number): PartitionImage | undefined {
    const state = this.options.image.partition(topicId, partition)
    return state?.replicas.includes(this.options.brokerId) === true ? state : undefined
  }

  /** Where it is already, or the healthy directory with the fewest partitions. */
  private directoryFor(topic: string, partition: number): LogDirectory | undefined {
    const name = partitionName(topic, partition)
    const healthy = this.options.directories.filter((it) => !this.failedDirectories.has(it))
    return (
      healthy.find((it) => it.logs.has(name)) ??
      healthy.reduce<LogDirectory | undefined>((best, it) => (best === undefined || it.logs.size < best.logs.size ? it : best), undefined)
    )
  }

  private onTopicDeleted(topic: TopicImage): void {
    for (const hosted of this.byTopic.get(topic.id)?.values() ?? []) this.drop(hosted)
    this.byTopic.delete(topic.id)
    this.options.settings.forget(topic.name)
  }

  private drop(hosted: HostedPartition): void {
    hosted.unhost()
    this.byTopic.get(hosted.topicId)?.delete(hosted.partition)
    try {
      hosted.directory.remove(hosted.topic, hosted.partition)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.options.log.write('error', 'partition-not-removed', `${hosted.name}: ${error.message}`)
    }
  }

  /** Logs of topics that went, or of replicas that moved, while this broker was away. */
  private removeWhatIsGone(): void {
    const { image, log } = this.options
    for (const directory of this.options.directories) {
      for (const it of [...directory.logs.values()]) {
        const topic = image.topics.byName(it.topic)
        const assigned =
          topic !== undefined && (it.topicId === null || it.topicId === topic.id) && this.wanted(topic.id, it.partition) !== undefined
        if (assigned) continue
        log.write(
          'info',
          'partition-gone',
          `${partitionName(it.topic, it.partition)} is no longer assigned to this broker: its log is removed`,
        )
        directory.remove(it.topic, it.partition)
      }
    }
  }

  /** The controller moves the replicas of a failed directory away, but only those that it knows to be in it. Is there another one? */
  holdsUntold(directory: LogDirectory): boolean {
    for (const hosted of this.all()) {
      const state = this.wanted(hosted.topicId, hosted.partition)
      if (hosted.directory !== directory || state === undefined) continue
      if (directoryOf(state, this.options.brokerId) !== directory.identity?.directoryId) return true
    }
    return false
  }

  /** Nothing in the directory may be trusted any more: its partitions leave this broker as if it had lost them. */
  onDirectoryFailed(directory: LogDirectory): void {
    this.failedDirectories.add(directory)
    for (const hosted of [...this.all()]) {
      if (hosted.directory !== directory) continue
      hosted.unhost()
      this.byTopic.get(hosted.topicId)?.delete(hosted.partition)
    }
  }

  /** All who wait are answered; the logs are left to their directories. */
  stop(): void {
    for (const hosted of [...this.all()]) hosted.unhost()
    this.byTopic.clear()
  }
}
