import type { FeatureVersions } from '../../server/api-versions.ts'
import { supportedFeatures } from '../../metadata/supported-features.ts'
import type { BrokerContext } from './context.ts'

/** A feature whose highest level is 0 is not told: it would say nothing (QuorumFeatures.defaultSupportedFeatureMap). */
const supported = supportedFeatures.filter((it) => it.max > 0).map((it) => ({ name: it.name, minVersion: it.min, maxVersion: it.max }))

/** ApiVersions (18) tells what this release can do and at which levels the cluster works, as of the metadata that is applied here. */
export function featureVersions(broker: Pick<BrokerContext, 'image' | 'metadataOffset'>): FeatureVersions {
  const finalized = [...broker.image.features.finalized].map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level }))
  return { supportedFeatures: supported, finalizedFeatures: finalized, finalizedFeaturesEpoch: broker.metadataOffset }
}
