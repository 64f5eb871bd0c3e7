import { assert } from '../../base/assert.ts'
import type { DiskError, Log } from '../../base/ports.ts'
import { type Millis, NEVER } from '../../base/units.ts'
import type { ApiCommandOf, GroupApi, GroupCommand, GroupReply, GroupResponse } from '../../groups/commands.ts'
import { GroupsLedger } from '../../groups/groups-ledger.ts'
import type { GroupFact } from '../../groups/records/fact.ts'
import { refusedReply } from '../../groups/replies.ts'
import { type ClusterChanges, changedPartitions } from '../../metadata/changes.ts'
import { canCompressZstd } from '../../protocol/compression/compression.ts'
import { type Codec, codecOf } from '../../protocol/records/batch-header.ts'
import type { GroupCoordinatorPort } from '../handlers/groups/context.ts'
import type { HostedPartition } from '../hosted-partition.ts'
import { OFFSETS_TOPIC } from '../internal-topics.ts'
import type { WakeQueue } from '../wake-queue.ts'
import { CoordinatedPartition, type LedgerKind } from './coordinated-partition.ts'
import { groupBatch, groupFacts } from './group-log.ts'
import { type BrokerView, BrokerGroupsWorld } from './groups-world.ts'
import { partitionOfKey } from './partition-of-key.ts'

export interface GroupCoordinatorOptions extends BrokerView {
  readonly log: Log
  readonly wakeQueue: WakeQueue
  /** Of the broker, with the controller: until then nobody else leads what it leads. */
  leaseUntil(): Millis
  onDiskError(partition: HostedPartition, error: DiskError): void
}

type Coordinated = CoordinatedPartition<GroupCommand, GroupFact, GroupReply>

interface Entry {
  readonly hosted: HostedPartition
  readonly coordinated: Coordinated
}

/** Answered from what is known, whatever may be written: a member need not be sent away for a moment in which too few replicas are in sync. */
const reads: ReadonlySet<GroupCommand['api']> = new Set([
  'heartbeat',
  'offsetFetch',
  'listGroups',
  'describeGroups',
  'consumerGroupDescribe',
  'activate',
  'topicsChanged',
])

/**
 * This broker as the coordinator of groups: one ledger for each partition of `__consumer_offsets` that it leads. A group belongs to the partition
 * that its name's hash falls on; the broker that leads that partition coordinates it.
 */
export class GroupCoordinator implements GroupCoordinatorPort {
  private readonly options: GroupCoordinatorOptions
  private readonly world: BrokerGroupsWorld
  /** Those that are, or are about to be, coordinated here; by partition. */
  private readonly entries = new Map<number, Entry>()
  private readonly touched = new Set<HostedPartition>()
  private lookIsDue = false
  private readonly unknownKeyTypes = new Set<number>()
  private nextExpiry: Millis = NEVER
  private stopped = false

  private readonly codec: Codec

  constructor(options: GroupCoordinatorOptions) {
    this.options = options
    this.codec = this.codecOf(codecOf(options.config.offsetsTopicCompressionCodec))
    this.world = new BrokerGroupsWorld(options)
  }

  /** What this Node cannot write is not written: better whole than small. */
  private codecOf(wanted: Codec): Codec {
    if (wanted !== 'zstd' || canCompressZstd) return wanted
    const text = 'offsets.topic.compression.codec is zstd, which needs Node 22.15: offsets are written without compression'
    this.options.log.write('warn', 'no-zstd', text)
    return 'none'
  }

  start(): void {
    this.nextExpiry = this.options.clock.mono() + this.options.config.offsetsRetentionCheckIntervalMs
    this.options.wakeQueue.look(this)
  }

  /** A replica of an internal topic has changed its role, its epoch or its high watermark. Looked into when the turn is over. */
  onTouched(partition: HostedPartition): void {
    if (partition.topic !== OFFSETS_TOPIC || this.stopped) return
    this.touched.add(partition)
    if (this.lookIsDue) return
    this.lookIsDue = true
    this.options.clock.endOfTurn(() => this.lookAtTouched())
  }

  private lookAtTouched(): void {
    this.lookIsDue = false
    const touched = [...this.touched]
    this.touched.clear()
    for (const partition of touched) this.lookAt(partition)
  }

  private lookAt(hosted: HostedPartition): void {
    const entry = this.entryFor(hosted)
    if (entry === undefined) return
    entry.coordinated.look()
    if (entry.coordinated.isIdle) this.entries.delete(hosted.partition)
  }

  /** The topic may have been deleted and made anew: what belongs to the old one goes when the new one is led here. */
  private entryFor(hosted: HostedPartition): Entry | undefined {
    const known = this.entries.get(hosted.partition)
    if (known?.hosted === hosted) return known
    if (!hosted.isLeader || this.stopped) return undefined
    known?.coordinated.stop()
    const entry = { hosted, coordinated: new CoordinatedPartition(hosted, this.kind(), this.partitionOptions(hosted)) }
    this.entries.set(hosted.partition, entry)
    return entry
  }

