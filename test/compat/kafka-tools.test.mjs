// The command-line tools of Apache Kafka, unmodified: what they print and the status with which they exit. They run one after the other in
// one Java process where they allow it.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ascending, startCluster, temporaryFolder, until } from '../rig/cluster.mjs'
import { Java, toolProcess } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'

describe("Kafka's tools", { skip: without('java') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  /** @type {Java} */
  let java
  /** @type {string} */
  let folder

  before(async () => {
    cluster = await startCluster()
    java = new Java()
    folder = temporaryFolder('tools')
  })
  after(async () => {
    await java?.stop()
    await cluster?.stop()
  })

  /** Runs a tool against the cluster and expects its status. */
  const runWith = async (status, name, ...args) => {
    const it = await java.tool(name, '--bootstrap-server', cluster.bootstrap, ...args)
    assert.equal(it.status, status, `${name} ${args.join(' ')}\n${it.out}\n${it.err}`)
    return it.out
  }
  const run = (name, ...args) => runWith(0, name, ...args)
  const file = (name, value) => {
    const path = join(folder, name)
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
    return path
  }

  test('broker-api-versions lists every broker with its APIs, and none that the tool does not know', async () => {
    const out = await run('broker-api-versions')
    for (const { id, port } of cluster.nodes)
      assert.match(out, new RegExp(`127\\.0\\.0\\.1:${port} \\(id: ${id} rack: null isFenced: false\\)`))
    assert.match(out, /Produce\(0\): 0 to 13|Produce\(0\): 3 to 13/)
    assert.match(out, /Fetch\(1\): 4 to 18/)
    assert.doesNotMatch(out, /UNKNOWN\(/)
  })

  test('topics creates, lists, describes, alters and deletes', async () => {
    assert.match(
      await run('topics', '--create', '--topic', 'work', '--partitions', '3', '--replication-factor', '3'),
      /Created topic work\./,
    )
    await cluster.waitInSync('work')
    assert.match(await run('topics', '--list'), /^work$/m)
    const out = await run('topics', '--describe', '--topic', 'work')
    assert.match(out, /Topic: work\s+TopicId: \S{22}\s+PartitionCount: 3\s+ReplicationFactor: 3/)
    assert.equal(out.match(/Topic: work\s+Partition: \d\s+Leader: \d\s+Replicas: \d,\d,\d\s+Isr: \d,\d,\d/g)?.length, 3)
    assert.equal(await run('topics', '--describe', '--under-replicated-partitions'), '')
    await run('topics', '--alter', '--topic', 'work', '--partitions', '5')
    await until('five partitions', async () => (await run('topics', '--describe', '--topic', 'work')).includes('PartitionCount: 5'))
    await runWith(1, 'topics', '--create', '--topic', 'work')
    await run('topics', '--create', '--topic', 'work', '--if-not-exists')
    await run('topics', '--create', '--topic', 'short-lived', '--partitions', '1', '--config', 'retention.ms=1000')
    await run('topics', '--delete', '--topic', 'short-lived')
    await until('it is gone', async () => !(await run('topics', '--list')).includes('short-lived'))
    await runWith(1, 'topics', '--describe', '--topic', 'short-lived')
  })

  test('configs describes and alters topics', async () => {
    const topic = ['--entity-type', 'topics', '--entity-name', 'work']
    assert.match(
      await run('configs', '--alter', ...topic, '--add-config', 'retention.ms=3600000,segment.bytes=16777216'),
      /Completed updating config for topic work\./,
    )
    await until('described', async () => (await run('configs', '--describe', ...topic)).includes('retention.ms=3600000 sensitive=false'))
    assert.match(await run('configs', '--describe', '--all', ...topic), /min\.insync\.replicas=2 /)
    await run('configs', '--alter', ...topic, '--delete-config', 'segment.bytes')
    await until('deleted', async () => !(await run('configs', '--describe', ...topic)).includes('segment.bytes'))
    await runWith(1, 'configs', '--alter', ...topic, '--add-config', 'retention.ms=never')
  })

  test('configs describes and alters brokers, one and the default of all', async () => {
    const one = ['--entity-type', 'brokers', '--entity-name', '2']
    assert.match(await run('configs', '--describe', '--all', ...one), /node\.id=2 sensitive=false/)
    await run('configs', '--alter', ...one, '--add-config', 'message.max.bytes=2000000')
    await until('described', async () => (await run('configs', '--describe', ...one)).includes('message.max.bytes=2000000'))
    await run('configs', '--alter', ...one, '--delete-config', 'message.max.bytes')
    const all = ['--entity-type', 'brokers', '--entity-default']
    await run('configs', '--alter', ...all, '--add-config', 'log.retention.ms=86400000')
    await until('described', async () => (await run('configs', '--describe', ...all)).includes('log.retention.ms=86400000'))
    await run('configs', '--alter', ...all, '--delete-config', 'log.retention.ms')
  })

  test('producer-perf sends and reports its rate', async () => {
    const args = ['--topic', 'work', '--num-records', '20000', '--record-size', '100', '--throughput', '-1']
    const it = await java.tool('producer-perf', ...args, '--command-property', `bootstrap.servers=${cluster.bootstrap}`, 'acks=all')
    assert.equal(it.status, 0, it.err)
    assert.match(it.out, /20000 records sent, [\d.]+ records\/sec/)
  })

  test('verifiable-producer gets every message acknowledged', async () => {
    const it = await toolProcess(
      'verifiable-producer',
      '--bootstrap-server',
      cluster.bootstrap,
      '--topic',
      'work',
      '--max-messages',
      '500',
      '--acks',
      '-1',
    )
    assert.equal(it.status, 0, it.err)
    const lines = it.out
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
    assert.equal(lines.filter(({ name }) => name === 'producer_send_success').length, 500)
    assert.equal(lines.filter(({ name }) => name === 'producer_send_error').length, 0)
    assert.equal(lines.find(({ name }) => name === 'tool_data')?.acked, 500)
  })

  test('get-offsets adds up to what was produced', async () => {
    const sum = (text) =>
      text
        .trim()
        .split('\n')
        .reduce((total, line) => total + Number(line.split(':')[2]), 0)
    assert.equal(sum(await run('get-offsets', '--topic', 'work')), 20_500)
    assert.equal(sum(await run('get-offsets', '--topic', 'work', '--time', '-2')), 0)
    assert.match(await run('get-offsets', '--topic-partitions', 'work:0', '--time', '-3'), /^work:0:\d+$/m)
  })

  test('delete-records cuts the beginning of a partition', async () => {
    const request = file('delete.json', { partitions: [{ topic: 'work', partition: 0, offset: 100 }], version: 1 })
    assert.match(await run('delete-records', '--offset-json-file', request), /partition: work-0\s+low_watermark: 100/)
    assert.match(await run('get-offsets', '--topic-partitions', 'work:0', '--time', '-2'), /^work:0:100$/m)
  })

  test('metadata-quorum tells status and replication', async () => {
    const status = await run('metadata-quorum', 'describe', '--status')
    const leader = (await cluster.activeController()).id
    assert.match(status, new RegExp(`LeaderId:\\s+${leader}\n`))
    assert.match(status, new RegExp(`ClusterId:\\s+${cluster.clusterId}\n`))
    assert.match(status, /HighWatermark:\s+[1-9]\d*\n/)
    assert.match(status, /CurrentVoters:\s+\[.*"id": 1.*"id": 2.*"id": 3.*\]/)
    const replication = await run('metadata-quorum', 'describe', '--replication')
    assert.match(replication, /^NodeId\s+DirectoryId\s+LogEndOffset\s+Lag\s+LastFetchTimestamp\s+LastCaughtUpTimestamp\s+Status/m)
    assert.equal(replication.match(/\sLeader\s*$/gm)?.length, 1)
    assert.equal(replication.match(/\sFollower\s*$/gm)?.length, 2)
  })

  test('reassign-partitions plans, executes, verifies and lists', async () => {
    const partitions = await cluster.partitions('work')
    const moved = partitions
      .slice(0, 2)
      .map(({ partition, replicas }) => ({ topic: 'work', partition, replicas: [replicas[1], replicas[2]] }))
    const plan = file('reassign.json', { version: 1, partitions: moved })
    assert.match(
      await run('reassign-partitions', '--execute', '--reassignment-json-file', plan),
      /Successfully started partition reassignments for work-0,work-1/,
    )
    await until('it is complete', async () => {
      const out = await run('reassign-partitions', '--verify', '--reassignment-json-file', plan)
      return out.match(/Reassignment of partition work-\d is completed\./g)?.length === 2
    })
    assert.match(await run('reassign-partitions', '--list'), /No partition reassignments found\./)
    for (const { partition, replicas } of moved) assert.deepEqual((await cluster.partitions('work'))[partition]?.replicas, replicas)
    const back = file('back.json', {
      version: 1,
      partitions: moved.map(({ partition }) => ({ topic: 'work', partition, replicas: partitions[partition]?.replicas })),
    })
    await run('reassign-partitions', '--execute', '--reassignment-json-file', back)
    await cluster.waitInSync('work')
    await until('the replicas are back', async () => (await cluster.partitions('work'))[0]?.isr.length === 3)
    const topics = file('topics.json', { version: 1, topics: [{ topic: 'work' }] })
    assert.match(
      await run('reassign-partitions', '--generate', '--topics-to-move-json-file', topics, '--broker-list', '1,2,3'),
      /Proposed partition reassignment configuration/,
    )
  })

  test('leader-election brings the preferred leader back', async () => {
    // a reassignment that only changes the order leaves the leader where it is
    const before = (await cluster.partitions('work'))[2]
    assert.ok(before !== undefined)
    const replicas = [before.replicas[1], before.replicas[0], before.replicas[2]]
    const plan = file('order.json', { version: 1, partitions: [{ topic: 'work', partition: 2, replicas }] })
    await run('reassign-partitions', '--execute', '--reassignment-json-file', plan)
    await until('the order is changed', async () => (await cluster.partitions('work'))[2]?.replicas[0] === replicas[0])
    const leader = (await cluster.partitions('work'))[2]?.leader
    const out = await run('leader-election', '--election-type', 'preferred', '--topic', 'work', '--partition', '2')
    if (leader !== replicas[0]) assert.match(out, /Successfully completed leader election \(PREFERRED\) for partitions work-2/)
    await until('the preferred replica leads', async () => (await cluster.partitions('work'))[2]?.leader === replicas[0])
    const again = await run('leader-election', '--election-type', 'preferred', '--topic', 'work', '--partition', '2')
    assert.match(again, /Valid replica already elected for partitions work-2/)
    await run('leader-election', '--election-type', 'preferred', '--all-topic-partitions')
  })

  test('log-dirs shows every replica with its size', async () => {
    const out = await run('log-dirs', '--describe', '--topic-list', 'work', '--broker-list', '1,2,3')
    const line = out.split('\n').find((text) => text.startsWith('{'))
    const { brokers } = JSON.parse(line ?? '{}')
    assert.deepEqual(brokers.map(({ broker }) => broker).sort(ascending), [1, 2, 3])
    for (const { logDirs } of brokers) {
      assert.equal(logDirs.length, 1)
      assert.equal(logDirs[0].error, null)
      assert.deepEqual(logDirs[0].partitions.map(({ partition }) => partition).sort(), ['work-0', 'work-1', 'work-2', 'work-3', 'work-4'])
      assert.ok(logDirs[0].partitions.every(({ size, offsetLag, isFuture }) => size > 0 && offsetLag === 0 && !isFuture))
    }
  })

  test('cluster and features tell the cluster id, the metadata version and that the consumer protocol is allowed', async () => {
    const it = await java.tool('cluster', 'cluster-id', '--bootstrap-server', cluster.bootstrap)
    assert.match(it.out, new RegExp(`Cluster ID: ${cluster.clusterId}`))
    const features = await run('features', 'describe')
    assert.match(features, /Feature: metadata\.version\s+SupportedMinVersion: \S+\s+SupportedMaxVersion: \S+\s+FinalizedVersionLevel: \S+/)
    assert.match(features, /Feature: group\.version\s+SupportedMinVersion: 0\s+SupportedMaxVersion: 1\s+FinalizedVersionLevel: 1\s/)
    assert.match(
      features,
      /Feature: eligible\.leader\.replicas\.version\s+SupportedMinVersion: 0\s+SupportedMaxVersion: 1\s+FinalizedVersionLevel: 1\s/,
    )
  })

  test('topics tells who is eligible to lead while the in-sync set is too small, and features how to do without', async () => {
    const topic = ['--topic', 'trusted']
    await run('topics', '--create', ...topic, '--partitions', '1', '--replication-factor', '3', '--config', 'min.insync.replicas=3')
    await cluster.waitInSync('trusted')
    const described = () => run('topics', '--describe', ...topic)
    assert.match(await described(), /Isr: \d,\d,\d\s+Elr:\s+LastKnownElr:\s/)
    const [, leader] = /Leader: (\d)/.exec(await described()) ?? []
    const node = cluster.nodes.find(({ id }) => String(id) !== leader)
    node.kill()
    await node.waitDown()
    const eligible = new RegExp(`Isr: \\d,\\d\\s+Elr: ${node.id}\\s+LastKnownElr:\\s`)
    await until('who was killed is eligible', async () => eligible.test(await described()))
    assert.match(await run('topics', '--describe', '--under-min-isr-partitions'), /Topic: trusted/)
    await node.restart()
    await cluster.waitInSync('trusted')
    assert.match(await described(), /Isr: \d,\d,\d\s+Elr:\s+LastKnownElr:\s/)
    const level = (number) => ['--feature', `eligible.leader.replicas.version=${number}`]
    await run('features', 'downgrade', ...level(0))
    await run('features', 'upgrade', ...level(1))
  })
})
