// What an AdminClient sees of groups and does to them: lists, descriptions, offsets, removal of members, settings of a group.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { startCluster, underTest, until } from '../rig/cluster.mjs'
import { fill, Opener, partitionsOf, quickGroups, quickMember } from '../rig/groups.mjs'
import { Java } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'
import { ask } from '../rig/wire.mjs'

describe('AdminClient and groups', { skip: without('java') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  /** @type {Java} */
  let java
  /** @type {Opener} */
  let opener
  /** @param {string} what @param {object} options */
  const run = (what, options = {}) => java.run(what, { bootstrap: cluster.bootstrap, ...options })
  const offsetsOf = async (group, options = {}) => (await run('groupOffsets', { groups: [group], ...options }))[group]
  const at = (offset, metadata = '', leaderEpoch = -1) => ({ offset, metadata, leaderEpoch })
  const coordinatorOf = async (group) => {
    const { coordinators } = await cluster.ask('findCoordinator', 4, { keyType: 0, coordinatorKeys: [group] })
    return coordinators[0]
  }

  before(async () => {
    cluster = await startCluster({ properties: quickGroups })
    java = new Java()
    opener = new Opener(java, cluster.bootstrap)
    await run('createTopic', { topic: 'adm', partitions: 3 })
    await cluster.waitInSync('adm')
    await fill(java, cluster.bootstrap, 'adm', 3, 10)
  })
  after(async () => {
    await java?.stop()
    await cluster?.stop()
  })

  test('listGroups tells each group with type, protocol and state, and filters by each', async (t) => {
    const partitions = partitionsOf('adm', 3)
    for (const protocol of ['classic', 'consumer']) {
      const member = await opener.open(t, `list-${protocol}`, { topics: ['adm'], props: quickMember[protocol] })
      await member.owns(partitions)
      const gone = await opener.open(t, `list-${protocol}-empty`, { topics: ['adm'], commit: 'sync', props: quickMember[protocol] })
      await gone.has(30)
      await gone.close()
    }
    assert.deepEqual(await run('alterGroupOffsets', { group: 'list-simple', offsets: { 'adm-0': 1 } }), { 'adm-0': 'ok' })
    const all = {
      'list-classic': ['Classic', 'consumer', 'Stable'],
      'list-classic-empty': ['Classic', 'consumer', 'Empty'],
      'list-consumer': ['Consumer', 'consumer', 'Stable'],
      'list-consumer-empty': ['Consumer', 'consumer', 'Empty'],
      'list-simple': ['Classic', '', 'Empty'],
    }
    const only = (...names) => Object.fromEntries(names.map((name) => [name, all[name]]))
    await until('all groups are told', async () => Object.keys(await run('listGroups')).length === 5)
    assert.deepEqual(await run('listGroups'), all)
    assert.deepEqual(await run('listGroups', { types: ['Consumer'] }), only('list-consumer', 'list-consumer-empty'))
    assert.deepEqual(await run('listGroups', { types: ['Classic'] }), only('list-classic', 'list-classic-empty', 'list-simple'))
    assert.deepEqual(await run('listGroups', { states: ['Stable'] }), only('list-classic', 'list-consumer'))
    assert.deepEqual(await run('listGroups', { states: ['Empty'], types: ['Classic'] }), only('list-classic-empty', 'list-simple'))
    assert.deepEqual(await run('listGroups', { states: ['Dead'] }), {})
    assert.deepEqual(await run('listGroups', { protocols: [''] }), only('list-simple'))
    assert.deepEqual(
      await run('listGroups', { protocols: ['consumer'], states: ['Empty'] }),
      only('list-classic-empty', 'list-consumer-empty'),
    )
  })

  test('describeConsumerGroups tells state, assignor, coordinator and members of both kinds', async (t) => {
    const partitions = partitionsOf('adm', 3)
    for (const protocol of ['classic', 'consumer']) {
      const group = `describe-${protocol}`
      const props = { ...quickMember[protocol], 'client.id': 'the client' }
      const member = await opener.open(t, group, { topics: ['adm'], props })
      await member.owns(partitions)
      const described = await until('it is stable', async () => {
        const it = (await run('describeGroups', { groups: [group] }))[group]
        return it.state === 'Stable' && it
      })
      const { members, ...rest } = described
      const modern = protocol === 'consumer'
      const { epoch, targetEpoch, ...plain } = rest
      assert.deepEqual(plain, {
        state: 'Stable',
        type: modern ? 'Consumer' : 'Classic',
        simple: false,
        assignor: modern ? 'uniform' : 'range',
        coordinator: (await coordinatorOf(group)).nodeId,
      })
      assert.deepEqual(members, [
        {
          memberId: member.last.memberId,
          instance: null,
          rack: null,
          client: 'the client',
          host: '/127.0.0.1',
          assignment: partitions,
          target: modern ? partitions : null,
          epoch: modern ? member.last.generation : null,
          upgraded: modern ? true : null,
        },
      ])
      if (modern) assert.deepEqual([epoch, targetEpoch], [member.last.generation, member.last.generation])
    }
    assert.deepEqual(await run('describeClassicGroups', { groups: ['describe-classic'] }), {
      'describe-classic': { state: 'Stable', protocol: 'consumer', assignor: 'range', members: 1 },
    })
    await assert.rejects(run('describeGroups', { groups: ['nobody'] }), /GroupIdNotFoundException/)
    await assert.rejects(run('describeClassicGroups', { groups: ['describe-consumer'] }), /GroupIdNotFoundException/)
  })

  test('a group is served by the leader of its partition of __consumer_offsets, by the hash of its name', async () => {
    for (const group of ['a', 'list-classic', 'ünïcode 🙂', 'polygenelubricants']) {
      const { errorCode, nodeId, key } = await coordinatorOf(group)
      assert.equal(errorCode, 0)
      const partition = Math.abs(hash(key)) % 50
      assert.equal(nodeId, (await cluster.leaderOf('__consumer_offsets', partition)).id, `${key} → ${partition}`)
    }
    const it = await run('describeTopic', { topic: '__consumer_offsets' })
    assert.equal(it.internal, true)
    assert.equal(it.partitions.length, 50)
    const configs = await run('describeConfigs', { type: 'TOPIC', name: '__consumer_offsets' })
    assert.deepEqual(
      ['cleanup.policy', 'segment.bytes', 'compression.type'].map((name) => configs[name].value),
      ['compact', underTest === 'kafka' ? '104857600' : '8388608', 'producer'],
    )
  })

  test('offsets of a group are listed, altered and deleted; each partition has its own outcome', async () => {
    const offsets = { 'adm-0': at(3, 'three', 0), 'adm-1': at(0), 'adm-2': at(1_000_000_000_000) }
    assert.deepEqual(await run('alterGroupOffsets', { group: 'offsets', offsets }), { 'adm-0': 'ok', 'adm-1': 'ok', 'adm-2': 'ok' })
    assert.deepEqual(await offsetsOf('offsets'), offsets)
    assert.deepEqual(await offsetsOf('offsets', { partitions: ['adm-1', 'adm-7', 'none-0'], requireStable: true }), {
      'adm-1': at(0),
      'adm-7': null,
      'none-0': null,
    })
    const longest = 'm'.repeat(4096)
    const mixed = { 'adm-0': at(4, longest), 'adm-1': at(4, `${longest}m`), 'adm-9': at(1), 'none-0': at(1) }
    assert.deepEqual(await run('alterGroupOffsets', { group: 'offsets', offsets: mixed }), {
      'adm-0': 'ok',
      'adm-1': 'OffsetMetadataTooLarge',
      'adm-9': 'UnknownTopicOrPartitionException',
      'none-0': 'UnknownTopicOrPartitionException',
    })
    assert.deepEqual(await offsetsOf('offsets'), { ...offsets, 'adm-0': at(4, longest) })
    await run('alterGroupOffsets', { group: 'offsets-2', offsets: { 'adm-2': 2 } })
    assert.deepEqual(await run('groupOffsets', { groups: ['offsets-2', 'offsets-none'] }), {
      'offsets-2': { 'adm-2': at(2) },
      'offsets-none': {},
    })
    assert.deepEqual(await run('deleteGroupOffsets', { group: 'offsets', partitions: ['adm-0', 'adm-2', 'adm-9'] }), {
      'adm-0': 'ok',
      'adm-2': 'ok',
      'adm-9': 'UnknownTopicOrPartitionException',
    })
    assert.deepEqual(await offsetsOf('offsets'), { 'adm-1': at(0) })
  })

  for (const protocol of ['classic', 'consumer']) {
    test(`a group of the ${protocol} protocol with members is not to be touched; without them it is`, async (t) => {
      const group = `live-${protocol}`
      const member = await opener.open(t, group, { topics: ['adm'], commit: 'sync', props: quickMember[protocol] })
      await member.has(30)
      await until('all is committed', async () => Object.values(await offsetsOf(group)).filter(({ offset }) => offset === 10).length === 3)
      assert.deepEqual(await run('alterGroupOffsets', { group, offsets: { 'adm-0': 1 } }), { 'adm-0': 'UnknownMemberIdException' })
      assert.deepEqual(await run('deleteGroupOffsets', { group, partitions: ['adm-0'] }), { 'adm-0': 'GroupSubscribedToTopicException' })
      assert.deepEqual(await run('deleteGroups', { groups: [group, 'never-there'] }), {
        [group]: 'GroupNotEmptyException',
        'never-there': 'GroupIdNotFoundException',
      })
      assert.deepEqual(Object.keys(await offsetsOf(group)), partitionsOf('adm', 3))
      await member.close()
      assert.deepEqual(await run('alterGroupOffsets', { group, offsets: { 'adm-0': 4 } }), { 'adm-0': 'ok' })
      assert.deepEqual(await run('deleteGroupOffsets', { group, partitions: ['adm-1'] }), { 'adm-1': 'ok' })
      assert.deepEqual(Object.keys(await offsetsOf(group)), ['adm-0', 'adm-2'])
      assert.equal((await offsetsOf(group))['adm-0'].offset, 4)
      assert.deepEqual(await run('deleteGroups', { groups: [group] }), { [group]: 'ok' })
      assert.deepEqual(await offsetsOf(group), {})
      assert.equal((await run('listGroups'))[group], undefined)
      const again = await opener.open(t, group, { topics: ['adm'], props: quickMember[protocol] })
      await again.has(30)
    })

    test(`members of a group of the ${protocol} protocol are removed by instance id, and all at once`, async (t) => {
      const group = `removed-${protocol}`
      const fixed = (id) => ({ topics: ['adm'], props: { ...quickMember[protocol], 'group.instance.id': id } })
      const instances = async () => (await run('describeGroups', { groups: [group] }))[group].members.map(({ instance }) => instance).sort()
      const first = await opener.open(t, group, fixed('first'))
      await first.owns(partitionsOf('adm', 3))
      await first.close('remain')
      const second = await opener.open(t, group, fixed('second'))
      await until('both are members', async () => (await instances()).join() === 'first,second')
      assert.deepEqual(await run('removeMembers', { group, instances: ['first', 'other'] }), {
        first: 'ok',
        other: 'UnknownMemberIdException',
      })
      await second.owns(partitionsOf('adm', 3))
      assert.deepEqual(await instances(), ['second'])
      await second.close('remain')
      assert.deepEqual(await run('removeMembers', { group }), { all: 'ok' })
      assert.deepEqual(await instances(), [])
    })
  }

  test('settings of a group are altered and described, and reach its members', async () => {
    const group = 'configured'
    const describeIt = () => run('describeConfigs', { type: 'GROUP', name: group })
    const before = await describeIt()
    assert.deepEqual([before['consumer.heartbeat.interval.ms'].value, before['consumer.session.timeout.ms'].value], ['200', '3000'])
    await run('alterConfigs', {
      type: 'GROUP',
      name: group,
      set: { 'consumer.heartbeat.interval.ms': '300', 'consumer.session.timeout.ms': '1000' },
    })
    await until('described', async () => (await describeIt())['consumer.session.timeout.ms'].value === '1000')
    const after = await describeIt()
    assert.equal(after['consumer.heartbeat.interval.ms'].value, '300')
    assert.equal(after['consumer.heartbeat.interval.ms'].source, 'DYNAMIC_GROUP_CONFIG')
    const joined = await join(group)
    assert.equal(joined.heartbeatIntervalMs, 300)
    const other = await join('not-configured')
    assert.equal(other.heartbeatIntervalMs, 200)
    // neither says another word: one is missed after its group's second, the other after the cluster's three
    await until('the member of the configured group is gone', async () => (await membersOf(group)) === 0)
    assert.equal(await membersOf('not-configured'), 1)
    await until('the other is gone too', async () => (await membersOf('not-configured')) === 0)
    await run('alterConfigs', { type: 'GROUP', name: group, unset: ['consumer.heartbeat.interval.ms', 'consumer.session.timeout.ms'] })
    await until('the default is back', async () => (await join(group)).heartbeatIntervalMs === 200)
  })

  test('settings of a group outside of the bounds of the cluster, or of no meaning, are refused', async () => {
    const alter = (set) => run('alterConfigs', { type: 'GROUP', name: 'refused', set })
    await assert.rejects(alter({ 'consumer.heartbeat.interval.ms': '50' }), /InvalidConfigurationException/)
    await assert.rejects(alter({ 'consumer.session.timeout.ms': '999999' }), /InvalidConfigurationException/)
    await assert.rejects(alter({ 'consumer.heartbeat.interval.ms': 'often' }), /InvalidConfigurationException|InvalidRequestException/)
    await assert.rejects(alter({ 'no.such.setting': '1' }), /InvalidConfigurationException/)
  })

  const membersOf = async (group) => (await run('describeGroups', { groups: [group] }))[group].members.length

  /** A member that says one heartbeat and no more. */
  const join = async (group) => {
    const { port } = await coordinatorOf(group)
    const answer = await ask(port, 'consumerGroupHeartbeat', 1, {
      groupId: group,
      memberId: randomUUID(),
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 10_000,
      subscribedTopicNames: ['adm'],
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: [],
    })
    assert.equal(answer.errorCode, 0, answer.errorMessage)
    return answer
  }
})

/** String.hashCode of Java. @param {string} text */
function hash(text) {
  let h = 0
  for (let i = 0; i < text.length; i += 1) h = (Math.imul(31, h) + text.charCodeAt(i)) | 0
  return h === -2_147_483_648 ? 0 : h
}
