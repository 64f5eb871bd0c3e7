// Groups of librdkafka in both protocols (confluent-kafka, whose wheel brings its own) and of kafka-python, through the programs in test/python.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { startCluster, until } from '../rig/cluster.mjs'
import { liveThrough, sharedBy, Stage, TellingProcess } from '../rig/group-story.mjs'
import { assertExactly, partitionsOf, quickGroups } from '../rig/groups.mjs'
import { pythonProgram, without } from '../rig/peers.mjs'

const execute = promisify(execFile)
const quick = { 'session.timeout.ms': 3000, 'heartbeat.interval.ms': 200 }
const flavours = {
  'librdkafka classic': { client: 'confluent-kafka', settings: { 'group.protocol': 'classic', ...quick } },
  'librdkafka classic, cooperative-sticky': {
    client: 'confluent-kafka',
    settings: { 'group.protocol': 'classic', 'partition.assignment.strategy': 'cooperative-sticky', ...quick },
  },
  'librdkafka consumer': { client: 'confluent-kafka', settings: { 'group.protocol': 'consumer' } },
  'kafka-python': { client: 'kafka-python', settings: { session_timeout_ms: 3000, heartbeat_interval_ms: 200 } },
}

async function takesIn(member, partitions) {
  const hasAll = () => partitions.every((it) => member.assignment.includes(it))
  return until('it has all', hasAll, { timeoutMs: 8_000 }).then(
    () => true,
    () => false,
  )
}

describe('groups of Python clients', { skip: without('python') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  /** @type {Stage} */
  let stage
  before(async () => {
    cluster = await startCluster({ properties: quickGroups })
    stage = new Stage(cluster)
  })
  after(async () => {
    await stage?.close()
    await cluster?.stop()
  })

  let opened = 0
  const open = (client, group, topic, settings) => {
    opened += 1
    const argv = pythonProgram('member.py', client, cluster.bootstrap, group, topic, JSON.stringify(settings))
    return new TellingProcess(`${group} ${opened}`, argv)
  }

  for (const [name, { client, settings }] of Object.entries(flavours)) {
    const topic = name.replaceAll(/[^a-z]+/g, '-')
    test(`${name}: members share, leave and crash; each record is delivered once, in order`, async (t) => {
      await liveThrough(t, { stage, topic, open: () => open(client, topic, topic, settings) })
    })

    test(`${name}: a pattern takes in what matches, and a topic that comes later`, async (t) => {
      await stage.create(`${topic}.one`, 1)
      const it = open(client, `${topic}-pattern`, `^${topic}\\..*`, settings)
      t.after(() => it.kill())
      await sharedBy([it], [`${topic}.one-0`])
      await stage.send(`${topic}.one`, 1, 5)
      await stage.waitCommitted(`${topic}-pattern`, `${topic}.one`, 1, 5)
      if (settings['group.protocol'] === 'consumer') return // its coordinator looks for new topics every ten seconds; see groups-java
      await stage.create(`${topic}.two`, 2)
      const all = [`${topic}.one-0`, ...partitionsOf(`${topic}.two`, 2)]
      if (client === 'kafka-python' && !(await takesIn(it, all))) {
        // It takes its own assignment for one of all that it knows by then, and does not join again for what it heard of between the two; the next topic mends it
        t.diagnostic('kafka-python has missed a topic while it joined')
        await stage.create(`${topic}.three`, 1)
        all.push(`${topic}.three-0`)
        await stage.send(`${topic}.three`, 1, 5)
      }
      await sharedBy([it], all)
      await stage.send(`${topic}.two`, 2, 5)
      await until('it has them', () => it.records.length >= 5 * all.length)
      assertExactly([it], all, 5)
      await it.close()
    })
  }

  for (const protocol of ['classic', 'consumer']) {
    test(`librdkafka ${protocol}: a static member restarted has its partitions back without a rebalance`, async (t) => {
      const topic = `static-${protocol}`
      const partitions = partitionsOf(topic, 4)
      await stage.create(topic, 4)
      const session = protocol === 'classic' ? { 'session.timeout.ms': 20_000, 'heartbeat.interval.ms': 200 } : {}
      const member = (id) => {
        const it = open('confluent-kafka', topic, topic, { 'group.protocol': protocol, 'group.instance.id': id, ...session })
        t.after(() => it.kill())
        return it
      }
      const first = member('i1')
      const second = member('i2')
      await sharedBy([first, second], partitions)
      const owned = first.assignment
      const { length } = second.events
      await first.close()
      const again = member('i1')
      await sharedBy([again, second], partitions)
      assert.deepEqual(again.assignment, owned)
      await stage.send(topic, 4, 5)
      await until('they have them', () => again.records.length + second.records.length >= 20)
      assertExactly([again, second], partitions, 5)
      assert.equal(second.events.length, length, 'nobody else hears of it')
    })

    test(`librdkafka's AdminClient and a group of the ${protocol} protocol`, async (t) => {
      const topic = `admin-${protocol}`
      await stage.create(topic, 2)
      await stage.send(topic, 2, 10)
      const it = open('confluent-kafka', topic, topic, { 'group.protocol': protocol })
      t.after(() => it.kill())
      await stage.waitCommitted(topic, topic, 2, 10)
      await it.close()
      const [program = '', ...args] = pythonProgram('admin.py', cluster.bootstrap, topic, topic)
      const { stdout } = await execute(program, args)
      const kind = protocol.toUpperCase()
      assert.deepEqual(JSON.parse(stdout), {
        listed: ['EMPTY', kind, false],
        errors: 0,
        described: ['EMPTY', kind, 0],
        offsets: { [`${topic}-0`]: 10, [`${topic}-1`]: 10 },
        altered: { [`${topic}-0`]: 3, [`${topic}-1`]: 10 },
        again: 'GROUP_ID_NOT_FOUND',
      })
    })
  }
})
