import type { NodeId } from '../base/units.ts'
import { brokerToRecord } from '../metadata/brokers-image.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import { newRecord } from '../metadata/new-record.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import { numberIn, objectOf, parseObject, recordIn, recordText } from './json.ts'
import { paths } from './paths.ts'
import type { ZnodePlan, ZnodeTree } from './znode-tree.ts'

/** Brokers and controllers as the metadata log has them (who is alive says `/brokers/ids`, which is no part of it), features, producer ids. */

/** ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE */
const producerIdBlockSize = 1000

export function planBroker(plan: ZnodePlan, image: ClusterImage, id: NodeId): void {
  const path = `${paths.brokers}/${id}`
  const broker = image.brokers.byId(id)
  if (broker === undefined) plan.remove(path)
  else plan.put(path, recordText(brokerToRecord(broker, METADATA_VERSION_LATEST)))
}

export function planControllers(plan: ZnodePlan, image: ClusterImage): void {
  for (const record of image.controllers.toRecords(METADATA_VERSION_LATEST)) {
    if (record.type === 'registerController') plan.put(`${paths.controllers}/${record.message.controllerId}`, recordText(record))
  }
}

/** FeatureZNode version 1 (Kafka's decoder does not read what its encoder writes as version 2), status 1: enabled. */
export function planFeatures(plan: ZnodePlan, image: ClusterImage): void {
  const { finalized } = image.features
  if (finalized.size === 0) plan.remove(paths.feature)
  else {
    const features = [...finalized].map(([name, level]) => [name, { min_version_level: level, max_version_level: level }])
    plan.put(paths.feature, JSON.stringify({ version: 1, status: 1, features: Object.fromEntries(features) }))
  }
}

/** ProducerIdBlockZNode version 1, whose start is worked out: the log says only where the block ends. */
export function planProducerIds(plan: ZnodePlan, { producerIds }: ClusterImage): void {
  if (producerIds === null) return
  const { brokerId, nextProducerId } = producerIds
  const start = String(Math.max(0, nextProducerId - producerIdBlockSize))
  const block = { version: 1, broker: brokerId, block_start: start, block_end: String(nextProducerId - 1) }
  plan.put(paths.producerIdBlock, JSON.stringify(block))
  plan.put(paths.producerIds, recordText(newRecord('producerIds', METADATA_VERSION_LATEST, producerIds)))
}

export function planMigration(plan: ZnodePlan, { migrationState }: ClusterImage): void {
  if (migrationState === null) return
  plan.put(paths.migration, recordText(newRecord('zkMigrationState', METADATA_VERSION_LATEST, { zkMigrationState: migrationState })))
}

/** @throws ZnodeError */
export function* clusterRecords(tree: ZnodeTree): Iterable<MetadataRecord> {
  const features = tree.get(paths.feature)
  if (features !== undefined) {
    const levels = objectOf(paths.feature, parseObject(paths.feature, features)['features'])
    for (const name of Object.keys(levels)) {
      const level = numberIn(paths.feature, objectOf(paths.feature, levels[name]), 'max_version_level')
      yield newRecord('featureLevel', METADATA_VERSION_LATEST, { name, featureLevel: level })
    }
  }
  yield* recordsBelow(tree, 'registerBroker', paths.brokers)
  yield* recordsBelow(tree, 'registerController', paths.controllers)
  for (const [type, path] of [
    ['producerIds', paths.producerIds],
    ['zkMigrationState', paths.migration],
  ] as const) {
    const text = tree.get(path)
    if (text !== undefined) yield recordIn(type, path, text)
  }
}

function* recordsBelow(tree: ZnodeTree, type: 'registerBroker' | 'registerController', root: string): Iterable<MetadataRecord> {
  for (const part of tree.namesBelow(root)) yield recordIn(type, `${root}/${part}`, tree.get(`${root}/${part}`) ?? '')
}
