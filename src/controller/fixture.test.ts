import assert from 'node:assert/strict'
import { Prng } from '../base/prng.ts'
import { configRules } from '../config/config-rules.ts'
import { LedgerHost } from '../ledger/ledger-host.ts'
import { ClusterImage } from '../metadata/image.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import { newRecord } from '../metadata/new-record.ts'
import { decodeRecord, encodeRecord } from '../metadata/record-frame.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import type { PartitionImage } from '../metadata/partition-image.ts'
import { ELR_VERSION, METADATA_VERSION } from '../metadata/supported-features.ts'
import { apis } from '../protocol/apis.ts'
import { decode, encode } from '../protocol/codec.ts'
import type { Draft, Message, Schema } from '../protocol/schema.ts'
import type { ControllerApi, ControllerCommand, ControllerReply, InternalCommand } from './commands.ts'
import { ControllerLedger } from './controller-ledger.ts'
import { type ControllerSettings, defaultControllerSettings } from './settings.ts'

type Request<K extends ControllerApi> = Draft<(typeof apis)[K]['request']>
type Response<K extends ControllerApi> = Message<(typeof apis)[K]['response']>

export const clusterId = 'AAAAAAAAAAAAAAAAAAAAeA'

/**
 * A controller over a log in memory. Requests and responses go through their bytes, records too; a second image follows the bytes as a standby does.
 * Nothing here depends on real time.
 */
export class TestController {
  now = 1_000_000
  readonly prng: Prng
  readonly log: MetadataRecord[] = []
  readonly follower = new ClusterImage()
  readonly host: LedgerHost<ControllerCommand, MetadataRecord, ControllerReply>
  readonly epochs = new Map<number, number>()
  private readonly settings: ControllerSettings

  constructor(
    options: {
      readonly seed?: number
      readonly settings?: Partial<ControllerSettings>
      readonly given?: ReadonlyMap<string, string>
      /** The cluster begins with eligible leader replicas. */
      readonly elr?: boolean
    } = {},
  ) {
    this.prng = new Prng(options.seed ?? 1)
    this.settings = {
      ...defaultControllerSettings,
      sessionTimeoutMs: 2000,
      heartbeatIntervalMs: 250,
      nodeId: 100,
      clusterId,
      ...options.settings,
    }
    const rules = configRules(options.given ?? new Map())
    this.host = new LedgerHost<ControllerCommand, MetadataRecord, ControllerReply>({
      make: () => new ControllerLedger(this.settings, rules, this.prng),
      refuse: ControllerLedger.refuse,
    })
    this.lead(options.elr === true ? [METADATA_VERSION, ELR_VERSION] : null)
  }

  get image(): ClusterImage {
    return (this.host.ledger as ControllerLedger).image
  }

  lead(features: readonly string[] | null = null): void {
    this.host.lead({ nextOffset: () => this.log.length, append: (facts) => this.append(facts) })
    const bootstrap = features?.map((name) => {
      const featureLevel = name === METADATA_VERSION ? METADATA_VERSION_LATEST : 1
      return newRecord('featureLevel', METADATA_VERSION_LATEST, { name, featureLevel })
    })
    this.internal({ api: 'activate', bootstrap: bootstrap ?? null })
  }

  private append(facts: readonly MetadataRecord[]): number {
    for (const fact of facts) {
      const read = decodeRecord(encodeRecord(fact))
      assert.deepEqual(JSON.stringify(read), JSON.stringify(fact), 'what is replayed here is what others will read')
      this.log.push(read)
      this.follower.apply(read)
    }
    return this.log.length - 1
  }

  private submit(command: ControllerCommand): ControllerReply {
    let reply: ControllerReply | undefined
    this.host.submit(this.now, command, (given) => (reply = given))
    this.commit()
    assert.ok(reply !== undefined, 'answered once everything is committed')
    return reply
  }

  private commit(): void {
    if (this.log.length > 0) this.host.onCommitted(0, this.log.length - 1, () => assert.fail('replayed already'))
  }

  internal(command: InternalCommand): boolean {
    const reply = this.submit(command)
    assert.ok('done' in reply.response, 'an internal command has an internal reply')
    return reply.response.done
  }

  call<K extends ControllerApi>(api: K, request: Request<K>, version: number = apis[api].versionMax): Response<K> {
    const schema: Schema = apis[api].request
    const message = decode(schema, version, encode(schema, version, request as Draft<Schema>))
    const reply = this.submit({ api, request: message, context: { version, listener: 'CONTROLLER' } } as unknown as ControllerCommand)
    assert.equal(reply.api, api)
    const answer: Schema = apis[api].response
    return decode(answer, version, encode(answer, version, reply.response as Draft<Schema>)) as unknown as Response<K>
  }

  pass(ms: number): void {
    const until = this.now + ms
    while (this.host.wakeAt() <= until) {
      this.now = Math.max(this.now, this.host.wakeAt())
      this.host.wake(this.now)
      this.commit()
    }
    this.now = until
  }

