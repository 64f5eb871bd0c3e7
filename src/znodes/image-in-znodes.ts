import type { Epoch, NodeId } from '../base/units.ts'
import { changedPartitions, type ClusterChanges } from '../metadata/changes.ts'
import { ClusterImage } from '../metadata/image.ts'
import { decodeRecord, encodeRecord } from '../metadata/record-frame.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import { clusterRecords, planBroker, planControllers, planFeatures, planMigration, planProducerIds } from './cluster.ts'
import { configRecords, planConfig } from './configs.ts'
import { paths } from './paths.ts'
import { planSecurity, securityRecords } from './security.ts'
import { extrasPath, partitionZnodes, topicPath, topicRecords, topicText } from './topics.ts'
import { planUsers, userRecords } from './users.ts'
import { type Znode, type ZnodeChange, ZnodePlan, type ZnodeTree } from './znode-tree.ts'

/**
 * The cluster's metadata in ZooKeeper.
 *
 *  1. The znodes are the fold of the metadata log: an image made from them (`recordsIn`) equals the image that `apply` was given the records of, whatever
 *     the types of the records. The order in which things came to be is no part of it.
 *  2. `apply` gives, for the records of one batch, the znodes that have to be different after it, and no others; carried out in their order they are
 *     accepted by a ZooKeeper that holds the znodes so far.
 *  3. A change says what a znode is to be, not how it differs: carried out twice, or from the middle of it again, a list of changes ends in the same znodes.
 *  4. Records of a metadata transaction that is open at the end of a batch are kept as they are in `/odradek/transaction`.
 */
export class ImageInZnodes {
  private readonly tree: ZnodeTree
  private readonly image = new ClusterImage()
  /** Of the open transaction, its beginning included. */
  private pending: MetadataRecord[] = []

  /** @throws ZnodeError when the znodes are no cluster */
  constructor(tree: ZnodeTree) {
    this.tree = tree
    for (const record of recordsIn(tree)) this.replay(record)
    this.image.takeChanges()
  }

  get znodes(): Iterable<Znode> {
    return this.tree.entries()
  }

  /** Brokers that are not fenced. */
  *activeBrokers(): Iterable<NodeId> {
    for (const broker of this.image.brokers.all()) if (!broker.fenced) yield broker.id
  }

  /** The state as records, for a snapshot. */
  toRecords(): readonly MetadataRecord[] {
    if (!this.image.inTransaction) return [...this.image.toRecords()]
    const image = new ClusterImage()
    for (const record of settledRecords(this.tree)) image.apply(record)
    return [...image.toRecords(), ...this.pending]
  }

  /** The changes that make the znodes the fold of the log with these records. */
  apply(records: readonly MetadataRecord[], controllerEpoch: Epoch): readonly ZnodeChange[] {
    const hadPending = this.pending.length > 0
    for (const record of records) this.replay(record)
    const plan = new ZnodePlan(this.tree)
    this.plan(plan, this.image.takeChanges(), controllerEpoch)
    if (records.some((it) => it.type === 'zkMigrationState') || hadPending) planMigration(plan, this.image)
    if (hadPending || this.pending.length > 0) plan.replaceBelow(paths.transaction, this.pending.map(pendingZnode))
    return plan.finish()
  }

  private replay(record: MetadataRecord): void {
    if (record.type === 'beginTransaction' || this.image.inTransaction) this.pending.push(record)
    this.image.apply(record)
    if (!this.image.inTransaction) this.pending = []
  }

  private plan(plan: ZnodePlan, changes: ClusterChanges, controllerEpoch: Epoch): void {
    const { image } = this
    if (changes.featuresChanged) planFeatures(plan, image)
    for (const id of changes.brokers.keys()) planBroker(plan, image, id)
    if (changes.controllersChanged) planControllers(plan, image)
    this.planTopics(plan, changes, controllerEpoch)
    for (const resource of changes.configs) planConfig(plan, image.configs, resource)
    if (changes.quotasChanged || changes.securityChanged) planUsers(plan, image)
    if (changes.securityChanged) planSecurity(plan, image)
    if (changes.producerIdsChanged) planProducerIds(plan, image)
  }

  private planTopics(plan: ZnodePlan, changes: ClusterChanges, controllerEpoch: Epoch): void {
    for (const { name } of changes.topicsDeleted.values()) {
      plan.removeAll(topicPath(name))
      plan.removeAll(extrasPath(name))
    }
    const touched = new Set(changes.topicsCreated.values())
    for (const { topic, after } of changedPartitions(changes)) {
      touched.add(topic)
      for (const [path, text] of partitionZnodes(topic.name, after, controllerEpoch)) plan.put(path, text)
    }
    for (const topic of touched) {
      plan.put(topicPath(topic.name), topicText(topic))
      plan.put(extrasPath(topic.name), '')
    }
  }
}

/** Records that make the image which the znodes hold. @throws ZnodeError */
export function* recordsIn(tree: ZnodeTree): Iterable<MetadataRecord> {
  yield* settledRecords(tree)
  for (const part of tree.namesBelow(paths.transaction)) {
    yield decodeRecord(Buffer.from(tree.get(`${paths.transaction}/${part}`) ?? '', 'base64'))
  }
}

function* settledRecords(tree: ZnodeTree): Iterable<MetadataRecord> {
  yield* clusterRecords(tree)
  yield* topicRecords(tree)
  yield* configRecords(tree)
  yield* userRecords(tree)
  yield* securityRecords(tree)
}

function pendingZnode(record: MetadataRecord, at: number): Znode {
  return [`${paths.transaction}/${String(at).padStart(10, '0')}`, encodeRecord(record).toString('base64')]
}
