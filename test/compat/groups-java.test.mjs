// Kafka's own KafkaConsumer subscribing in groups, in both protocols: what is delivered, what is committed, who takes over.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startCluster, until } from '../rig/cluster.mjs'
import { assertExactly, assertInOrder, fill, Opener, partitionsOf, quickGroups, quickMember, shareOut, together } from '../rig/groups.mjs'
import { Java } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'

describe('KafkaConsumer in groups', { skip: without('java') }, () => {
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
  /** Partition → committed offset, as the coordinator tells it. */
  const committed = async (group) =>
    Object.fromEntries(Object.entries((await run('groupOffsets', { groups: [group] }))[group]).map(([name, it]) => [name, it.offset]))
  const all = (partitions, offset) => Object.fromEntries(partitions.map((name) => [name, offset]))

  before(async () => {
    cluster = await startCluster({ properties: quickGroups })
    java = new Java()
    opener = new Opener(java, cluster.bootstrap)
  })
  after(async () => {
    await java?.stop()
    await cluster?.stop()
  })

  /** @type {import('../rig/groups.mjs').Member} stays until the last test: the coordinator looks for new topics every ten seconds */
  let regular
  test('a pattern in RE2 is matched by the coordinator; one that is none is refused', async (t) => {
    const invalid = await opener.open(t, 're2-invalid', { re2: 're2-(', props: quickMember.consumer })
    await invalid.fails(/InvalidRegularExpression/)
    await create('re2-a', 2)
    regular = await opener.open({ after() {} }, 're2', { re2: 're2-[a-c]', commit: 'sync', props: quickMember.consumer })
    await regular.owns(['re2-a-0', 're2-a-1'])
    await create('re2-b', 1)
    await create('re2-bb', 1)
  })

  for (const protocol of ['classic', 'consumer']) {
    describe(`group.protocol=${protocol}`, () => {
      const named = (name) => `${protocol}-${name}`
      const member = (more = {}) => ({ props: { ...quickMember[protocol], ...more } })

      test('subscribe and commitSync: every record once and in order; the next of the group begins at the committed offset', async (t) => {
        const topic = named('plain')
        const partitions = partitionsOf(topic, 3)
        await create(topic, 3)
        await send(topic, 3, 50)
        const first = await opener.open(t, named('g'), { topics: [topic], commit: 'sync', ...member() })
        await first.owns(partitions)
        await first.has(150)
        assertExactly([first], partitions, 50)
        assertInOrder(first)
        await until(
          'all is committed',
          async () => (await first.state()).commits > 0 && Object.values(await committed(named('g'))).every((it) => it === 50),
        )
        assert.deepEqual(await committed(named('g')), all(partitions, 50))
        await first.close()
        assert.deepEqual(first.last.commitErrors, [])
        await send(topic, 3, 10, 50)
        const second = await opener.open(t, named('g'), { topics: [topic], commit: 'sync', ...member({ 'auto.offset.reset': 'none' }) })
        await second.has(30)
        assertExactly([first, second], partitions, 60)
        await second.close()
        assert.deepEqual(await committed(named('g')), all(partitions, 60))
      })

      test('commitAsync and auto commit arrive too', async (t) => {
        const topic = named('async')
        const partitions = partitionsOf(topic, 2)
        await create(topic, 2)
        await send(topic, 2, 40)
        const patient = await opener.open(t, named('async'), { topics: [topic], commit: 'async', ...member() })
        const auto = member({ 'enable.auto.commit': 'true', 'auto.commit.interval.ms': '100' })
        const automatic = await opener.open(t, named('auto'), { topics: [topic], ...auto })
        for (const [group, one] of Object.entries({ [named('async')]: patient, [named('auto')]: automatic })) {
          await one.has(80)
          assertExactly([one], partitions, 40)
          await until(`${group} has committed`, async () => Object.values(await committed(group)).filter((it) => it === 40).length === 2)
        }
        assert.deepEqual(patient.last.commitErrors, [])
        // what was polled last is committed by close(), without a wait for the interval
        const slow = await opener.open(t, named('auto-slow'), { topics: [topic], ...member({ 'enable.auto.commit': 'true' }) })
        await slow.has(80)
        await slow.close()
        assert.deepEqual(await committed(named('auto-slow')), all(partitions, 40))
      })

      test('position, seek and committed with metadata; a partition without a commit has none', async (t) => {
        const topic = named('seek')
        const [zero, one] = partitionsOf(topic, 2)
        await create(topic, 2)
        await send(topic, 2, 20)
        const it = await opener.open(t, named('seek'), { topics: [topic], ...member() })
        await it.has(40)
        assert.deepEqual(await it.act('positions'), { [zero]: 20, [one]: 20 })
        assert.deepEqual(await it.act('lags'), { [zero]: 0, [one]: 0 })
        assert.deepEqual(await it.act('committed'), { [zero]: null, [one]: null })
        await it.act('commitOffsets', { offsets: { [zero]: { offset: 7, metadata: 'a note: ü 🙂', leaderEpoch: 0 } } })
        assert.deepEqual(await it.act('committed'), { [zero]: { offset: 7, metadata: 'a note: ü 🙂', leaderEpoch: 0 }, [one]: null })
        assert.deepEqual(await it.act('positions'), { [zero]: 20, [one]: 20 }, 'a commit does not move the position')
        await it.act('seek', { partitions: [one], offset: 15 })
        await it.has(45)
        assert.deepEqual(
          it.records.slice(40).map(([partition, offset]) => [partition, offset]),
          [15, 16, 17, 18, 19].map((n) => [one, n]),
        )
        await it.act('seekToBeginning', { partitions: [zero] })
        await it.has(65)
        await it.close()
        const next = await opener.open(t, named('seek'), { topics: [topic], ...member() })
        await next.has(33)
        assert.deepEqual(
          next.records.filter(([name]) => name === zero).map(([, offset]) => offset),
          Array.from({ length: 13 }, (_, i) => i + 7),
        )
      })

      test('where a group without offsets begins: earliest, latest, or an exception', async (t) => {
        const topic = named('reset')
        await create(topic, 1)
        await send(topic, 1, 5)
        const none = await opener.open(t, named('reset-none'), { topics: [topic], ...member({ 'auto.offset.reset': 'none' }) })
        await none.fails(/NoOffsetForPartitionException/)
        const latest = await opener.open(t, named('reset-latest'), { topics: [topic], ...member({ 'auto.offset.reset': 'latest' }) })
        await latest.owns([`${topic}-0`])
        assert.deepEqual(await latest.act('positions'), { [`${topic}-0`]: 5 })
        await send(topic, 1, 2, 5)
        await latest.has(2)
        assert.deepEqual(
          latest.records.map(([, offset]) => offset),
          [5, 6],
        )
      })

      test('a consumer by assign commits to a group without joining it', async (t) => {
        const topic = named('assigned')
        await create(topic, 2)
        await send(topic, 2, 10)
        const it = await opener.open(t, named('simple'), { assign: [`${topic}-1`], commit: 'sync', ...member() })
        await it.has(10)
        await until('it has committed', async () => (await committed(named('simple')))[`${topic}-1`] === 10)
        assert.deepEqual(await committed(named('simple')), { [`${topic}-1`]: 10 })
        const { [named('simple')]: group } = await run('describeGroups', { groups: [named('simple')] })
        assert.deepEqual([group.state, group.members], ['Empty', []])
        await it.close()
        const next = await opener.open(t, named('simple'), { assign: [`${topic}-1`], commit: 'sync', ...member() })
        await send(topic, 2, 1, 10)
        await next.has(1)
        assert.deepEqual(next.records, [[`${topic}-1`, 10, `${topic}-1:10`]])
      })

      test('members share the partitions; when one comes, leaves or crashes the others have them, and no record is lost or read twice', async (t) => {
        const topic = named('shared')
        const partitions = partitionsOf(topic, 6)
        const group = named('shared')
        await create(topic, 6)
        const options = { topics: [topic], commit: 'sync', ...member() }
        const victim = new Java()
        t.after(() => victim.kill())
        let sent = 0
        const round = async (members, present) => {
          await send(topic, 6, 10, sent)
          sent += 10
          await together(members, sent * 6)
          await until('all is committed', async () => Object.values(await committed(group)).filter((it) => it === sent).length === 6)
          assertExactly(members, partitions, sent)
          assertInOrder(...members)
          for (const it of present) assert.deepEqual((await it.state()).commitErrors, [])
        }
        const a = await opener.open(t, group, options)
        await a.owns(partitions)
        await round([a], [a])
        const b = await opener.open(t, group, options)
        await shareOut([a, b], partitions)
        await round([a, b], [a, b])
        const c = await opener.open(t, group, options, victim)
        await shareOut([a, b, c], partitions)
        await round([a, b, c], [a, b, c])
        await b.close()
        await shareOut([a, c], partitions)
        await round([a, b, c], [a, c])
        c.closed = true
        await victim.kill()
        await send(topic, 6, 10, sent) // what comes while nobody has noticed
        sent += 10
        await a.owns(partitions)
        await round([a, b, c], [a])
        assert.ok(
          b.last.events.some(([what, gone]) => what === 'revoked' && gone.length > 0),
          JSON.stringify(b.last.events),
        )
        assert.ok(a.last.events.every(([what]) => what !== 'lost'))
        assert.deepEqual(await committed(group), all(partitions, sent))
      })

      test('a pattern takes in topics of today and of tomorrow; partitions that a topic grows are read as well', async (t) => {
        await create(named('pat.a'), 1)
        await create(named('pat.b'), 2)
        await create(named('other'), 1)
        const it = await opener.open(t, named('pattern'), {
          pattern: `${protocol}-pat\\..*`,
          ...member({ 'allow.auto.create.topics': 'false' }),
        })
        await it.owns([named('pat.a-0'), named('pat.b-0'), named('pat.b-1')])
        await create(named('pat.c'), 1)
        await it.owns([named('pat.a-0'), named('pat.b-0'), named('pat.b-1'), named('pat.c-0')])
        await run('createPartitions', { topic: named('pat.a'), total: 2 })
        await cluster.waitInSync(named('pat.a'))
        await it.owns([named('pat.a-0'), named('pat.a-1'), named('pat.b-0'), named('pat.b-1'), named('pat.c-0')])
        await send(named('pat.a'), 2, 5)
        await send(named('pat.c'), 1, 5)
        await it.has(15)
        assertExactly([it], [named('pat.a-0'), named('pat.a-1'), named('pat.c-0')], 5)
        await run('deleteTopic', { topic: named('pat.b') })
        await it.owns([named('pat.a-0'), named('pat.a-1'), named('pat.c-0')])
      })

      test('a topic that is not there yet is made by the subscription, and read', async (t) => {
        const it = await opener.open(t, named('early'), { topics: [named('early')], ...member() })
        await it.owns([named('early-0')])
        await send(named('early'), 1, 3)
        await it.has(3)
        assertExactly([it], [named('early-0')], 3)
      })

      test('who does not poll in time loses its partitions to the others, and is taken back when it polls again', async (t) => {
        const topic = named('lazy')
        const partitions = partitionsOf(topic, 2)
        await create(topic, 2)
        const lazy = await opener.open(t, named('lazy'), { topics: [topic], ...member({ 'max.poll.interval.ms': '1000' }) })
        await lazy.owns(partitions)
        const brisk = await opener.open(t, named('lazy'), { topics: [topic], ...member() })
        await shareOut([lazy, brisk], partitions)
        await lazy.act('stall', { ms: 2500, later: true })
        await brisk.owns(partitions)
        await shareOut([lazy, brisk], partitions)
        assert.ok(
          lazy.last.events.some(([what, gone]) => what === 'lost' && gone.length === 1),
          JSON.stringify(lazy.last.events),
        )
        assert.ok(
          brisk.last.events.some(([what, got]) => what === 'assigned' && got.length > 0),
          JSON.stringify(brisk.last.events),
        )
      })

      test('subscribing to other topics and to none moves the group along', async (t) => {
        await create(named('one'), 1)
        await create(named('two'), 1)
        const it = await opener.open(t, named('moves'), { topics: [named('one')], commit: 'sync', ...member() })
        await it.owns([named('one-0')])
        await it.act('subscribe', { topics: [named('one'), named('two')] })
        await it.owns([named('one-0'), named('two-0')])
        await it.act('subscribe', { topics: [named('two')] })
        await it.owns([named('two-0')])
        await send(named('two'), 1, 4)
        await it.has(4)
        await it.act('unsubscribe')
        await until(
          'nobody is left',
          async () => (await run('describeGroups', { groups: [named('moves')] }))[named('moves')].state === 'Empty',
        )
      })
    })
  }

  test('a pattern in RE2 has taken in the topic that came later, and only that', async (t) => {
    await regular.owns(['re2-a-0', 're2-a-1', 're2-b-0'])
    await send('re2-b', 1, 5)
    await regular.has(5)
    assertExactly([regular], ['re2-b-0'], 5)
    const literal = await opener.open(t, 're2', { topics: ['re2-bb'], commit: 'sync', props: quickMember.consumer })
    await literal.owns(['re2-bb-0'])
    await regular.owns(['re2-a-0', 're2-a-1', 're2-b-0'])
    await regular.close()
  })
})
