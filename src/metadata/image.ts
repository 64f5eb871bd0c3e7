import { assert, unreachable } from '../base/assert.ts'
import type { Uuid } from '../base/units.ts'
import { BrokersImage, ControllersImage } from './brokers-image.ts'
import { ChangeLog, type ClusterChanges } from './changes.ts'
import { ConfigsImage } from './configs-image.ts'
import { FeaturesImage } from './features-image.ts'
import { newRecord } from './new-record.ts'
import type { PartitionImage } from './partition-image.ts'
import { QuotasImage } from './quotas-image.ts'
import type { MetadataRecord } from './record-types.ts'
import { SecurityImage } from './security-image.ts'
import { TopicsImage } from './topics-image.ts'

/**
 * The cluster as the metadata log has it so far: the fold of its records, and nothing else.
 *
 *  1. `apply` is the only writer. Equal records in equal order make equal images on every node.
 *  2. An image made from `toRecords()` equals the image that gave them.
 *  3. What stands between BeginTransactionRecord and EndTransactionRecord takes effect at the end, or, after AbortTransactionRecord, not at all.
 *  4. A record that contradicts the image (a change of a partition that is not there) is a broken log or a bug: it asserts.
 *
 * It is one mutable object; the parts of it that say something about one partition or one broker are immutable values.
 */
export class ClusterImage {
  readonly features = new FeaturesImage()
  readonly brokers = new BrokersImage()
  readonly controllers = new ControllersImage()
  readonly topics = new TopicsImage()
  readonly configs = new ConfigsImage()
  readonly quotas = new QuotasImage()
  readonly security = new SecurityImage()
  /** The first producer id that no broker has been given. */
  nextProducerId = 0
  private producerIdsFrom: { readonly brokerId: number; readonly brokerEpoch: number } | null = null
  private zkMigrationState: number | null = null
  /** Records of the open transaction; null outside of one. */
  private transaction: MetadataRecord[] | null = null
  private changes = new ChangeLog()

  get metadataVersion(): number {
    return this.features.metadataVersion
  }

  /** Who was given producer ids last, and what is left; null when nobody was. */
  get producerIds(): { readonly brokerId: number; readonly brokerEpoch: number; readonly nextProducerId: number } | null {
    const from = this.producerIdsFrom
    return from === null ? null : { brokerId: from.brokerId, brokerEpoch: from.brokerEpoch, nextProducerId: this.nextProducerId }
  }

  /** What ZkMigrationStateRecord said last; null when there was none. */
  get migrationState(): number | null {
    return this.zkMigrationState
  }

  /** A transaction was begun and has neither ended nor been aborted. */
  get inTransaction(): boolean {
    return this.transaction !== null
  }

  /** No record has ever been applied that matters. */
  get isEmpty(): boolean {
    return !this.features.isBootstrapped && this.topics.size === 0 && this.brokers.size === 0
  }

  partition(topicId: Uuid, partition: number): PartitionImage | undefined {
    return this.topics.partition(topicId, partition)
  }

  /** What changed since the last call. */
  takeChanges(): ClusterChanges {
    const taken = this.changes
    this.changes = new ChangeLog()
    return taken
  }

  apply(record: MetadataRecord): void {
    switch (record.type) {
      case 'beginTransaction':
        assert(this.transaction === null, 'a metadata transaction within another')
        this.transaction = []
        return
      case 'endTransaction': {
        const records = this.takeTransaction()
        for (const each of records) this.applyNow(each)
        return
      }
      case 'abortTransaction':
        this.takeTransaction()
        return
      default:
        if (this.transaction === null) this.applyNow(record)
        else this.transaction.push(record)
    }
  }

  private takeTransaction(): readonly MetadataRecord[] {
    const records = this.transaction
    assert(records !== null, 'the end of a metadata transaction that was not begun')
    this.transaction = null
    return records
  }

