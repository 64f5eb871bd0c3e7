import { METADATA_VERSION_MIN } from './metadata-version.ts'
import { newRecord } from './new-record.ts'
import type { MetadataRecord } from './record-types.ts'
import type { FeatureLevelRecord } from './records/cluster.ts'
import { METADATA_VERSION } from './supported-features.ts'

/** The levels at which the whole cluster works. */
export class FeaturesImage {
  private readonly levels = new Map<string, number>()

  /** Finalized levels by name, `metadata.version` included; level 0 is not in it. */
  get finalized(): ReadonlyMap<string, number> {
    return this.levels
  }

  level(name: string): number {
    return this.levels.get(name) ?? 0
  }

  /** `METADATA_VERSION_MIN` until the log says more. */
  get metadataVersion(): number {
    return this.levels.get(METADATA_VERSION) ?? METADATA_VERSION_MIN
  }

  /** Whether the log has named a `metadata.version` yet: without one it has not been bootstrapped. */
  get isBootstrapped(): boolean {
    return this.levels.has(METADATA_VERSION)
  }

  set(record: FeatureLevelRecord): void {
    if (record.featureLevel === 0) this.levels.delete(record.name)
    else this.levels.set(record.name, record.featureLevel)
  }

  /** `metadata.version` first: a reader has to know it before the rest. */
  *toRecords(metadataVersion: number): Iterable<MetadataRecord> {
    const names = [...this.levels.keys()].sort((a, b) => Number(b === METADATA_VERSION) - Number(a === METADATA_VERSION))
    for (const name of names) yield newRecord('featureLevel', metadataVersion, { name, featureLevel: this.level(name) })
  }
}
