// A few groups of damaged files (`node test/storage/rot.mjs` does thousands): none served, none lost, all healed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { underTest } from '../rig/cluster.mjs'
import { rot } from './rot.mjs'

test(
  'damaged files of one replica are neither served nor lost, and are made good',
  { skip: underTest === 'kafka' && 'Kafka serves them' },
  async (t) => {
    const report = await rot({ corruptions: 45, seed: 7, partitions: 15, tell: (line) => t.diagnostic(line) })
    assert.deepEqual(report.problems, [])
    assert.ok(report.corruptions >= 30)
  },
)