  private applyNow(record: MetadataRecord): void {
    switch (record.type) {
      case 'registerBroker':
      case 'unregisterBroker':
      case 'fenceBroker':
      case 'unfenceBroker':
      case 'brokerRegistrationChange':
      case 'registerController':
        this.applyToNodes(record)
        return
      case 'topic':
        this.topics.create(record.message, this.changes)
        return
      case 'partition':
        this.topics.setPartition(record.message, this.changes)
        return
      case 'partitionChange':
        this.topics.changePartition(record.message, this.changes)
        return
      case 'removeTopic':
        this.configs.removeTopic(this.topics.remove(record.message, this.changes).name, this.changes)
        return
      case 'clearElr':
        this.topics.clearElr(record.message, this.changes)
        return
      case 'config':
        this.configs.set(record.message, this.changes)
        return
      default:
        this.applyToRest(record)
    }
  }

  private applyToNodes(record: Extract<MetadataRecord, { readonly type: NodeRecordType }>): void {
    switch (record.type) {
      case 'registerBroker':
        this.brokers.register(record.message, this.changes)
        return
      case 'unregisterBroker':
        this.brokers.unregister(record.message.brokerId, record.message.brokerEpoch, this.changes)
        return
      case 'fenceBroker':
        this.brokers.setFenced(record.message.id, record.message.epoch, true, this.changes)
        return
      case 'unfenceBroker':
        this.brokers.setFenced(record.message.id, record.message.epoch, false, this.changes)
        return
      case 'brokerRegistrationChange':
        this.brokers.change(record.message, this.changes)
        return
      case 'registerController':
        this.controllers.register(record.message)
        this.changes.controllersChanged = true
        return
      default:
        unreachable(record)
    }
  }

  private applyToRest(record: MetadataRecord): void {
    switch (record.type) {
      case 'featureLevel':
        this.features.set(record.message)
        this.changes.featuresChanged = true
        return
      case 'producerIds':
        this.nextProducerId = record.message.nextProducerId
        this.producerIdsFrom = record.message
        this.changes.producerIdsChanged = true
        return
      case 'clientQuota':
        this.quotas.set(record.message)
        this.changes.quotasChanged = true
        return
      case 'zkMigrationState':
        this.zkMigrationState = record.message.zkMigrationState
        return
      case 'noOp':
        return
      default:
        this.applyToSecurity(record)
        this.changes.securityChanged = true
    }
  }

  private applyToSecurity(record: MetadataRecord): void {
    switch (record.type) {
      case 'userScramCredential':
        this.security.setScram(record.message)
        return
      case 'removeUserScramCredential':
        this.security.removeScram(record.message)
        return
      case 'accessControlEntry':
        this.security.setEntry(record.message)
        return
      case 'removeAccessControlEntry':
        this.security.removeEntry(record.message.id)
        return
      case 'delegationToken':
        this.security.setToken(record.message)
        return
      case 'removeDelegationToken':
        this.security.removeToken(record.message.tokenId)
        return
      default:
        assert(false, `no rule for a record of type ${record.type}`)
    }
  }

  /**
   * The image as records, for a snapshot: `metadata.version` first, topics before what refers to them. Must be read to its end before the next
   * `apply`. A snapshot is not taken inside a transaction: what is open would be lost.
   */
  *toRecords(): Iterable<MetadataRecord> {
    assert(this.transaction === null, 'a snapshot inside a metadata transaction')
    const at = this.metadataVersion
    yield* this.features.toRecords(at)
    yield* this.brokers.toRecords(at)
    yield* this.controllers.toRecords(at)
    yield* this.topics.toRecords(at)
    yield* this.configs.toRecords(at)
    yield* this.quotas.toRecords(at)
    if (this.producerIds !== null) yield newRecord('producerIds', at, this.producerIds)
    yield* this.security.toRecords(at)
    if (this.zkMigrationState !== null) yield newRecord('zkMigrationState', at, { zkMigrationState: this.zkMigrationState })
  }
}

type NodeRecordType =
  'registerBroker' | 'unregisterBroker' | 'fenceBroker' | 'unfenceBroker' | 'brokerRegistrationChange' | 'registerController'
