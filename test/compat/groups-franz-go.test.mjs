// Groups of franz-go in both protocols, through the program in test/go.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { startCluster, until } from '../rig/cluster.mjs'
import { liveThrough, sharedBy, Stage, TellingProcess } from '../rig/group-story.mjs'
import { assertExactly, partitionsOf, quickGroups } from '../rig/groups.mjs'
import { franzBinary, without } from '../rig/peers.mjs'

const execute = promisify(execFile)
const flavours = {
  'classic range': { protocol: 'classic', balancer: 'range' },
  'classic cooperative-sticky': { protocol: 'classic', balancer: 'cooperative-sticky' },
  'consumer sticky': { protocol: 'consumer', balancer: 'sticky' },
  'consumer range': { protocol: 'consumer', balancer: 'range' },
}

describe('groups of franz-go', { skip: without('franz') }, () => {
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
  const open = (settings) => {
    opened += 1
    return new TellingProcess(`${settings.group} ${opened}`, [franzBinary(), 'member', cluster.bootstrap, JSON.stringify(settings)])
  }

  for (const [name, flavour] of Object.entries(flavours)) {
    const topic = name.replace(' ', '-')
    test(`${name}: members share, leave and crash; each record is delivered once, in order`, async (t) => {
      await liveThrough(t, { stage, topic, open: () => open({ ...flavour, group: topic, topic }) })
    })
  }

  // in the consumer protocol its goodbye as a static member lacks the instance id, which Kafka 4.3.1 refuses too
  test('classic: a static member restarted has its partitions back without a rebalance', async (t) => {
    const topic = 'static'
    const partitions = partitionsOf(topic, 4)
    await stage.create(topic, 4)
    const member = (instance) => {
      const it = open({ protocol: 'classic', balancer: 'cooperative-sticky', instance, group: topic, topic })
      t.after(() => it.kill())
      return it
    }
    const first = member('i1')
    const second = member('i2')
    await sharedBy([first, second], partitions)
    const owned = first.assignment
    const told = () => second.events.filter(([, list]) => list.length > 0).length
    const before = told()
    await first.close()
    const again = member('i1')
    await sharedBy([again, second], partitions)
    assert.deepEqual(again.assignment, owned)
    await stage.send(topic, 4, 5)
    await until('they have them', () => again.records.length + second.records.length >= 20)
    assertExactly([again, second], partitions, 5)
    assert.equal(told(), before, 'nobody else hears of it')
  })

  for (const [protocol, balancer] of [
    ['classic', 'cooperative-sticky'],
    ['consumer', 'sticky'],
  ]) {
    test(`${protocol}: a pattern takes in what matches`, async (t) => {
      const topic = `pattern-${protocol}`
      await stage.create(topic, 2)
      await stage.send(topic, 2, 5)
      const it = open({ protocol, balancer, group: topic, topic: `^pattern-${protocol}$`, pattern: true })
      t.after(() => it.kill())
      await stage.waitCommitted(topic, topic, 2, 5)
      assertExactly([it], partitionsOf(topic, 2), 5)
      await it.close()
    })

    test(`kadm and a group of the ${protocol} protocol`, async (t) => {
      const topic = `admin-${protocol}`
      await stage.create(topic, 2)
      await stage.send(topic, 2, 10)
      const it = open({ protocol, balancer, group: topic, topic })
      t.after(() => it.kill())
      await stage.waitCommitted(topic, topic, 2, 10)
      await it.close()
      await stage.send(topic, 2, 2, 10)
      const { stdout } = await execute(franzBinary(), ['group-admin', cluster.bootstrap, topic, topic, protocol])
      assert.deepEqual(JSON.parse(stdout), {
        listed: ['Empty', 'consumer'],
        ...(protocol === 'classic' ? { lag: 4 } : { described: ['Empty', 0] }),
        offsets: { [`${topic}-0`]: 10, [`${topic}-1`]: 10 },
        altered: { [`${topic}-0`]: 3, [`${topic}-1`]: 10 },
        removed: { [`${topic}-0`]: 3 },
        again: true,
      })
    })
  }
})