  register(
    id: number,
    options: {
      readonly rack?: string
      readonly incarnation?: string
      readonly dirs?: readonly string[]
      readonly cluster?: string
      /** The highest level of `group.version`; null: of a release that does not know it. */
      readonly groupVersion?: number | null
      /** Under which epoch it had all that is on its disk: what a broker says whose restart is not lossy. */
      readonly previousEpoch?: number
    } = {},
  ) {
    const response = this.call('brokerRegistration', {
      brokerId: id,
      clusterId: options.cluster ?? clusterId,
      incarnationId: options.incarnation ?? this.prng.uuid(),
      listeners: [{ name: 'PLAINTEXT', host: `broker${id}`, port: 9092, securityProtocol: 0 }],
      features: [
        { name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 },
        ...(options.groupVersion === null
          ? []
          : [{ name: 'group.version', minSupportedVersion: 0, maxSupportedVersion: options.groupVersion ?? 1 }]),
        { name: ELR_VERSION, minSupportedVersion: 0, maxSupportedVersion: 1 },
      ],
      rack: options.rack ?? null,
      logDirs: options.dirs ?? [directory(id)],
      previousBrokerEpoch: options.previousEpoch ?? -1,
    })
    if (response.errorCode === 0) this.epochs.set(id, response.brokerEpoch)
    return response
  }

  heartbeat(
    id: number,
    options: {
      readonly offset?: number
      readonly wantFence?: boolean
      readonly wantShutDown?: boolean
      readonly epoch?: number
      readonly offlineLogDirs?: readonly string[]
      readonly cordonedLogDirs?: readonly string[]
    } = {},
  ) {
    return this.call('brokerHeartbeat', {
      brokerId: id,
      brokerEpoch: options.epoch ?? this.epochs.get(id) ?? -1,
      currentMetadataOffset: options.offset ?? this.log.length - 1,
      wantFence: options.wantFence ?? false,
      wantShutDown: options.wantShutDown ?? false,
      offlineLogDirs: options.offlineLogDirs ?? [],
      cordonedLogDirs: options.cordonedLogDirs ?? null,
    })
  }

  /** Registered and unfenced. */
  up(...ids: readonly number[]): this {
    for (const id of ids) {
      assert.equal(this.register(id).errorCode, 0)
      assert.equal(this.heartbeat(id).isFenced, false)
    }
    return this
  }

  createTopic(name: string, assignments: readonly (readonly number[])[], configs: Readonly<Record<string, string>> = {}): void {
    const { topics } = this.call('createTopics', {
      topics: [
        {
          name,
          numPartitions: -1,
          replicationFactor: -1,
          assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
    })
    assert.equal(topics[0]?.errorCode, 0, topics[0]?.errorMessage ?? '')
  }

  partition(topic: string, partition = 0): PartitionImage {
    const found = this.image.topics.byName(topic)?.partitions[partition]
    assert.ok(found !== undefined, `${topic}-${partition}`)
    return found
  }

  /** The ISR that the leader of a partition proposes. */
  alterIsr(topic: string, isr: readonly number[], options: AlterIsr = {}) {
    const partition = this.partition(topic, options.partition)
    const id = this.image.topics.byName(topic)?.id ?? ''
    const leader = options.leader ?? partition.leader
    const response = this.call('alterPartition', {
      brokerId: leader,
      brokerEpoch: options.brokerEpoch ?? this.epochs.get(leader) ?? -1,
      topics: [
        {
          topicId: id,
          partitions: [
            {
              partitionIndex: options.partition ?? 0,
              leaderEpoch: options.leaderEpoch ?? partition.leaderEpoch,
              partitionEpoch: options.partitionEpoch ?? partition.partitionEpoch,
              leaderRecoveryState: options.recovery ?? 0,
              newIsr: [],
              newIsrWithEpochs: isr.map((brokerId) => ({
                brokerId,
                brokerEpoch: options.memberEpochs?.[brokerId] ?? this.epochs.get(brokerId) ?? -1,
              })),
            },
          ],
        },
      ],
    })
    return { ...response.topics[0]?.partitions[0], top: response.errorCode }
  }
}

interface AlterIsr {
  readonly partition?: number
  readonly leader?: number
  readonly brokerEpoch?: number
  readonly leaderEpoch?: number
  readonly partitionEpoch?: number
  readonly recovery?: number
  readonly memberEpochs?: Readonly<Record<number, number>>
}

export function directory(broker: number, at = 0): string {
  const bytes = Buffer.alloc(16, 7)
  bytes.writeInt32BE(broker, 0)
  bytes.writeInt32BE(at, 4)
  return bytes.toString('base64url')
}

/** `leader/epoch [isr] {elr} (replicas)`, with what is being added and removed; `{}` is left out. */
export function shown(partition: PartitionImage): string {
  const { leader, leaderEpoch, isr, replicas, addingReplicas: adding, removingReplicas: removing, eligibleLeaderReplicas } = partition
  const elr = eligibleLeaderReplicas.length === 0 ? '' : ` {${[...eligibleLeaderReplicas].sort((a, b) => a - b).join(',')}}`
  const moving = adding.length + removing.length === 0 ? '' : ` +${adding.join(',')} -${removing.join(',')}`
  return `${leader}/${leaderEpoch} [${isr.join(',')}]${elr} (${replicas.join(',')})${moving}`
}
