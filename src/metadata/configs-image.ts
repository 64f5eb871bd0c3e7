import type { ChangeLog } from './changes.ts'
import { newRecord } from './new-record.ts'
import type { MetadataRecord } from './record-types.ts'
import type { ConfigRecord } from './records/configs.ts'

/** org.apache.kafka.common.config.ConfigResource.Type */
export const ResourceType = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const
export type ResourceType = number

/** Whose configuration: a topic by name, a broker by id, all brokers by the name ''. */
export interface ConfigResource {
  readonly type: ResourceType
  readonly name: string
}

const NOTHING: ReadonlyMap<string, string> = new Map()

/** Dynamic configuration: what was set, by resource; nothing of defaults. */
export class ConfigsImage {
  private readonly resources = new Map<string, { readonly resource: ConfigResource; readonly values: Map<string, string> }>()

  /** Values by name; empty when nothing is set. */
  of(type: ResourceType, name: string): ReadonlyMap<string, string> {
    return this.resources.get(keyOf(type, name))?.values ?? NOTHING
  }

  ofTopic(name: string): ReadonlyMap<string, string> {
    return this.of(ResourceType.TOPIC, name)
  }

  /** What was set for all brokers. */
  ofAllBrokers(): ReadonlyMap<string, string> {
    return this.of(ResourceType.BROKER, '')
  }

  /** Resources that have something set. */
  *all(): Iterable<ConfigResource> {
    for (const { resource } of this.resources.values()) yield resource
  }

  set(record: ConfigRecord, changes: ChangeLog): void {
    const { resourceType: type, resourceName: name, value } = record
    const key = keyOf(type, name)
    let entry = this.resources.get(key)
    if (value === null) {
      entry?.values.delete(record.name)
      if (entry?.values.size === 0) this.resources.delete(key)
    } else {
      if (entry === undefined) this.resources.set(key, (entry = { resource: { type, name }, values: new Map() }))
      entry.values.set(record.name, value)
    }
    changes.configChanged({ type, name })
  }

  /** With a topic goes its configuration: there is no record for each of its values. */
  removeTopic(name: string, changes: ChangeLog): void {
    if (this.resources.delete(keyOf(ResourceType.TOPIC, name))) changes.configChanged({ type: ResourceType.TOPIC, name })
  }

  *toRecords(metadataVersion: number): Iterable<MetadataRecord> {
    for (const { resource, values } of this.resources.values()) {
      for (const [name, value] of values) {
        yield newRecord('config', metadataVersion, { resourceType: resource.type, resourceName: resource.name, name, value })
      }
    }
  }
}

function keyOf(type: ResourceType, name: string): string {
  return `${type}:${name}`
}
