import type { Timestamp } from '../../base/units.ts'
import { assert } from '../../base/assert.ts'
import { type GroupFact, type GroupRecord, groupRecordTypes } from '../../groups/records/fact.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../../groups/records/record-bytes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { BatchHeader, Codec } from '../../protocol/records/batch-header.ts'
import { readControlRecord } from '../../protocol/records/control-batches.ts'
import { decodeRecords } from '../../protocol/records/records.ts'

/** One batch of all facts, without a producer. @throws UnsayableError, CodecUnavailableError */
export function groupBatch(facts: readonly GroupFact[], timestamp: Timestamp, codec: Codec): Buffer {
  return buildBatch({ timestamp, codec }, facts.map(bytesOf))
}

function bytesOf(fact: GroupFact): { readonly key: Buffer; readonly value: Buffer | null } {
  assert(isRecord(fact), `${fact.type} is not written here`)
  return encodeGroupRecord(fact)
}

function isRecord(fact: GroupFact): fact is GroupRecord {
  return fact.type !== 'pendingOffset' && fact.type !== 'endTransaction'
}

/** Told of records of a kind that is not known here (share and streams groups, a newer Kafka's): they are passed over, as Kafka does after a downgrade. */
export type OnUnknown = (keyType: number) => void

/**
 * What a batch of `__consumer_offsets` says. Offsets in a transactional batch wait for the transaction's marker, which is a control batch of the same
 * producer. @throws MalformedError, DecompressedTooLargeError, CodecUnavailableError
 */
export function groupFacts(header: BatchHeader, bytes: Buffer, at: number, onUnknown: OnUnknown): readonly GroupFact[] {
  const records = decodeRecords(bytes, at)
  if (header.isControl) {
    return records.flatMap((record) => {
      const { type } = readControlRecord(record)
      return type === 'COMMIT' || type === 'ABORT'
        ? [{ type: 'endTransaction', producerId: header.producerId, committed: type === 'COMMIT' }]
        : []
    })
  }
  const facts: GroupFact[] = []
  for (const { key, value } of records) {
    const fact = decodeGroupRecord(key, value !== null && keepsBytes(key) ? Buffer.from(value) : value)
    if (fact.type === 'unknown') onUnknown(fact.keyType)
    else facts.push(header.isTransactional && fact.type === 'offsetCommit' ? pending(header.producerId, fact) : fact)
  }
  return facts
}

/** Of these, what is decoded has views of the value: they would keep the whole stretch of log in memory for as long as the group lives. */
const keyTypesWithBytes: ReadonlySet<number> = new Set([
  groupRecordTypes.groupMetadata.key.apiKey,
  groupRecordTypes.consumerGroupMemberMetadata.key.apiKey,
])
const keyTypeBytes = 2

function keepsBytes(key: Buffer | null): boolean {
  return key !== null && key.length >= keyTypeBytes && keyTypesWithBytes.has(key.readInt16BE(0))
}

function pending(producerId: number, { key, value }: Extract<GroupRecord, { readonly type: 'offsetCommit' }>): GroupFact {
  return { type: 'pendingOffset', producerId, key, value }
}
