// franz-go, the Go client, through the program in test/go.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { startCluster } from '../rig/cluster.mjs'
import { franzBinary, without } from '../rig/peers.mjs'

const execute = promisify(execFile)

describe('franz-go', { skip: without('franz') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  before(async () => {
    cluster = await startCluster()
    const topics = [{ name: 'go', numPartitions: 3, replicationFactor: 3, assignments: [], configs: [] }]
    await cluster.ask('createTopics', 7, { topics, timeoutMs: 10_000, validateOnly: false })
    await cluster.waitInSync('go')
  })
  after(() => cluster?.stop())

  const franz = async (command, ...args) => {
    const { stdout } = await execute(franzBinary(), [command, cluster.bootstrap, ...args.map(String)], { maxBuffer: 64 * 1024 * 1024 })
    return JSON.parse(stdout)
  }

  test('an idempotent producer with acks=all and every codec; a direct consumer reads each record once, in order', async () => {
    let from = 0
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      assert.deepEqual(await franz('produce', 'go', 1, 1000, codec), { acknowledged: 1000, first: from, last: from + 999 }, codec)
      from += 1000
    }
    const read = await franz('consume', 'go', 1, 0, 5000)
    const wrong = read.findIndex(({ offset, key, value, headers, leaderEpoch }, i) => {
      const n = i % 1000
      return offset !== i || key !== `key-${n}` || value !== `value-${n}` || headers !== 1 || leaderEpoch !== 0
    })
    assert.equal(read.length, 5000)
    assert.equal(wrong, -1, `record ${wrong}: ${JSON.stringify(read[wrong])}`)
  })

  test('a direct consumer starts at the offset it names', async () => {
    const read = await franz('consume', 'go', 1, 4990, 10)
    assert.deepEqual(
      read.map(({ offset }) => offset),
      Array.from({ length: 10 }, (_, i) => 4990 + i),
    )
  })

  test('kadm creates, describes, grows, configures and deletes a topic', async () => {
    assert.deepEqual(await franz('admin', 'go-admin'), {
      brokers: [1, 2, 3],
      cluster: cluster.clusterId,
      sameId: true,
      partitions: 3,
      retention: '60000',
      maxMessage: '60000',
      grown: 5,
      ends: 5,
      logDirs: 3,
      gone: true,
    })
  })
})
