import type { Prng } from '../base/prng.ts'
import type { ClusterImage } from '../metadata/image.ts'
import type { MetadataRecord, RecordType } from '../metadata/record-types.ts'
import { record } from './fixture.test.ts'

const oddNames = [
  '',
  '.',
  '..',
  '+',
  '<default>',
  'a/b',
  'x y',
  'ü€😀',
  '__proto__',
  'constructor',
  '%2E',
  'SCRAM-SHA-256',
  "it's (so) *!~",
  'plain',
  'users',
]
const quotaKeys = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'SCRAM-SHA-256', '__proto__']
const numbers = [0, 1024, 1.5, -3, 1e21, 1e-9, -0, Infinity]

/** Random records, each of which the image takes: of every type, with names that no path likes, batch by batch. */
export class RandomLog {
  private readonly prng: Prng
  private readonly image: ClusterImage
  private readonly acls: string[] = []
  private readonly given = new Set<RecordType>()

  constructor(prng: Prng, image: ClusterImage) {
    this.prng = prng
    this.image = image
  }

  get types(): ReadonlySet<RecordType> {
    return this.given
  }

  /** The next record; null when nothing came to mind. It has to be applied before the next is asked for. */
  next(): MetadataRecord | null {
    const made = this.prng.pick(this.makers).call(this)
    if (made !== null) this.given.add(made.type)
    return made
  }

  private readonly makers: readonly ((this: RandomLog) => MetadataRecord | null)[] = [
    this.broker,
    this.brokerChange,
    this.brokerGone,
    this.fence,
    this.controller,
    this.topic,
    this.partition,
    this.partition,
    this.partition,
    this.partitionChange,
    this.partitionChange,
    this.partitionChange,
    this.topicGone,
    this.clearElr,
    this.config,
    this.config,
    this.config,
    this.quota,
    this.quota,
    this.quota,
    this.feature,
    this.producerIds,
    this.scram,
    this.scramGone,
    this.acl,
    this.acl,
    this.aclGone,
    this.token,
    this.tokenGone,
    this.rare,
  ]

  private name(): string {
    return this.prng.chance(0.6) ? this.prng.pick(oddNames) : `n${this.prng.below(5)}`
  }

  private nodes(): number[] {
    return Array.from({ length: this.prng.below(4) }, () => this.prng.below(6))
  }

  private flip(): boolean {
    return this.prng.chance(0.5)
  }

  private broker(): MetadataRecord {
    return record('registerBroker', {
      brokerId: this.prng.below(5),
      brokerEpoch: this.prng.below(1e9),
      incarnationId: this.prng.uuid(),
      endPoints: [{ name: 'PLAINTEXT', host: this.name(), port: 9092, securityProtocol: 0 }],
      features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
      rack: this.flip() ? null : this.name(),
      fenced: this.flip(),
      inControlledShutdown: this.flip(),
      logDirs: [this.prng.uuid()],
      cordonedLogDirs: this.flip() ? null : [this.prng.uuid()],
    })
  }

  private someBroker() {
    const all = [...this.image.brokers.all()]
    return all.length === 0 ? null : this.prng.pick(all)
  }

  private brokerChange(): MetadataRecord | null {
    const found = this.someBroker()
    if (found === null) return null
    const [fenced, inControlledShutdown] = [this.prng.between(-1, 1), this.prng.between(-1, 1)]
    return record('brokerRegistrationChange', { brokerId: found.id, brokerEpoch: found.epoch, fenced, inControlledShutdown, logDirs: [] })
  }

  private brokerGone(): MetadataRecord | null {
    const found = this.someBroker()
    return found === null || this.flip() ? null : record('unregisterBroker', { brokerId: found.id, brokerEpoch: found.epoch })
  }

  private fence(): MetadataRecord | null {
    const found = this.someBroker()
    return found === null ? null : record(this.flip() ? 'fenceBroker' : 'unfenceBroker', { id: found.id, epoch: found.epoch })
  }

  private controller(): MetadataRecord {
    const endPoints = [{ name: 'CONTROLLER', host: this.name(), port: 9093, securityProtocol: 0 }]
    return record('registerController', {
      controllerId: this.prng.below(4),
      incarnationId: this.prng.uuid(),
      zkMigrationReady: this.flip(),
      endPoints,
      features: [],
    })
  }

  private topicName(): string {
    return this.prng.pick(['a', 'b.c', '__proto__', 'd_e-f', '__consumer_offsets'])
  }

  private topic(): MetadataRecord | null {
    const name = this.topicName()
    return this.image.topics.byName(name) === undefined ? record('topic', { name, topicId: this.prng.uuid() }) : null
  }

  private someTopic() {
    const all = [...this.image.topics.all()]
    return all.length === 0 ? null : this.prng.pick(all)
  }

