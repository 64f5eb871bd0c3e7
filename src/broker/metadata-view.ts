import type { Offset } from '../base/units.ts'
import { reconfigured } from '../config/parse-server-config.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { ClusterChanges } from '../metadata/changes.ts'
import { ResourceType } from '../metadata/configs-image.ts'
import { ClusterImage } from '../metadata/image.ts'
import { decodeRecord } from '../metadata/record-frame.ts'
import type { CommittedBatch, MetadataSnapshot } from '../quorum/metadata-quorum.ts'

/** What this broker knows of the cluster so far. A snapshot replaces the image as a whole: nobody keeps it across turns. */
export class MetadataView {
  image = new ClusterImage()
  /** Of the last record that the image holds; -1 when none. */
  appliedOffset: Offset = -1
  /** The static configuration with the dynamic configuration of brokers laid over it. */
  config: ServerConfig
  private readonly given: ServerConfig

  constructor(given: ServerConfig) {
    this.given = given
    this.config = given
  }

  apply(batch: CommittedBatch): ClusterChanges {
    for (const value of batch.values) this.image.apply(decodeRecord(value))
    this.appliedOffset = batch.lastOffset
    const changes = this.image.takeChanges()
    if (changes.configs.some((it) => it.type === ResourceType.BROKER)) this.reconfigure()
    return changes
  }

  replaceWith(snapshot: MetadataSnapshot): void {
    const image = new ClusterImage()
    for (const values of snapshot.batches()) for (const value of values) image.apply(decodeRecord(value))
    image.takeChanges()
    this.image = image
    this.appliedOffset = snapshot.endOffset - 1
    this.reconfigure()
  }

  private reconfigure(): void {
    const { configs } = this.image
    this.config = reconfigured(this.given, configs.ofAllBrokers(), configs.of(ResourceType.BROKER, String(this.given.nodeId)))
  }
}
