import type { Epoch, Offset, Timestamp } from '../../base/units.ts'
import { codec, decode, encode } from '../codec.ts'
import {
  kRaftVersionRecord,
  type KRaftVersionRecord,
  leaderChangeMessage,
  type LeaderChangeMessage,
  type LeaderChangeMessageDraft,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
  type VotersRecord,
  type VotersRecordDraft,
} from '../messages/control-records.ts'
import { MalformedError, Reader } from '../reader.ts'
import { buildBatch, type NewRecord } from './batch-builder.ts'
import type { DecodedRecord } from './records.ts'

/**
 * Control records: those of the metadata log's agreement itself, and a transaction's end. The key is two int16, a version and a type
 * (ControlRecordType); the value a message whose first field is its own version (ControlRecordUtils).
 */
const TYPES = ['ABORT', 'COMMIT', 'LEADER_CHANGE', 'SNAPSHOT_HEADER', 'SNAPSHOT_FOOTER', 'KRAFT_VERSION', 'KRAFT_VOTERS'] as const
export type ControlRecordType = (typeof TYPES)[number]

const keyVersion = 0
const keyBytes = 4
const endMarkerVersion = 0

/** Version 0 is all there is. */
const currentVersion = 0

export type ControlRecord =
  | { readonly type: 'ABORT' | 'COMMIT'; readonly coordinatorEpoch: number }
  | { readonly type: 'LEADER_CHANGE'; readonly message: LeaderChangeMessage }
  | { readonly type: 'SNAPSHOT_HEADER'; readonly lastContainedLogTimestamp: Timestamp }
  | { readonly type: 'SNAPSHOT_FOOTER' }
  | { readonly type: 'KRAFT_VERSION'; readonly kRaftVersion: KRaftVersionRecord['kRaftVersion'] }
  | { readonly type: 'KRAFT_VOTERS'; readonly message: VotersRecord }
  /** Of a newer release: readers pass over it. */
  | { readonly type: 'UNKNOWN'; readonly number: number }

/** Where and when a control batch stands. */
export interface ControlBatchPlace {
  readonly baseOffset: Offset
  readonly leaderEpoch: Epoch
  readonly timestamp: Timestamp
}

export function controlKey(type: ControlRecordType): Buffer {
  const key = Buffer.alloc(keyBytes)
  key.writeInt16BE(keyVersion, 0)
  key.writeInt16BE(TYPES.indexOf(type), 2)
  return key
}

/** The first record of a leader's epoch. Kafka writes version 0 whatever its kraft.version: voters' directory ids stay out of it. */
export function leaderChangeRecord(message: Omit<LeaderChangeMessageDraft, 'version'>): NewRecord {
  return { key: controlKey('LEADER_CHANGE'), value: encode(leaderChangeMessage, currentVersion, { ...message, version: currentVersion }) }
}

export function snapshotHeader(lastContainedLogTimestamp: Timestamp): NewRecord {
  return {
    key: controlKey('SNAPSHOT_HEADER'),
    value: encode(snapshotHeaderRecord, currentVersion, { version: currentVersion, lastContainedLogTimestamp }),
  }
}

export function snapshotFooter(): NewRecord {
  return { key: controlKey('SNAPSHOT_FOOTER'), value: encode(snapshotFooterRecord, currentVersion, { version: currentVersion }) }
}

export function kraftVersionRecord(kRaftVersion: number): NewRecord {
  return { key: controlKey('KRAFT_VERSION'), value: encode(kRaftVersionRecord, currentVersion, { version: currentVersion, kRaftVersion }) }
}

export function kraftVotersRecord(voters: VotersRecordDraft['voters']): NewRecord {
  return { key: controlKey('KRAFT_VOTERS'), value: encode(votersRecord, currentVersion, { version: currentVersion, voters }) }
}

/** A control batch as the metadata quorum writes it: no compression, no producer. */
export function controlBatch(place: ControlBatchPlace, records: readonly NewRecord[]): Buffer {
  return buildBatch({ ...place, isControl: true }, records)
}

/** What a record of a control batch says. @throws MalformedError for a key or a value that is neither known nor merely newer */
export function readControlRecord(record: Pick<DecodedRecord, 'key' | 'value'>): ControlRecord {
  const { key, value } = record
  if (key === null || key.length < keyBytes) throw new MalformedError('a control record without a key')
  const number = key.readInt16BE(2)
  const type = TYPES[number]
  if (key.readInt16BE(0) < 0) throw new MalformedError('a control record whose key has a negative version')
  if (type === undefined) return { type: 'UNKNOWN', number }
  if (value === null || value.length < 2) throw new MalformedError(`a ${type} record without a value`)
  return valueOf(type, value)
}

function valueOf(type: ControlRecordType, value: Buffer): ControlRecord {
  switch (type) {
    case 'ABORT':
    case 'COMMIT':
      return { type, coordinatorEpoch: endMarkerEpoch(value) }
    case 'LEADER_CHANGE':
      return { type, message: codec(leaderChangeMessage, leaderChangeVersion(value)).read(new Reader(value)) }
    case 'SNAPSHOT_HEADER':
      return { type, lastContainedLogTimestamp: decode(snapshotHeaderRecord, currentVersion, value).lastContainedLogTimestamp }
    case 'SNAPSHOT_FOOTER':
      decode(snapshotFooterRecord, currentVersion, value)
      return { type }
    case 'KRAFT_VERSION':
      return { type, kRaftVersion: decode(kRaftVersionRecord, currentVersion, value).kRaftVersion }
    case 'KRAFT_VOTERS':
      return { type, message: decode(votersRecord, currentVersion, value) }
  }
}

/** The value's first field. Of a version newer than ours the fields that we know come first. */
function leaderChangeVersion(value: Buffer): number {
  return Math.max(0, Math.min(leaderChangeMessage.validVersions.to, value.readInt16BE(0)))
}

/** EndTransactionMarker: int16 version, int32 coordinator epoch. */
function endMarkerEpoch(value: Buffer): number {
  if (value.readInt16BE(0) < endMarkerVersion || value.length < 6) throw new MalformedError('an end-of-transaction marker that is cut off')
  return value.readInt32BE(2)
}