  private partition(): MetadataRecord | null {
    const topic = this.someTopic()
    if (topic === null) return null
    const replicas = this.nodes()
    return record('partition', {
      partitionId: topic.partitions.length,
      topicId: topic.id,
      replicas,
      isr: this.nodes(),
      removingReplicas: this.nodes(),
      addingReplicas: this.nodes(),
      leader: this.prng.between(-1, 5),
      leaderRecoveryState: this.prng.below(2),
      leaderEpoch: this.prng.below(1000),
      partitionEpoch: this.prng.below(1000),
      directories: replicas.map(() => this.prng.uuid()),
      eligibleLeaderReplicas: this.flip() ? null : this.nodes(),
      lastKnownElr: this.flip() ? null : this.nodes(),
    })
  }

  private partitionChange(): MetadataRecord | null {
    const topic = this.someTopic()
    if (topic === null || topic.partitions.length === 0) return null
    return record('partitionChange', {
      partitionId: this.prng.below(topic.partitions.length),
      topicId: topic.id,
      isr: this.flip() ? null : this.nodes(),
      leader: this.prng.between(-2, 5),
      replicas: this.prng.chance(0.3) ? this.nodes() : null,
      addingReplicas: this.prng.chance(0.3) ? this.nodes() : null,
      removingReplicas: this.prng.chance(0.3) ? this.nodes() : null,
      leaderRecoveryState: this.prng.between(-1, 1),
      eligibleLeaderReplicas: this.prng.chance(0.3) ? this.nodes() : null,
      lastKnownElr: this.prng.chance(0.3) ? this.nodes() : null,
    })
  }

  private topicGone(): MetadataRecord | null {
    const topic = this.someTopic()
    return topic === null || this.prng.chance(0.6) ? null : record('removeTopic', { topicId: topic.id })
  }

  private clearElr(): MetadataRecord | null {
    const topic = this.someTopic()
    return topic === null ? null : record('clearElr', { topicName: this.flip() ? '' : topic.name })
  }

  private config(): MetadataRecord {
    const resourceType = this.prng.pick([2, 4, 8, 16, 32])
    return record('config', {
      resourceType,
      resourceName: this.name(),
      name: this.name(),
      value: this.prng.chance(0.3) ? null : this.name(),
    })
  }

  private quota(): MetadataRecord {
    const types = this.prng.pick([
      ['user'],
      ['client-id'],
      ['ip'],
      ['user', 'client-id'],
      ['client-id', 'user'],
      ['user', 'ip'],
      ['other'],
      [],
    ])
    const entity = types.map((entityType) => ({ entityType, entityName: this.prng.chance(0.3) ? null : this.name() }))
    return record('clientQuota', { entity, key: this.prng.pick(quotaKeys), value: this.prng.pick(numbers), remove: this.prng.chance(0.3) })
  }

  private feature(): MetadataRecord {
    const name = this.prng.pick(['metadata.version', 'group.version', '__proto__'])
    return record('featureLevel', { name, featureLevel: name === 'metadata.version' ? this.prng.between(23, 30) : this.prng.below(3) })
  }

  private producerIds(): MetadataRecord {
    return record('producerIds', {
      brokerId: this.prng.below(5),
      brokerEpoch: this.prng.below(99),
      nextProducerId: this.prng.below(5) * 1000,
    })
  }

  private bytes(): Buffer {
    return Buffer.from(Array.from({ length: this.prng.below(40) }, () => this.prng.below(256)))
  }

  private scram(): MetadataRecord {
    const [salt, storedKey, serverKey] = [this.bytes(), this.bytes(), this.bytes()]
    return record('userScramCredential', {
      name: this.name(),
      mechanism: this.prng.between(1, 3),
      salt,
      storedKey,
      serverKey,
      iterations: 4096,
    })
  }

  private scramGone(): MetadataRecord | null {
    const all = [...this.image.security.scramCredentials()]
    if (all.length === 0) return null
    const { name, mechanism } = this.prng.pick(all)
    return record('removeUserScramCredential', { name, mechanism })
  }

  private acl(): MetadataRecord {
    const id = this.prng.uuid()
    this.acls.push(id)
    return record('accessControlEntry', {
      id,
      resourceType: this.prng.between(2, 8),
      resourceName: this.name(),
      patternType: this.prng.between(3, 4),
      principal: `User:${this.name()}`,
      host: '*',
      operation: this.prng.between(2, 16),
      permissionType: this.prng.between(2, 3),
    })
  }

  private aclGone(): MetadataRecord | null {
    return this.acls.length === 0 ? null : record('removeAccessControlEntry', { id: this.prng.pick(this.acls) })
  }

  private token(): MetadataRecord {
    const [owner, requester, tokenId] = [this.name(), this.name(), this.name()]
    const times = { issueTimestamp: 1, maxTimestamp: 2, expirationTimestamp: this.prng.below(99) }
    return record('delegationToken', { owner, requester, renewers: [this.name()], tokenId, ...times })
  }

  private tokenGone(): MetadataRecord {
    return record('removeDelegationToken', { tokenId: this.name() })
  }

  private rare(): MetadataRecord | null {
    const what = this.prng.below(5)
    if (what === 0) return record('noOp', {})
    if (what === 1) return record('zkMigrationState', { zkMigrationState: this.prng.below(3) })
    if (!this.image.inTransaction) return what === 2 ? record('beginTransaction', { name: 'x' }) : null
    return what === 3 ? record('endTransaction', {}) : record('abortTransaction', { reason: null })
  }
}
