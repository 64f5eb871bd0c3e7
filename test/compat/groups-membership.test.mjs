// Who is a member of a group, and what that brings it: assignors of the client and of the coordinator, static members, leaving and staying,
// and groups that change their protocol while they work. All with KafkaConsumer.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startCluster, until } from '../rig/cluster.mjs'
import { assertExactly, assertInOrder, fill, Opener, partitionsOf, quickGroups, quickMember, shareOut, together } from '../rig/groups.mjs'
import { Java } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'

const clientAssignor = (name) => ({
  ...quickMember.classic,
  'partition.assignment.strategy': `org.apache.kafka.clients.consumer.${name}Assignor`,
})

describe('membership of KafkaConsumer', { skip: without('java') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  /** @type {Java} */
  let java
  /** @type {Opener} */
  let opener
  /** @param {string} what @param {object} options */
  const run = (what, options) => java.run(what, { bootstrap: cluster.bootstrap, ...options })
  const create = async (topic, partitions) => {
    await run('createTopic', { topic, partitions })
    await cluster.waitInSync(topic)
  }
  const send = (topic, partitions, count, from = 0) => fill(java, cluster.bootstrap, topic, partitions, count, from)
  const group = async (name) => (await run('describeGroups', { groups: [name] }))[name]
  const committed = async (name) =>
    Object.fromEntries(
      Object.entries((await run('groupOffsets', { groups: [name] }))[name]).map(([partition, it]) => [partition, it.offset]),
    )

  before(async () => {
    cluster = await startCluster({ properties: quickGroups })
    java = new Java()
    opener = new Opener(java, cluster.bootstrap)
  })
  after(async () => {
    await java?.stop()
    await cluster?.stop()
  })

  for (const [name, props] of Object.entries({
    CooperativeStickyAssignor: clientAssignor('CooperativeSticky'),
    'group.protocol=consumer': quickMember.consumer,
  })) {
    test(`${name}: what stays with a member is never revoked`, async (t) => {
      const topic = `stays-${name.length}`
      const partitions = partitionsOf(topic, 6)
      await create(topic, 6)
      const options = { topics: [topic], commit: 'sync', props }
      const a = await opener.open(t, topic, options)
      await a.owns(partitions)
      await send(topic, 6, 10)
      await a.has(60)
      const b = await opener.open(t, topic, options)
      const [kept, moved] = await shareOut([a, b], partitions)
      const given = a.last.events.filter(([what, list]) => what !== 'assigned' && list.length > 0)
      assert.deepEqual(
        given.map(([what]) => what),
        given.map(() => 'revoked'),
      )
      assert.deepEqual(given.flatMap(([, list]) => list).sort(), moved, 'only what moved was revoked')
      await send(topic, 6, 10, 10)
      await together([a, b], 120)
      assertExactly([a, b], partitions, 20)
      const before = a.last.events.length
      await b.close()
      await a.owns(partitions)
      const later = a.last.events.slice(before)
      assert.ok(
        later.every(([what]) => what === 'assigned'),
        JSON.stringify(later),
      )
      assert.deepEqual(later.flatMap(([, list]) => list).sort(), moved, 'only what came was assigned')
      assert.equal(kept.length, 3)
      await send(topic, 6, 10, 20)
      await together([a, b], 180)
      assertExactly([a, b], partitions, 30)
      assertInOrder(a, b)
    })
  }

  const shapes = {
    Range: { props: clientAssignor('Range'), sizes: [2, 4], reported: 'range' },
    RoundRobin: { props: clientAssignor('RoundRobin'), sizes: [3, 3], reported: 'roundrobin' },
    Sticky: { props: clientAssignor('Sticky'), sizes: [3, 3], reported: 'sticky' },
    'remote range': { props: { ...quickMember.consumer, 'group.remote.assignor': 'range' }, sizes: [2, 4], reported: 'range' },
    'remote uniform': { props: { ...quickMember.consumer, 'group.remote.assignor': 'uniform' }, sizes: [3, 3], reported: 'uniform' },
  }
  test('assignors of the client and of the coordinator: two topics of three partitions in two members', async (t) => {
    await create('shape-x', 3)
    await create('shape-y', 3)
    for (const [name, { props, sizes, reported }] of Object.entries(shapes)) {
      const id = `shape-${name.replace(' ', '-')}`
      const members = []
      for (let i = 0; i < 2; i += 1) members.push(await opener.open(t, id, { topics: ['shape-x', 'shape-y'], props }))
      await until(`${name} gives ${sizes.join(' and ')}`, async () => {
        const states = await Promise.all(members.map((it) => it.state()))
        const owned = states.flatMap(({ assignment }) => assignment)
        return (
          new Set(owned).size === 6 &&
          owned.length === 6 &&
          states
            .map(({ assignment }) => assignment.length)
            .sort((x, y) => x - y)
            .join() === sizes.join()
        )
      })
      if (reported === 'range') {
        // the same partitions of both topics go to the same member
        for (const { last } of members) {
          const of = (topic) => last.assignment.filter((it) => it.startsWith(topic)).map((it) => it.slice(-1))
          assert.deepEqual(of('shape-x'), of('shape-y'))
        }
      }
      assert.equal((await group(id)).assignor, reported, name)
      for (const it of members) await it.close()
    }
  })

  test('an assignor that the coordinator does not have, and members without a common one, are refused', async (t) => {
    const odd = await opener.open(t, 'odd', {
      topics: ['shape-x'],
      props: { ...quickMember.consumer, 'group.remote.assignor': 'nonsense' },
    })
    await odd.fails(/UnsupportedAssignorException/)
    const range = await opener.open(t, 'mixed', { topics: ['shape-x'], props: clientAssignor('Range') })
    await range.owns(partitionsOf('shape-x', 3))
    const sticky = await opener.open(t, 'mixed', { topics: ['shape-x'], props: clientAssignor('Sticky') })
    await sticky.fails(/InconsistentGroupProtocolException/)
    await range.owns(partitionsOf('shape-x', 3))
  })

  test('client.rack is told to the coordinator', async (t) => {
    const it = await opener.open(t, 'racked', { topics: ['shape-x'], props: { ...quickMember.consumer, 'client.rack': 'left' } })
    await it.owns(partitionsOf('shape-x', 3))
    assert.equal((await group('racked')).members[0].rack, 'left')
    const classic = await opener.open(t, 'racked-classic', {
      topics: ['shape-x'],
      props: { ...quickMember.classic, 'client.rack': 'left' },
    })
    await classic.owns(partitionsOf('shape-x', 3))
  })

  for (const protocol of ['classic', 'consumer']) {
    describe(`static members, group.protocol=${protocol}`, () => {
      const named = (name) => `static-${protocol}-${name}`
      const fixed = (id, more = {}) => ({ ...quickMember[protocol], 'group.instance.id': id, ...more })

      test('restarted within its session a static member has its partitions back, and nobody else hears of it', async (t) => {
        const topic = named('restart')
        const partitions = partitionsOf(topic, 4)
        await create(topic, 4)
        const patient = { 'session.timeout.ms': '20000' }
        const options = (id) => ({ topics: [topic], commit: 'sync', props: protocol === 'classic' ? fixed(id, patient) : fixed(id) })
        const first = await opener.open(t, topic, options('i1'))
        const second = await opener.open(t, topic, options('i2'))
        const [owned] = await shareOut([first, second], partitions)
        await send(topic, 4, 10)
        await together([first, second], 40)
        await until('all is committed', async () => Object.values(await committed(topic)).filter((it) => it === 10).length === 4)
        const { generation, events } = await second.state()
        await first.close()
        const again = await opener.open(t, topic, options('i1'))
        await again.owns(owned)
        await send(topic, 4, 10, 10)
        await together([first, second, again], 80)
        assertExactly([first, second, again], partitions, 20)
        assert.equal(second.last.generation, generation, 'no rebalance')
        assert.deepEqual(second.last.events, events)
        const { members } = await group(topic)
        assert.deepEqual(members.map(({ instance }) => instance).sort(), ['i1', 'i2'])
      })

      test('of two with the same instance id one is refused', async (t) => {
        const topic = named('twice')
        await create(topic, 1)
        const options = { topics: [topic], props: fixed('same') }
        const first = await opener.open(t, topic, options)
        await first.owns([`${topic}-0`])
        const second = await opener.open(t, topic, options)
        if (protocol === 'classic') {
          await first.fails(/FencedInstanceIdException/)
          await second.owns([`${topic}-0`])
        } else {
          await second.fails(/UnreleasedInstanceIdException/)
          await first.owns([`${topic}-0`])
        }
      })

      test('a static member that says that it leaves, or that is silent too long, is replaced by the others', async (t) => {
        const topic = named('leaves')
        const partitions = partitionsOf(topic, 3)
        await create(topic, 3)
        const open = (id) => opener.open(t, topic, { topics: [topic], props: fixed(id) })
        const stays = await open('stays')
        const leaves = await open('leaves')
        const silent = await open('silent')
        await shareOut([stays, leaves, silent], partitions)
        await leaves.close('leave')
        await shareOut([stays, silent], partitions)
        await silent.close('remain')
        assert.deepEqual((await group(topic)).members.map(({ instance }) => instance).sort(), ['silent', 'stays'])
        await stays.owns(partitions)
        assert.deepEqual(
          (await group(topic)).members.map(({ instance }) => instance),
          ['stays'],
        )
      })
    })
  }

  test('a live group goes from classic to consumer and back, without losing an offset or reading a record twice', async (t) => {
    const topic = 'migrates'
    const partitions = partitionsOf(topic, 6)
    await create(topic, 6)
    const open = (protocol) => opener.open(t, topic, { topics: [topic], commit: 'sync', props: quickMember[protocol] })
    const members = []
    let sent = 0
    const step = async (type, upgraded, ...present) => {
      for (const it of present) if (!members.includes(it)) members.push(it)
      await shareOut(present, partitions)
      await send(topic, 6, 5, sent)
      sent += 5
      await together(members, 6 * sent)
      assertExactly(members, partitions, sent)
      await until('all is committed', async () => Object.values(await committed(topic)).filter((it) => it === sent).length === 6)
      const it = await group(topic)
      assert.equal(it.type, type)
      assert.deepEqual(it.members.map((member) => member.upgraded).sort(), upgraded)
      assert.deepEqual(it.members.flatMap(({ assignment }) => assignment).sort(), partitions)
      for (const one of present) assert.deepEqual(one.last.commitErrors, [])
    }
    const oldA = await open('classic')
    const oldB = await open('classic')
    await step('Classic', [null, null], oldA, oldB)
    const newA = await open('consumer')
    await step('Consumer', [false, false, true], oldA, oldB, newA)
    await oldA.close()
    const newB = await open('consumer')
    await step('Consumer', [false, true, true], oldB, newA, newB)
    await oldB.close()
    await step('Consumer', [true, true], newA, newB)
    const backA = await open('classic')
    await step('Consumer', [false, true, true], newA, newB, backA)
    await newA.close()
    const backB = await open('classic')
    await step('Consumer', [false, false, true], newB, backA, backB)
    await newB.close()
    await step('Classic', [null, null], backA, backB)
    assertInOrder(...members)
  })
})
