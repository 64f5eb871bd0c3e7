import { test } from 'node:test'
import { simulateLogCrash } from './log-crash.ts'

const seeds = 300

test('whatever the moment of a crash, the recovered log is a prefix of what was appended and holds what was durable', async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    await simulateLogCrash(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
    })
  }
})
