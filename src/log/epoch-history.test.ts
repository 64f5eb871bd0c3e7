import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CheckpointError,
  formatEpochs,
  formatOffsets,
  parseEpochs,
  parseMetaProperties,
  parseOffsets,
  parsePartitionMetadata,
} from './checkpoints.ts'
import { EpochHistory } from './epoch-history.ts'

const history = (...entries: readonly (readonly [number, number])[]): EpochHistory =>
  new EpochHistory(entries.map(([epoch, startOffset]) => ({ epoch, startOffset })))
const listed = (epochs: EpochHistory): unknown => epochs.list().map((entry) => [entry.epoch, entry.startOffset])

test('a new epoch drops entries that contradict it', () => {
  const epochs = history([1, 0], [3, 10], [5, 20])
  assert.equal(epochs.assign(5, 25), false)
  assert.equal(epochs.assign(6, 20), true)
  assert.deepEqual(listed(epochs), [[1, 0], [3, 10], [6, 20]]) // prettier-ignore
  epochs.assign(4, 15)
  assert.deepEqual(listed(epochs), [[1, 0], [3, 10], [4, 15]]) // prettier-ignore
  epochs.assign(4, 12)
  assert.deepEqual(listed(epochs), [[1, 0], [3, 10], [4, 12]]) // prettier-ignore
})

test('truncation from either end keeps the epoch that spans the cut', () => {
  const epochs = history([1, 0], [3, 10], [5, 20])
  assert.equal(epochs.truncateFromEnd(20), true)
  assert.equal(epochs.truncateFromEnd(15), false)
  assert.equal(epochs.truncateFromStart(12), true)
  assert.deepEqual(listed(epochs), [[3, 12]])
  assert.equal(epochs.truncateFromStart(12), false)
})

test('an epoch below all known ends where the first known begins', () => {
  assert.deepEqual(history([4, 7], [5, 9]).endOffsetFor(2, 30), { epoch: 2, endOffset: 7 })
})

test('checkpoint files are read back, and a damaged one is noticed wherever it was cut', () => {
  const epochs = [
    { epoch: 0, startOffset: 0 },
    { epoch: 12, startOffset: 4711 },
  ]
  assert.equal(formatEpochs(epochs), '0\n2\n0 0\n12 4711\n')
  assert.deepEqual(parseEpochs(formatEpochs(epochs)), epochs)
  const offsets = [{ topic: 'a.b_c-1', partition: 3, offset: 2 ** 41 }]
  assert.equal(formatOffsets(offsets), '0\n1\na.b_c-1 3 2199023255552\n')
  assert.deepEqual(parseOffsets(formatOffsets(offsets)), offsets)
  assert.deepEqual(parseOffsets(''), [], 'as Kafka makes it before it has anything to say')
  const text = formatEpochs(epochs)
  for (let length = 0; length < text.length; length++) assert.throws(() => parseEpochs(text.slice(0, length)), CheckpointError)
  for (const bad of ['1\n0\n', '0\n1\nx 1\n', '0\n1\n1 -1\n', '0\n0\n1 1\n']) assert.throws(() => parseEpochs(bad), CheckpointError)
})

test('properties as Kafka writes them are understood', () => {
  const text =
    '#\n#Mon Jun 01 10:00:00 UTC 2026\ncluster.id=4L6g3nShT-eMCtK--X86sw\ndirectory.id=abcdefghijklmnopqrstuv\nnode.id=7\nversion=1\n'
  assert.deepEqual(parseMetaProperties(text), { clusterId: '4L6g3nShT-eMCtK--X86sw', directoryId: 'abcdefghijklmnopqrstuv', nodeId: 7 })
  assert.throws(() => parseMetaProperties('version=0\nbroker.id=1\n'), CheckpointError)
  assert.equal(parsePartitionMetadata('version: 0\ntopic_id: AbCdEfGhIjKlMnOpQrStUv\n'), 'AbCdEfGhIjKlMnOpQrStUv')
  assert.throws(() => parsePartitionMetadata('version: 0\ntopic_id: short'), CheckpointError)
})
