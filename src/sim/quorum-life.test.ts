import { test } from 'node:test'
import { simulateQuorumLife } from './quorum-life.ts'

const seeds = 6

test('a quorum that loses power, node by node or all at once, forgets nothing that was committed, no epoch and no vote', async () => {
  for (let seed = 1; seed <= seeds; seed += 1) {
    await simulateQuorumLife(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
    })
  }
})
