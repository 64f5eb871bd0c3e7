import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from './codec.ts'
import { fetchRequest, type FetchRequestDraft } from './messages/fetch.ts'
import { metadataResponse } from './messages/metadata.ts'

test('a fetch request comes back as it was sent, in every version', () => {
  const draft: FetchRequestDraft = { maxWaitMs: 500, minBytes: 1, topics: [{ partitions: [{ partition: 3, fetchOffset: 12, partitionMaxBytes: 100 }] }] }
  for (let version = 4; version <= 18; version += 1) {
    const bytes = encode(fetchRequest, version, draft)
    const back = decode(fetchRequest, version, bytes)
    assert.equal(back.topics[0]?.partitions[0]?.fetchOffset, 12)
    assert.equal(back.topics[0]?.partitions[0]?.highWatermark, 2 ** 63)
    assert.deepEqual(encode(fetchRequest, version, back), bytes)
  }
  const m = decode(metadataResponse, 12, encode(metadataResponse, 12, { brokers: [{ nodeId: 1, host: 'a', port: 2 }], topics: [] }))
  assert.equal(m.brokers[0]?.rack, null)
})