  private kind(): LedgerKind<GroupCommand, GroupFact, GroupReply> {
    const { options, world } = this
    return {
      make: () => new GroupsLedger(world),
      facts: (header, bytes, at) => groupFacts(header, bytes, at, (keyType) => this.onUnknown(keyType)),
      batch: (facts) => groupBatch(facts, options.clock.wall(), this.codec),
      batchBytesMax: () => world.settings.recordBatchBytesMax,
      refuse: refusedReply,
      isRead: (command) => reads.has(command.api),
      mustBeFresh: (command) => command.api !== 'heartbeat' && command.api !== 'activate' && reads.has(command.api),
      activate: { api: 'activate' },
    }
  }

  private partitionOptions(hosted: HostedPartition): ConstructorParameters<typeof CoordinatedPartition>[2] {
    const { clock, log, wakeQueue, config } = this.options
    return {
      clock,
      log,
      wakeQueue,
      commitTimeoutMs: config.offsetsCommitTimeoutMs,
      loadChunkBytes: config.offsetsLoadBufferSize,
      leaseUntil: () => this.options.leaseUntil(),
      onDiskError: (error) => this.options.onDiskError(hosted, error),
    }
  }

  private onUnknown(keyType: number): void {
    if (this.unknownKeyTypes.has(keyType)) return
    this.unknownKeyTypes.add(keyType)
    this.options.log.write(
      'warn',
      'unknown-group-record',
      `${OFFSETS_TOPIC} holds records of type ${keyType}, which are not served here: passed over`,
    )
  }

  partitionFor(groupId: string): number {
    const topic = this.options.image.topics.byName(OFFSETS_TOPIC)
    return partitionOfKey(groupId, topic?.partitions.length ?? this.options.config.offsetsTopicNumPartitions)
  }

  ask<K extends GroupApi>(groupId: string, command: ApiCommandOf<K>): Promise<GroupResponse<K>> {
    const entry = this.entries.get(this.partitionFor(groupId))
    if (entry !== undefined) return submit(entry.coordinated, command)
    return Promise.resolve(responseOf(command, refusedReply(asCommand(command), 'NOT_COORDINATOR')))
  }

  async askAll(command: ApiCommandOf<'listGroups'>): Promise<readonly GroupResponse<'listGroups'>[]> {
    return Promise.all([...this.entries.values()].map(({ coordinated }) => submit(coordinated, command)))
  }

  /** Topics were made, deleted or given partitions. */
  onMetadata(changes: ClusterChanges): void {
    if (this.entries.size === 0) return
    const names = new Set<string>()
    for (const topic of changes.topicsCreated.values()) names.add(topic.name)
    for (const topic of changes.topicsDeleted.values()) names.add(topic.name)
    for (const change of changedPartitions(changes)) if (change.before === undefined) names.add(change.topic.name)
    this.tellAll(names)
  }

  /** The image was replaced as a whole. */
  onMetadataReplaced(before: Iterable<string>): void {
    this.tellAll(new Set([...before, ...this.options.image.topics.names()]))
  }

  private tellAll(names: ReadonlySet<string>): void {
    if (names.size === 0) return
    for (const { coordinated } of this.entries.values())
      if (coordinated.isActive) coordinated.submit({ api: 'topicsChanged', names }, () => {})
  }

  wakeAt(): Millis {
    return this.nextExpiry
  }

  wake(now: Millis): void {
    const { clock, config } = this.options
    this.nextExpiry = now + config.offsetsRetentionCheckIntervalMs
    for (const { coordinated } of this.entries.values()) {
      if (coordinated.isActive) coordinated.submit({ api: 'expire', wallTime: clock.wall() }, () => {})
    }
  }

  /** Whoever waits is told to look for another coordinator. */
  stop(): void {
    this.stopped = true
    this.nextExpiry = NEVER
    for (const { coordinated } of this.entries.values()) coordinated.stop()
    this.entries.clear()
  }
}

function submit<K extends GroupApi>(partition: Coordinated, command: ApiCommandOf<K>): Promise<GroupResponse<K>> {
  return new Promise((resolve) => partition.submit(asCommand(command), (reply) => resolve(responseOf(command, reply))))
}

/** That a command of one API is one of all APIs is beyond the type checker, which cannot see that K is one member of the union. */
function asCommand<K extends GroupApi>(command: ApiCommandOf<K>): GroupCommand {
  return command as unknown as GroupCommand
}

function responseOf<K extends GroupApi>(command: ApiCommandOf<K>, reply: GroupReply): GroupResponse<K> {
  assert(reply.api === command.api, `${command.api} was answered as ${reply.api}`)
  return reply.response as GroupResponse<K>
}
