import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METADATA_TOPIC_ID } from '../../base/units.ts'
import { MalformedError } from '../reader.ts'
import { readBatchHeader } from './batch-header.ts'
import {
  controlBatch,
  controlKey,
  kraftVersionRecord,
  kraftVotersRecord,
  leaderChangeRecord,
  readControlRecord,
  snapshotFooter,
  snapshotHeader,
} from './control-batches.ts'
import { decodeRecords } from './records.ts'

const place = { baseOffset: 12, leaderEpoch: 4, timestamp: 1_000 }

test('each kind of control record comes back from its batch', () => {
  const voter = {
    voterId: 1,
    voterDirectoryId: METADATA_TOPIC_ID,
    endpoints: [{ name: 'CONTROLLER', host: 'a', port: 65_535 }],
    kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
  }
  const batch = controlBatch(place, [
    leaderChangeRecord({ leaderId: 3, voters: [{ voterId: 1 }, { voterId: 3 }], grantingVoters: [{ voterId: 3 }] }),
    snapshotHeader(77),
    snapshotFooter(),
    kraftVersionRecord(1),
    kraftVotersRecord([voter]),
  ])
  const header = readBatchHeader(batch, 0)
  assert.ok(header.isControl && !header.isTransactional)
  assert.equal(header.producerId, -1)
  const [change, ...others] = decodeRecords(batch).map(readControlRecord)
  assert.equal(change?.type, 'LEADER_CHANGE')
  assert.deepEqual(
    change.message.grantingVoters.map((it) => it.voterId),
    [3],
  )
  assert.deepEqual(others, [
    { type: 'SNAPSHOT_HEADER', lastContainedLogTimestamp: 77 },
    { type: 'SNAPSHOT_FOOTER' },
    { type: 'KRAFT_VERSION', kRaftVersion: 1 },
    { type: 'KRAFT_VOTERS', message: { version: 0, voters: [voter] } },
  ])
})

test('the end of a transaction names the coordinator epoch', () => {
  assert.deepEqual(readControlRecord({ key: controlKey('COMMIT'), value: Buffer.from([0, 0, 0, 0, 0, 5]) }), {
    type: 'COMMIT',
    coordinatorEpoch: 5,
  })
})

test('a type of a newer release is passed over, a broken record is not', () => {
  assert.deepEqual(readControlRecord({ key: Buffer.from([0, 0, 0, 99]), value: null }), { type: 'UNKNOWN', number: 99 })
  for (const [key, value] of [
    [null, null],
    [Buffer.from([0, 0, 0]), null],
    [controlKey('LEADER_CHANGE'), null],
    [controlKey('LEADER_CHANGE'), Buffer.from([0, 0, 1])],
    [controlKey('ABORT'), Buffer.from([0, 0, 0, 0])],
  ] as const) {
    assert.throws(() => readControlRecord({ key, value }), MalformedError)
  }
})
