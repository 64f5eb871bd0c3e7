import { METADATA_VERSION_LATEST, METADATA_VERSION_MIN } from './metadata-version.ts'

export const METADATA_VERSION = 'metadata.version'

export interface FeatureRange {
  readonly name: string
  readonly min: number
  readonly max: number
}

/**
 * The levels of Kafka's features that this release can work at: what brokers and controllers register, and what ApiVersions tells. A client
 * takes the finalized level of `transaction.version` for leave to use transactions of the second kind, and of `group.version` for the consumer
 * protocol of KIP-848; so a level is named here only when all that it promises is there. `kraft.version` 0 means a static set of voters, and
 * `eligible.leader.replicas.version` 0 that an ISR never becomes empty. A feature at level 0 only is as good as absent: it is listed so that
 * `kafka-features` can say so.
 */
export const supportedFeatures: readonly FeatureRange[] = [
  { name: METADATA_VERSION, min: METADATA_VERSION_MIN, max: METADATA_VERSION_LATEST },
  { name: 'kraft.version', min: 0, max: 0 },
  { name: 'transaction.version', min: 0, max: 0 },
  { name: 'group.version', min: 0, max: 0 },
  { name: 'eligible.leader.replicas.version', min: 0, max: 0 },
  { name: 'share.version', min: 0, max: 0 },
  { name: 'streams.version', min: 0, max: 0 },
]

export function supportedFeature(name: string): FeatureRange | undefined {
  return supportedFeatures.find((feature) => feature.name === name)
}
