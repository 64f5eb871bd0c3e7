import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goodOptions, recordGoodHistory } from './good-history.ts'
import { examine } from './judge.ts'
import { type Mutation, historyOf, mutate, mutations } from './mutate.ts'
import type { HistoryEvent } from './ndjson.ts'
import { HistoryRecorder } from './recorder.ts'

/** Of a hundred histories in which something was made wrong, in how many it is found at least. */
const foundMin: Readonly<Record<Mutation, number>> = {
  drop: 100,
  vanish: 100,
  /** A record of which no offset is told and that one process alone is given, and then is not, leaves no trace. */
  skip: 98,
  duplicate: 100,
  reorder: 95,
  rewind: 100,
  expose: 100,
  rewrite: 100,
}

for (const mutation of mutations) {
  test(`what goes wrong with a good history is found: ${mutation}`, () => {
    let tried = 0
    let found = 0
    const missed: number[] = []
    for (let seed = 1; tried < 100; seed += 1) {
      const events: HistoryEvent[] = []
      recordGoodHistory(seed, 60, new HistoryRecorder(null, (event) => events.push(event)))
      const changed = mutate(events, mutation, seed)
      const before = examine(historyOf(events), goodOptions)
      if (changed === null || before.allowed.length > 0) continue
      tried += 1
      const { errors, allowed } = examine(historyOf(changed), goodOptions)
      if (errors.length + allowed.length > 0) found += 1
      else missed.push(seed)
    }
    assert.ok(found >= foundMin[mutation], `${found} of ${tried}; missed ${missed.join(', ')}`)
  })
}
