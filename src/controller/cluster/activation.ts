import type { MetadataRecord } from '../../metadata/record-types.ts'
import { ELR_VERSION, METADATA_VERSION } from '../../metadata/supported-features.ts'
import { addMinIsrOfAllBrokers } from '../configs/min-isr.ts'
import type { ControllerState, RecordBatch } from '../state.ts'

/**
 * What a new active controller writes before anything else (ActivationRecordsGenerator): the bootstrap records into an empty log, an end to a metadata
 * transaction that its predecessor left open, the `min.insync.replicas` that eligible leader replicas go by. One batch, so that it is all there or not at all; a transaction around it is not needed for that.
 */
export function activate(state: ControllerState, bootstrap: readonly MetadataRecord[] | null, out: RecordBatch): void {
  if (state.image.inTransaction) out.add('abortTransaction', { reason: 'Controller failover' })
  if (!state.image.isEmpty) return
  const records = bootstrap ?? []
  if (!records.some((record) => record.type === 'featureLevel' && record.message.name === METADATA_VERSION)) {
    out.add('featureLevel', { name: METADATA_VERSION, featureLevel: state.settings.bootstrapMetadataVersion })
  }
  out.records.push(...records)
  if (records.some(({ type, message }) => type === 'featureLevel' && message.name === ELR_VERSION && message.featureLevel > 0)) {
    addMinIsrOfAllBrokers(state, out)
  }
}
