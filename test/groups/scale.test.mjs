// A hundred members rebalance, and two hundred groups live beside one another; how long it takes is told, and judged where the machine has nothing else
// to do: `node test/groups/scale.mjs` does the same with thousands.
import { after, before, describe, test } from 'node:test'
import { startCluster, underTest } from '../rig/cluster.mjs'
import { without } from '../rig/peers.mjs'
import { ClassicCrowd, ConsumerCrowd, makeTopic, ManyGroups } from './crowd.mjs'

describe('groups of many', { skip: underTest === 'kafka' && without('java') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  before(async () => {
    const properties = {
      'group.initial.rebalance.delay.ms': 500,
      'group.consumer.min.heartbeat.interval.ms': 100,
      'offsets.topic.num.partitions': 5,
    }
    cluster = await startCluster({ properties })
    await makeTopic(cluster, 'crowd', 200)
    await makeTopic(cluster, 'single', 1)
  })
  after(() => cluster?.stop())

  test('a hundred classic members have their shares soon after the last join', async (t) => {
    const crowd = new ClassicCrowd(cluster, 'classic', 'crowd', 200, 100)
    await crowd.rebalance()
    const { lastJoinToSyncedMs } = await crowd.rebalance()
    await crowd.beat()
    crowd.close()
    t.diagnostic(`${lastJoinToSyncedMs.toFixed(0)} ms`)
  })

  test('a hundred members of a consumer group have their shares soon after the last has joined', async (t) => {
    const crowd = new ConsumerCrowd(cluster, 'consumer', 'crowd', 200, 100)
    const { lastJoinToStableMs } = await crowd.grow()
    await crowd.leave()
    t.diagnostic(`${lastJoinToStableMs.toFixed(0)} ms`)
  })

  for (const protocol of /** @type {const} */ (['classic', 'consumer'])) {
    test(`two hundred ${protocol} groups of one member live and commit`, async (t) => {
      const groups = new ManyGroups(cluster, `many-${protocol}`, 'single', 200, protocol)
      const ms = await groups.start()
      const latencies = await groups.commits(2)
      groups.close()
      t.diagnostic(`all live after ${ms.toFixed(0)} ms; a commit took at most ${Math.max(...latencies).toFixed(1)} ms`)
    })
  }
})
