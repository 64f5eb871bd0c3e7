import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchesIn, valuesOf } from '../metadata-batch.ts'
import { MetadataFeed } from './metadata-feed.ts'

const value = (text: string) => Buffer.from(text)
const texts = (bytes: readonly Buffer[] | null) => bytes?.flatMap((it) => [...batchesIn(it)].flatMap(valuesOf).map(String)) ?? null

function feed(): MetadataFeed {
  const made = new MetadataFeed({ offset: 10, epoch: 3 }, 99, [[value('s')]])
  made.append(4, 100, [value('a'), value('b')])
  made.append(4, 101, [value('c')])
  return made
}

test('who is where the snapshot ends, or at the end of a batch, is given what comes after', () => {
  const made = feed()
  assert.deepEqual([made.startOffset, made.endOffset, made.endEpoch], [10, 13, 4])
  assert.deepEqual(texts(made.read(10, 3, 1e6)), ['a', 'b', 'c'])
  assert.deepEqual(texts(made.read(12, 4, 1e6)), ['c'])
  assert.deepEqual(texts(made.read(13, 4, 1e6)), [])
  assert.deepEqual(texts(made.read(10, 3, 1)), ['a', 'b'], 'at least one batch')
})

test('who is elsewhere, or came there in another history, is given the snapshot', () => {
  const made = feed()
  for (const [offset, epoch] of [
    [0, 0],
    [9, 3],
    [10, 2],
    [11, 4],
    [13, 3],
    [14, 4],
  ] as const)
    assert.equal(made.read(offset, epoch, 1e6), null)
  assert.deepEqual([...made.latestSnapshot.batches()].flat().map(String), ['s'])
})

test('a log from its beginning is read from 0', () => {
  const made = new MetadataFeed({ offset: 0, epoch: 0 }, -1, [])
  assert.deepEqual(texts(made.read(0, 0, 1e6)), [])
  made.append(1, 5, [value('a')])
  assert.deepEqual(texts(made.read(0, 0, 1e6)), ['a'])
})

test('a snapshot lets go of what is before the one that it follows', () => {
  const made = feed()
  made.putSnapshot(12, [[value('t')]])
  assert.deepEqual([made.snapshotId, made.startOffset], [{ offset: 12, epoch: 4 }, 10])
  assert.notEqual(made.snapshotPiece({ offset: 10, epoch: 3 }), null)
  made.append(4, 102, [value('d')])
  made.putSnapshot(14, [[value('u')]])
  assert.equal(made.startOffset, 12)
  assert.equal(made.snapshotPiece({ offset: 10, epoch: 3 }), null)
  assert.deepEqual(texts(made.read(12, 4, 1e6)), ['c', 'd'])
  assert.equal(made.read(10, 3, 1e6), null)
  made.append(5, 103, [value('e')])
  made.putSnapshot(15, [[value('v')]])
  assert.deepEqual(texts(made.read(15, 5, 1e6)), [])
})
