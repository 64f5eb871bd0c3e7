import { assert } from '../base/assert.ts'
import type { NodeId, Offset, Uuid } from '../base/units.ts'
import type { ChangeLog } from './changes.ts'
import { hasCordonedDirectories, hasDirectories } from './metadata-version.ts'
import { newRecord } from './new-record.ts'
import type { MetadataRecord } from './record-types.ts'
import type { BrokerRegistrationChangeRecord, RegisterBrokerRecord } from './records/brokers.ts'
import type { RegisterControllerRecord } from './records/cluster.ts'

export interface EndpointImage {
  /** Of the listener: `PLAINTEXT`, `CONTROLLER`, … */
  readonly name: string
  readonly host: string
  readonly port: number
  /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number
}

export interface SupportedFeature {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

/** The registration of a broker. Immutable: a change makes a new one. */
export interface BrokerImage {
  readonly id: NodeId
  /** The offset of its RegisterBrokerRecord: a restarted broker has a higher one. */
  readonly epoch: Offset
  readonly incarnationId: Uuid
  readonly endpoints: readonly EndpointImage[]
  readonly features: readonly SupportedFeature[]
  readonly rack: string | null
  /** It neither leads nor is in an ISR (but as the last member), and clients are not told of it. */
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  readonly logDirs: readonly Uuid[]
  /** Directories that take no new replicas; null when the broker has not said. */
  readonly cordonedLogDirs: readonly Uuid[] | null
}

/** Whether it may lead and join an ISR. */
export function isActive(broker: BrokerImage | undefined): boolean {
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
}

export class BrokersImage {
  private readonly brokersById = new Map<NodeId, BrokerImage>()

  byId(id: NodeId): BrokerImage | undefined {
    return this.brokersById.get(id)
  }

  all(): Iterable<BrokerImage> {
    return this.brokersById.values()
  }

  get size(): number {
    return this.brokersById.size
  }

  isActive(id: NodeId): boolean {
    return isActive(this.brokersById.get(id))
  }

  register(record: RegisterBrokerRecord, changes: ChangeLog): void {
    this.put(
      record.brokerId,
      {
        id: record.brokerId,
        epoch: record.brokerEpoch,
        incarnationId: record.incarnationId,
        endpoints: record.endPoints,
        features: record.features,
        rack: record.rack,
        fenced: record.fenced,
        inControlledShutdown: record.inControlledShutdown,
        logDirs: record.logDirs,
        cordonedLogDirs: record.cordonedLogDirs,
      },
      changes,
    )
  }

  unregister(id: NodeId, epoch: Offset, changes: ChangeLog): void {
    const before = this.expect(id, epoch)
    this.brokersById.delete(id)
    changes.brokerChanged(id, before, undefined)
  }

  setFenced(id: NodeId, epoch: Offset, fenced: boolean, changes: ChangeLog): void {
    this.put(id, { ...this.expect(id, epoch), fenced }, changes)
  }

  /** 1 sets and -1 clears a flag, 0 leaves it; an empty list of directories leaves them. */
  change(record: BrokerRegistrationChangeRecord, changes: ChangeLog): void {
    const before = this.expect(record.brokerId, record.brokerEpoch)
    this.put(
      before.id,
      {
        ...before,
        fenced: record.fenced === 0 ? before.fenced : record.fenced > 0,
        inControlledShutdown: record.inControlledShutdown === 0 ? before.inControlledShutdown : record.inControlledShutdown > 0,
        logDirs: record.logDirs.length === 0 ? before.logDirs : record.logDirs,
        cordonedLogDirs: record.cordonedLogDirs ?? before.cordonedLogDirs,
      },
      changes,
    )
  }

  private expect(id: NodeId, epoch: Offset): BrokerImage {
    const broker = this.brokersById.get(id)
    assert(broker !== undefined, `a record about broker ${id}, which is not registered`)
    assert(broker.epoch === epoch, `a record about broker ${id} at epoch ${epoch}, which is at ${broker.epoch}`)
    return broker
  }

  private put(id: NodeId, after: BrokerImage, changes: ChangeLog): void {
    const before = this.brokersById.get(id)
    this.brokersById.set(id, after)
    changes.brokerChanged(id, before, after)
  }

  *toRecords(metadataVersion: number): Iterable<MetadataRecord> {
    for (const broker of this.brokersById.values()) yield brokerToRecord(broker, metadataVersion)
  }
}

export function brokerToRecord(broker: BrokerImage, metadataVersion: number): MetadataRecord {
  return newRecord('registerBroker', metadataVersion, {
    brokerId: broker.id,
    brokerEpoch: broker.epoch,
    incarnationId: broker.incarnationId,
    endPoints: broker.endpoints,
    features: broker.features,
    rack: broker.rack,
    fenced: broker.fenced,
    inControlledShutdown: broker.inControlledShutdown,
    logDirs: hasDirectories(metadataVersion) ? broker.logDirs : [],
    cordonedLogDirs: hasCordonedDirectories(metadataVersion) ? broker.cordonedLogDirs : null,
  })
}

/** The registration of a controller (KIP-919). */
export interface ControllerImage {
  readonly id: NodeId
  readonly incarnationId: Uuid
  readonly endpoints: readonly EndpointImage[]
  readonly features: readonly SupportedFeature[]
  readonly zkMigrationReady: boolean
}

export class ControllersImage {
  private readonly controllersById = new Map<NodeId, ControllerImage>()

  byId(id: NodeId): ControllerImage | undefined {
    return this.controllersById.get(id)
  }

  all(): Iterable<ControllerImage> {
    return this.controllersById.values()
  }

  register(record: RegisterControllerRecord): void {
    const { controllerId: id, incarnationId, endPoints: endpoints, features, zkMigrationReady } = record
    this.controllersById.set(id, { id, incarnationId, endpoints, features, zkMigrationReady })
  }

  *toRecords(metadataVersion: number): Iterable<MetadataRecord> {
    for (const { id, incarnationId, endpoints, features, zkMigrationReady } of this.controllersById.values()) {
      const draft = { controllerId: id, incarnationId, endPoints: endpoints, features, zkMigrationReady }
      yield newRecord('registerController', metadataVersion, draft)
    }
  }
}
