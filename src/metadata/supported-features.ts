import { METADATA_VERSION_LATEST, METADATA_VERSION_MIN } from './metadata-version.ts'

export const METADATA_VERSION = 'metadata.version'
export const GROUP_VERSION = 'group.version'
export const ELR_VERSION = 'eligible.leader.replicas.version'

export interface FeatureRange {
  readonly name: string
  readonly min: number
  readonly max: number
}

/**
 * The levels of Kafka's features that this release can work at: what brokers and controllers register, and what ApiVersions tells. A client
 * takes the finalized level of `transaction.version` for leave to use transactions of the second kind; so a level is named here only when all that it
 * promises is there. `group.version` 1 is the consumer protocol of KIP-848, `eligible.leader.replicas.version` 1 the eligible leader replicas of
 * KIP-966 (at 0 the last member of an ISR never leaves it). `kraft.version` 0 means a static set of voters. A feature at level 0 only is as good as
 * absent: it is listed so that `kafka-features` can say so.
 */
export const supportedFeatures: readonly FeatureRange[] = [
  { name: METADATA_VERSION, min: METADATA_VERSION_MIN, max: METADATA_VERSION_LATEST },
  { name: 'kraft.version', min: 0, max: 0 },
  { name: 'transaction.version', min: 0, max: 0 },
  { name: GROUP_VERSION, min: 0, max: 1 },
  { name: ELR_VERSION, min: 0, max: 1 },
  { name: 'share.version', min: 0, max: 0 },
  { name: 'streams.version', min: 0, max: 0 },
]

export function supportedFeature(name: string): FeatureRange | undefined {
  return supportedFeatures.find((feature) => feature.name === name)
}

/** The `metadata.version` with which a new cluster begins at the level (GroupVersion.GV_1: 4.0-IV0; EligibleLeaderReplicasVersion.ELRV_1: 4.1-IV0). */
const startsWith: readonly { readonly name: string; readonly level: number; readonly metadataVersion: number }[] = [
  { name: GROUP_VERSION, level: 1, metadataVersion: 22 },
  { name: ELR_VERSION, level: 1, metadataVersion: 26 },
]

/** The levels that a new cluster begins with (`kafka-storage format`, Feature.defaultLevel), `metadata.version` first; level 0 is left out. */
export function initialLevels(metadataVersion: number): readonly { readonly name: string; readonly featureLevel: number }[] {
  const others = startsWith.filter((it) => it.metadataVersion <= metadataVersion)
  return [{ name: METADATA_VERSION, featureLevel: metadataVersion }, ...others.map(({ name, level }) => ({ name, featureLevel: level }))]
}
