import { test } from 'node:test'
import { ClusterStress } from './cluster-stress.ts'

const seeds = [1, 2, 3, 30]

for (const seed of seeds) {
  test(`under random kills, power cuts, freezes, stops and starts nothing acknowledged is lost, doubled or moved (seed ${seed})`, async () => {
    const stress = new ClusterStress(seed, { faultsMs: 12_000, partitions: 2 })
    try {
      await stress.run()
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}\n${stress.describe()}`, { cause: error })
    }
  })
}
