import { newRecord } from './new-record.ts'
import type { MetadataRecord } from './record-types.ts'
import type { ClientQuotaRecord } from './records/configs.ts'

/** Who a quota is for: pairs of a type (`user`, `client-id`, `ip`) and a name, null for the default. */
export type QuotaEntity = ClientQuotaRecord['entity']

/** Client quotas as the log has them; whoever enforces them reads them. */
export class QuotasImage {
  private readonly entities = new Map<string, { readonly entity: QuotaEntity; readonly quotas: Map<string, number> }>()

  all(): Iterable<{ readonly entity: QuotaEntity; readonly quotas: ReadonlyMap<string, number> }> {
    return this.entities.values()
  }

  set(record: ClientQuotaRecord): void {
    const parts = record.entity.map(({ entityType, entityName }) => [entityType, entityName] as const)
    const key = JSON.stringify(parts.sort(([a], [b]) => (a < b ? -1 : 1)))
    let entry = this.entities.get(key)
    if (record.remove) {
      entry?.quotas.delete(record.key)
      if (entry?.quotas.size === 0) this.entities.delete(key)
      return
    }
    if (entry === undefined) this.entities.set(key, (entry = { entity: record.entity, quotas: new Map() }))
    entry.quotas.set(record.key, record.value)
  }

  *toRecords(metadataVersion: number): Iterable<MetadataRecord> {
    for (const { entity, quotas } of this.entities.values()) {
      for (const [key, value] of quotas) yield newRecord('clientQuota', metadataVersion, { entity, key, value, remove: false })
    }
  }
}
