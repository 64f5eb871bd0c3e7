import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MalformedError } from '../protocol/reader.ts'
import { metadataVersions, recordVersion } from './metadata-version.ts'
import { newRecord } from './new-record.ts'
import { decodeRecord, encodeRecord, UnsupportedRecordError } from './record-frame.ts'
import { type RecordType, recordTypes } from './record-types.ts'

test('a record is its frame version, type and version as varints, then the message', () => {
  const record = newRecord('featureLevel', 30, { name: 'metadata.version', featureLevel: 30 })
  const bytes = encodeRecord(record)
  assert.equal(bytes.toString('hex'), `010c00${'11'}${Buffer.from('metadata.version').toString('hex')}001e00`)
  assert.deepEqual(decodeRecord(bytes), record)
  assert.equal(encodeRecord(newRecord('noOp', 30, {})).toString('hex'), '01140000')
})

test('every type in every version comes back as it was written', () => {
  for (const type of Object.keys(recordTypes) as RecordType[]) {
    const { from, to } = recordTypes[type].validVersions
    for (let version = from; version <= to; version += 1) {
      const record = { ...newRecord(type, 30, drafts[type] ?? {}), version }
      assert.deepEqual(decodeRecord(encodeRecord(record as ReturnType<typeof decodeRecord>)), record, `${type} ${version}`)
    }
  }
})

const id = 'AAECAwQFBgcICQoLDA0ODw'
/** Something in the fields that have no default; what not every version can say is left out. */
const drafts: { readonly [K in RecordType]?: object } = {
  registerBroker: {
    brokerId: 1,
    brokerEpoch: 2,
    incarnationId: id,
    rack: 'r',
    endPoints: [{ name: 'P', host: 'h', port: 9, securityProtocol: 0 }],
  },
  partition: { partitionId: 3, topicId: id, replicas: [1, 2], isr: [2], leader: 2, leaderEpoch: 5, partitionEpoch: 7 },
  partitionChange: { partitionId: 3, topicId: id, isr: [2], leader: -1 },
  config: { resourceType: 2, resourceName: '__proto__', name: 'retention.ms', value: null },
  clientQuota: { entity: [{ entityType: 'user', entityName: null }], key: 'producer_byte_rate', value: 0.5, remove: false },
  userScramCredential: { name: 'u', mechanism: 1, salt: Buffer.of(1), storedKey: Buffer.of(2), serverKey: Buffer.of(3), iterations: 4096 },
}

test('a record of a newer release is named, not guessed at', () => {
  assert.throws(
    () => decodeRecord(Buffer.from('01630000', 'hex')),
    (error: Error) => {
      assert.ok(error instanceof UnsupportedRecordError)
      return error.message.includes('type 99')
    },
  )
  assert.throws(
    () => decodeRecord(Buffer.from('01140900', 'hex')),
    (error: Error) => {
      assert.ok(error instanceof UnsupportedRecordError)
      return error.message.includes('NoOpRecord version 9')
    },
  )
})

test('bytes that are no record are malformed', () => {
  for (const hex of ['', '01', '02140000', '0114', '0114000000', '010c0001', '01ffffffffffff']) {
    assert.throws(() => decodeRecord(Buffer.from(hex, 'hex')), MalformedError, hex)
  }
})

test('the version that is written follows the metadata version, and is one that the schema has', () => {
  for (const { level } of metadataVersions) {
    for (const type of Object.keys(recordTypes) as RecordType[]) {
      const { from, to } = recordTypes[type].validVersions
      const version = recordVersion(type, level)
      assert.ok(version >= from && version <= to, `${type} at ${level}`)
    }
  }
  // Read from MetadataVersion of 4.3.1: registerBroker, partition, partitionChange
  const table: readonly (readonly [level: number, register: number, partition: number])[] = [
    [7, 1, 0],
    [8, 2, 0],
    [16, 2, 0],
    [17, 3, 1],
    [22, 3, 1],
    [23, 3, 2],
    [29, 3, 2],
    [30, 4, 2],
  ]
  for (const [level, register, partition] of table) {
    assert.deepEqual(
      [recordVersion('registerBroker', level), recordVersion('partition', level), recordVersion('partitionChange', level)],
      [register, partition, partition],
    )
  }
})
