// The partition of __consumer_offsets that Apache Kafka wrote is put in place of ours, and ours in place of Kafka's: whoever coordinates from it
// then tells the same of every group. And Kafka's dump-log reads ours. Needs Kafka's jars and Java.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startCluster, temporaryFolder, until } from '../rig/cluster.mjs'
import { jarsFolder, log4j, without } from '../rig/peers.mjs'
import { ClassicMember, ConsumerMember, coordinatorOf, readOffsets } from '../rig/raw-groups.mjs'

const topic = 'work'
const partitions = [0, 1, 2]
const offsetsFolder = '__consumer_offsets-0'
const properties = {
  'offsets.topic.num.partitions': 1,
  'group.initial.rebalance.delay.ms': 0,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
}
const groupIds = ['classic-live', 'classic-left', 'consumer-live', 'simple', 'gone']

/** @typedef {Awaited<ReturnType<typeof startCluster>>} Cluster */

/** @param {'kafka' | 'odradek'} kind */
const start = (kind) => startCluster({ kind, nodes: 1, properties })

/** The reader does not have the topic: its id would be another one, and offsets of another topic are nobody's. @param {Cluster} cluster */
async function makeTopic(cluster) {
  await cluster.ask('createTopics', 7, {
    topics: [{ name: topic, numPartitions: partitions.length, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  })
  await cluster.waitInSync(topic)
}

/** Groups of every kind, in every state that a log can hold. @param {Cluster} cluster */
async function live(cluster) {
  await makeTopic(cluster)
  const classic = { topics: [topic], partitionsOf: { [topic]: partitions.length } }
  const stays = new ClassicMember(cluster, 'classic-live', classic)
  await stays.enter()
  assert.equal(await stays.commit(topic, { 0: 10, 1: 11 }), 0)
  assert.equal(await stays.commit(topic, { 0: 12 }), 0)
  const leaves = new ClassicMember(cluster, 'classic-left', classic)
  await leaves.enter()
  assert.equal(await leaves.commit(topic, { 2: 5 }), 0)
  await leaves.leave()
  const members = ['a', 'b'].map((memberId) => new ConsumerMember(cluster, 'consumer-live', { memberId, topics: [topic] }))
  await until('the members share the partitions', async () => {
    for (const member of members) assert.equal(await member.beat(), 0)
    return (
      members.every((member) => member.ownedNames.length > 0) && members.flatMap((member) => member.ownedNames).length === partitions.length
    )
  })
  for (const member of members) {
    const own = member.owned.values().next().value ?? []
    assert.equal(await member.commit(topic, Object.fromEntries(own.map((partition) => [partition, 100 + partition]))), 0)
  }
  for (const group of ['simple', 'gone']) await commitAlone(cluster, group, { 1: 77 })
  await cluster.ask('deleteGroups', 2, { groupsNames: ['gone'] })
  for (const member of [stays, ...members]) member.close()
}

/** Without being a member of anything. @param {Cluster} cluster */
async function commitAlone(cluster, groupId, offsets) {
  await coordinatorOf(cluster, groupId)
  const list = Object.entries(offsets).map(([partition, committedOffset]) => ({
    partitionIndex: Number(partition),
    committedOffset,
    committedMetadata: 'by hand',
  }))
  const answer = await cluster.ask('offsetCommit', 9, { groupId, topics: [{ name: topic, partitions: list }] })
  assert.deepEqual(
    answer.topics[0].partitions.map(({ errorCode }) => errorCode),
    list.map(() => 0),
  )
}

/** What the coordinator says of all groups; topics by name, as their ids are others in another cluster. @param {Cluster} cluster */
async function told(cluster) {
  const offsets = {}
  for (const group of groupIds) offsets[group] = (await readOffsets(cluster, group, topic, partitions)).offsets
  const { groups: listed } = await cluster.ask('listGroups', 5, {})
  const { groups: classic } = await cluster.ask('describeGroups', 6, { groups: ['classic-live', 'classic-left', 'simple'] })
  const { groups: consumer } = await cluster.ask('consumerGroupDescribe', 1, { groupIds: ['consumer-live'] })
  return {
    offsets,
    listed: listed.map(({ groupId, protocolType, groupType }) => [groupId, protocolType, groupType]).sort(),
    classic: classic.map((group) => ({
      ...group,
      members: group.members.map((member) => ({
        ...member,
        memberMetadata: member.memberMetadata.toString('hex'),
        memberAssignment: member.memberAssignment.toString('hex'),
      })),
    })),
    consumer: consumer.map(({ groupId, groupEpoch, assignmentEpoch, members }) => ({
      groupId,
      groupEpoch,
      assignmentEpoch,
      members: members
        .map(({ memberId, memberEpoch, subscribedTopicNames, clientId }) => ({ memberId, memberEpoch, subscribedTopicNames, clientId }))
        .sort((a, b) => (a.memberId < b.memberId ? -1 : 1)),
    })),
  }
}

/** The files of the one partition of groups, but for what says whose they are. */
function carry(from, to) {
  for (const name of readdirSync(to)) if (name !== 'partition.metadata') rmSync(join(to, name), { recursive: true })
  for (const name of readdirSync(from)) if (name !== 'partition.metadata') cpSync(join(from, name), join(to, name))
}

/** @param {Cluster} cluster */
const filesOf = (cluster) => join(cluster.folder, 'data-1', offsetsFolder)

/** Its process dies, so nothing it wrote about its files is believed at the next start. @param {Cluster} cluster */
async function kill(cluster) {
  const [node] = cluster.nodes
  node.kill('SIGKILL')
  await node.waitDown()
  return node
}

describe('the groups of Kafka and ours are the same on disk', { skip: without('java') }, () => {
  for (const [from, to] of [
    ['kafka', 'odradek'],
    ['odradek', 'kafka'],
  ]) {
    test(`what ${from} wrote is what ${to} coordinates from`, async () => {
      const writer = await start(from)
      const folder = temporaryFolder('carried')
      let expected
      try {
        await live(writer)
        expected = await told(writer)
        await kill(writer)
        cpSync(filesOf(writer), join(folder, offsetsFolder), { recursive: true })
      } finally {
        await writer.stop()
      }
      const reader = await start(to)
      try {
        await readOffsets(reader, 'first', topic, [0])
        const node = await kill(reader)
        carry(join(folder, offsetsFolder), filesOf(reader))
        await node.restart()
        await reader.waitReady()
        assert.deepEqual(await told(reader), expected)
      } finally {
        await reader.stop()
        rmSync(folder, { recursive: true })
      }
    })
  }

  test("Kafka's dump-log reads every record that we write", async () => {
    const cluster = await start('odradek')
    try {
      await live(cluster)
      await kill(cluster)
      const log = join(filesOf(cluster), '00000000000000000000.log')
      const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${log4j('log4j2.yaml')}`]
      const command = [
        ...jvm,
        '-cp',
        join(jarsFolder(), '*'),
        'org.apache.kafka.tools.DumpLogSegments',
        '--offsets-decoder',
        '--deep-iteration',
        '--files',
        log,
      ]
      const { status, stdout, stderr } = spawnSync('java', command, { encoding: 'utf8', maxBuffer: 1 << 28 })
      assert.equal(status, 0, stderr)
      const lines = stdout.split('\n').filter((line) => line.startsWith('|'))
      assert.ok(lines.length > 20, stdout)
      for (const line of lines) assert.match(line, /key: \{"type":"\d+","data":\{.*payload: (\{"version":"\d+","data":\{|<DELETE>|null)/)
      for (const type of [1, 2, 3, 5, 6, 7, 8])
        assert.ok(
          lines.some((line) => line.includes(`"type":"${type}"`)),
          `a record of type ${type}`,
        )
      assert.doesNotMatch(stdout, /Could not|Error|corrupt/i)
    } finally {
      await cluster.stop()
    }
  })
})
