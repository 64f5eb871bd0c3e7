// Kafka's own command-line tools that consume in groups or look after them.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startCluster, temporaryFolder, until } from '../rig/cluster.mjs'
import { fill, Opener, partitionsOf, quickGroups, quickMember, shareOut } from '../rig/groups.mjs'
import { Java, startTool } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'

const protocols = ['classic', 'consumer']

describe("Kafka's tools and groups", { skip: without('java') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  /** @type {Java} */
  let java
  /** @type {Opener} */
  let opener
  /** @type {string} */
  let folder
  const call = (what, options = {}) => java.run(what, { bootstrap: cluster.bootstrap, ...options })
  const create = async (topic, partitions) => {
    await call('createTopic', { topic, partitions })
    await cluster.waitInSync(topic)
  }
  const send = (topic, partitions, count, from = 0) => fill(java, cluster.bootstrap, topic, partitions, count, from)
  const runWith = async (status, name, ...args) => {
    const it = await java.tool(name, '--bootstrap-server', cluster.bootstrap, ...args)
    assert.equal(it.status, status, `${name} ${args.join(' ')}\n${it.out}\n${it.err}`)
    return it.out
  }
  const run = (name, ...args) => runWith(0, name, ...args)
  const groups = (...args) => run('consumer-groups', ...args)
  const offsetsOf = async (group) =>
    Object.fromEntries(Object.entries((await call('groupOffsets', { groups: [group] }))[group]).map(([name, it]) => [name, it.offset]))
  const file = (name, text) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  before(async () => {
    cluster = await startCluster({ properties: quickGroups })
    java = new Java()
    opener = new Opener(java, cluster.bootstrap)
    folder = temporaryFolder('group-tools')
    await create('tools', 3)
    await send('tools', 3, 10)
  })
  after(async () => {
    await java?.stop()
    await cluster?.stop()
  })

  for (const protocol of protocols) {
    test(`console-consumer with group.protocol=${protocol} reads on where its group has stopped`, async () => {
      const consume = async (count) => {
        const out = await run(
          'console-consumer',
          ...['--topic', 'tools', '--group', `console-${protocol}`, '--max-messages', String(count), '--timeout-ms', '20000'],
          ...['--command-property', `group.protocol=${protocol}`, '--formatter-property', 'print.offset=true'],
          ...['--formatter-property', 'print.partition=true', '--from-beginning'],
        )
        return out.trim().split('\n')
      }
      const first = await consume(12)
      assert.equal(first.length, 12)
      const second = await consume(18)
      const lines = Array.from(
        { length: 30 },
        (_, i) => `Partition:${i % 3}\tOffset:${Math.floor(i / 3)}\ttools-${i % 3}:${Math.floor(i / 3)}`,
      )
      assert.deepEqual([...first, ...second].sort(), lines.sort())
      assert.deepEqual(await offsetsOf(`console-${protocol}`), { 'tools-0': 10, 'tools-1': 10, 'tools-2': 10 })
    })

    test(`consumer-groups describes a live group of the ${protocol} protocol: offsets, members, state`, async (t) => {
      const group = `seen-${protocol}`
      const props = { ...quickMember[protocol], 'client.id': 'tooled' }
      const a = await opener.open(t, group, { topics: ['tools'], commit: 'sync', props })
      await a.has(30)
      const b = await opener.open(t, group, { topics: ['tools'], commit: 'sync', props })
      await shareOut([a, b], partitionsOf('tools', 3))
      await until('all is committed', async () => Object.values(await offsetsOf(group)).filter((it) => it === 10).length === 3)
      const ownerOf = (partition) => [a, b].find(({ last }) => last.assignment.includes(`tools-${partition}`))?.last.memberId
      const offsets = table(await groups('--describe', '--group', group))
      assert.deepEqual(
        offsets.sort((x, y) => Number(x.PARTITION) - Number(y.PARTITION)),
        [0, 1, 2].map((partition) => ({
          GROUP: group,
          TOPIC: 'tools',
          PARTITION: String(partition),
          'CURRENT-OFFSET': '10',
          'LOG-END-OFFSET': '10',
          LAG: '0',
          'CONSUMER-ID': ownerOf(partition),
          HOST: '/127.0.0.1',
          'CLIENT-ID': 'tooled',
        })),
      )
      const members = table(await groups('--describe', '--group', group, '--members'))
      assert.deepEqual(
        members.map((it) => `${it['CONSUMER-ID']} ${it['#PARTITIONS']}`).sort(),
        [a, b].map(({ last }) => `${last.memberId} ${last.assignment.length}`).sort(),
      )
      const verbose = table(await groups('--describe', '--group', group, '--members', '--verbose'))
      for (const it of verbose) {
        const member = [a, b].find(({ last }) => last.memberId === it['CONSUMER-ID'])
        const numbers = member?.last.assignment.map((name) => name.slice(-1)).join(',')
        assert.equal(it['CURRENT-ASSIGNMENT'], `tools:${numbers}`, JSON.stringify(it))
      }
      const [state] = table(await groups('--describe', '--group', group, '--state'))
      assert.equal(state?.STATE, 'Stable')
      assert.equal(state?.['ASSIGNMENT-STRATEGY'], protocol === 'classic' ? 'range' : 'uniform')
      assert.equal(state?.['#MEMBERS'], '2')
      assert.match(state?.['COORDINATOR(ID)'] ?? '', /^127\.0\.0\.1:\d+\([123]\)$/)
      assert.match(await groups('--describe', '--group', group, '--state', '--verbose'), /Stable/)
      assert.match(await groups('--describe', '--group', group, '--offsets', '--verbose'), /tools/)
      const refused = await groups('--reset-offsets', '--group', group, '--topic', 'tools', '--to-earliest', '--execute')
      assert.match(refused, /Assignments can only be reset if the group .* is inactive, but the current state is Stable/)
      assert.match(await groups('--delete', '--group', group), /could not be deleted due to:[^]*not empty/i)
      await a.close()
      await b.close()
      assert.match(await groups('--describe', '--group', group), /tools/)
      assert.equal(table(await groups('--describe', '--group', group, '--state'))[0]?.STATE, 'Empty')
      assert.match(await groups('--delete-offsets', '--group', group, '--topic', 'tools:0,2'), /Request succeeded for deleting offsets/)
      assert.deepEqual(await offsetsOf(group), { 'tools-1': 10 })
    })
  }

  test('consumer-groups and groups list what there is, with types and states as filters', async (t) => {
    const live = await opener.open(t, 'listed-live', { topics: ['tools'], props: quickMember.consumer })
    await live.owns(partitionsOf('tools', 3))
    await call('alterGroupOffsets', { group: 'listed-simple', offsets: { 'tools-0': 1 } })
    const listed = (out, name) =>
      out
        .split('\n')
        .find((line) => line.startsWith(`${name} `) || line === name)
        ?.trim()
        .split(/\s+/)
    assert.deepEqual(listed(await groups('--list'), 'listed-live'), ['listed-live'])
    assert.deepEqual(listed(await groups('--list', '--state'), 'listed-live'), ['listed-live', 'Stable'])
    assert.deepEqual(listed(await groups('--list', '--state', 'Empty'), 'listed-live'), undefined)
    assert.deepEqual(listed(await groups('--list', '--type', 'consumer'), 'listed-live'), ['listed-live', 'Consumer'])
    assert.deepEqual(listed(await groups('--list', '--type', 'classic', '--state', 'empty'), 'listed-simple'), [
      'listed-simple',
      'Classic',
      'Empty',
    ])
    assert.deepEqual(listed(await run('groups', '--list'), 'listed-live'), ['listed-live', 'Consumer', 'consumer'])
    assert.deepEqual(listed(await run('groups', '--list', '--group-type', 'classic'), 'listed-live'), undefined)
    assert.deepEqual(listed(await run('groups', '--list', '--consumer'), 'listed-simple'), ['listed-simple', 'Classic'])
    assert.deepEqual(listed(await run('groups', '--list', '--protocol', 'consumer'), 'listed-live'), [
      'listed-live',
      'Consumer',
      'consumer',
    ])
  })

  test('consumer-groups resets offsets in every way it knows', async () => {
    const minute = 60_000
    const base = Date.now() - 60 * minute
    await create('reset', 2)
    const records = Array.from({ length: 20 }, (_, i) =>
      [0, 1].map((partition) => ({ partition, value: `v${i}`, timestamp: base + i * minute })),
    ).flat()
    await call('produce', { topic: 'reset', records })
    for (const partition of [0, 1]) await call('deleteRecords', { topic: 'reset', partition, before: 2 })
    const both = (offset) => ({ 'reset-0': offset, 'reset-1': offset })
    const set = (offset) => call('alterGroupOffsets', { group: 'reset', offsets: both(offset) })
    const reset = (...args) => groups('--reset-offsets', '--group', 'reset', ...args)
    const ways = [
      [['--to-earliest'], 2],
      [['--to-latest'], 20],
      [['--to-offset', '11'], 11],
      [['--to-offset', '99'], 20],
      [['--shift-by', '3'], 8],
      [['--shift-by', '-2'], 3],
      [['--shift-by', '-9'], 2],
      [['--by-duration', 'PT50M30S'], 10],
      [['--to-datetime', new Date(base + 7 * minute).toISOString().replace('Z', '')], 7],
      [['--to-current'], 5],
    ]
    for (const [args, expected] of ways) {
      await set(5)
      const dry = table(await reset('--topic', 'reset', ...args, '--dry-run'))
      assert.deepEqual(
        dry.map((it) => it['NEW-OFFSET']),
        [String(expected), String(expected)],
        args.join(' '),
      )
      assert.deepEqual(await offsetsOf('reset'), both(5), 'a dry run changes nothing')
      await reset('--topic', 'reset', ...args, '--execute')
      assert.deepEqual(await offsetsOf('reset'), both(expected), args.join(' '))
    }
    await set(5)
    await reset('--topic', 'reset:1', '--to-latest', '--execute')
    assert.deepEqual(await offsetsOf('reset'), { 'reset-0': 5, 'reset-1': 20 })
    const exported = await reset('--all-topics', '--to-current', '--export', '--dry-run')
    const csv = exported
      .trim()
      .split('\n')
      .map((line) => line.replaceAll('"', ''))
    assert.deepEqual(csv.toSorted(), ['reset,0,5', 'reset,1,20'])
    await set(9)
    await reset('--from-file', file('plan.csv', exported), '--execute')
    assert.deepEqual(await offsetsOf('reset'), { 'reset-0': 5, 'reset-1': 20 })
    // a group that nobody has heard of gets its first offsets that way
    await groups('--reset-offsets', '--group', 'reset-new', '--topic', 'reset', '--to-offset', '4', '--execute')
    assert.deepEqual(await offsetsOf('reset-new'), both(4))
    const member = await opener.open({ after() {} }, 'reset-new', { topics: ['reset'], props: quickMember.classic })
    await member.has(32)
    await member.close()
    assert.deepEqual(
      member.records.filter(([name]) => name === 'reset-0').map(([, offset]) => offset),
      Array.from({ length: 16 }, (_, i) => i + 4),
    )
  })

  test('consumer-groups deletes groups, and says which are not there', async () => {
    for (const group of ['gone-1', 'gone-2']) await call('alterGroupOffsets', { group, offsets: { 'tools-0': 1 } })
    assert.match(
      await groups('--delete', '--group', 'gone-1', '--group', 'gone-2'),
      /Deletion of requested consumer groups .* was successful/,
    )
    assert.doesNotMatch(await groups('--list'), /gone-/)
    assert.match(await groups('--delete', '--group', 'gone-1'), /Group 'gone-1' could not be deleted due to:[^]*GroupIdNotFoundException/)
    assert.match(
      (await java.tool('consumer-groups', '--bootstrap-server', cluster.bootstrap, '--describe', '--group', 'gone-1')).out,
      /does not exist|not found/,
    )
  })

  test('configs alters and describes the settings of a group', async () => {
    const group = ['--entity-type', 'groups', '--entity-name', 'seen-consumer']
    assert.match(
      await run('configs', '--alter', ...group, '--add-config', 'consumer.session.timeout.ms=4000'),
      /Completed updating config for group seen-consumer/,
    )
    await until('described', async () => (await run('configs', '--describe', ...group)).includes('consumer.session.timeout.ms=4000'))
    await run('configs', '--alter', ...group, '--delete-config', 'consumer.session.timeout.ms')
  })

  test('what groups have written can be read with the formatters of console-consumer', async (t) => {
    const read = async (formatter) => {
      const out = await run(
        'console-consumer',
        ...['--topic', '__consumer_offsets', '--from-beginning', '--timeout-ms', '3000'],
        ...['--formatter', `org.apache.kafka.tools.consumer.${formatter}MessageFormatter`],
      )
      return out
        .trim()
        .replaceAll('}{', '}\n{')
        .split('\n')
        .map((line) => JSON.parse(line))
    }
    const member = await opener.open(t, 'written', { topics: ['tools'], commit: 'sync', props: quickMember.classic })
    await member.has(30)
    await member.close()
    const commits = await read('Offsets')
    const last = commits.findLast(({ key }) => key.data.group === 'written' && key.data.topic === 'tools' && key.data.partition === 1)
    assert.equal(last?.value.data.offset, 10)
    const metadata = (await read('GroupMetadata')).filter(({ key }) => key.data.group === 'written')
    const sizes = metadata.map(({ value }) => [value.data.protocol, value.data.members.length])
    assert.ok(
      sizes.some(([assignor, members]) => assignor === 'range' && members === 1),
      JSON.stringify(metadata),
    )
    assert.equal(sizes.at(-1)?.[1], 0, 'the last one left')
  })

  for (const protocol of protocols) {
    test(`verifiable-consumer with group.protocol=${protocol}: two share, one is killed, the other goes on; nothing is skipped, no commit goes back`, async (t) => {
      const topic = `verified-${protocol}`
      await create(topic, 3)
      await send(topic, 3, 100)
      const start = () => {
        const config = file('verifiable.properties', 'heartbeat.interval.ms=200\n')
        const session = protocol === 'classic' ? ['--session-timeout', '3000', '--command-config', config] : []
        const args = ['--topic', topic, '--group-id', topic, '--group-protocol', protocol.toUpperCase(), ...session]
        const tool = startTool('verifiable-consumer', '--bootstrap-server', cluster.bootstrap, ...args)
        t.after(() => tool.child.kill('SIGKILL'))
        return tool
      }
      const tools = [start(), start()]
      const checks = new Accounting(topic, tools)
      await checks.until('both have partitions', () => checks.owners().every((it) => it > 0) && checks.owned() === 3)
      await send(topic, 3, 100, 100)
      await checks.until('all is committed', () => checks.committedOf(200) === 3)
      tools[0]?.child.kill('SIGKILL')
      await send(topic, 3, 100, 200)
      await checks.until('the other has it all', () => checks.committedOf(300) === 3)
      tools[1]?.child.kill('SIGTERM')
      assert.ok([0, 143].includes((await tools[1]?.gone) ?? -1), tools[1]?.err)
      checks.look()
      assert.ok(checks.ends.includes(1), 'shutdown_complete was said')
      assert.deepEqual(checks.problems, [])
      assert.deepEqual(await offsetsOf(topic), Object.fromEntries(partitionsOf(topic, 3).map((name) => [name, 300])))
    })
  }

  for (const protocol of protocols) {
    test(`consumer-perf with group.protocol=${protocol} reads all that there is`, async () => {
      if (protocol === 'classic') {
        await create('perf', 3)
        await call('produceMany', { topic: 'perf', count: 20_000, size: 100 })
      }
      const args = [
        '--topic',
        'perf',
        '--group',
        `perf-${protocol}`,
        '--num-records',
        '20000',
        '--hide-header',
        '--command-property',
        `group.protocol=${protocol}`,
      ]
      const columns = (await run('consumer-perf', ...args)).trim().split('\n').at(-1)?.split(',') ?? []
      assert.equal(Number(columns[4]), 20_000, columns.join())
    })
  }
})

/** What a verifiable consumer's events must add up to, as Kafka's own system tests have it. */
class Accounting {
  /** @param {string} topic @param {ReturnType<typeof startTool>[]} tools */
  constructor(topic, tools) {
    this.topic = topic
    this.tools = tools
    this.seen = tools.map(() => 0)
    this.positions = tools.map(() => new Map())
    this.assigned = tools.map(() => new Set())
    this.committed = new Map()
    /** @type {number[]} */
    this.ends = []
    /** @type {string[]} */
    this.problems = []
  }

  look() {
    this.tools.forEach((tool, index) => {
      for (const line of tool.lines.slice(this.seen[index])) this.take(index, JSON.parse(line))
      this.seen[index] = tool.lines.length
    })
  }

  take(index, event) {
    const positions = this.positions[index] ?? new Map()
    const assigned = this.assigned[index] ?? new Set()
    if (event.name === 'partitions_assigned') for (const { partition } of event.partitions) assigned.add(partition)
    if (event.name === 'partitions_revoked') {
      for (const { partition } of event.partitions) {
        assigned.delete(partition)
        positions.delete(partition)
      }
    }
    if (event.name === 'records_consumed') {
      for (const { partition, minOffset, maxOffset } of event.partitions) {
        const expected = positions.get(partition) ?? this.committed.get(partition) ?? 0
        if (minOffset !== expected) this.problems.push(`${index}: ${partition} from ${minOffset}, expected ${expected}`)
        if (!assigned.has(partition)) this.problems.push(`${index}: ${partition} without an assignment`)
        positions.set(partition, maxOffset + 1)
      }
    }
    if (event.name === 'offsets_committed') {
      if (event.success !== true) this.problems.push(`${index}: ${JSON.stringify(event)}`)
      for (const { partition, offset } of event.offsets) {
        if (offset < (this.committed.get(partition) ?? 0)) this.problems.push(`${index}: commit of ${partition} goes back to ${offset}`)
        this.committed.set(partition, offset)
      }
    }
    if (event.name === 'shutdown_complete') this.ends.push(index)
  }

  /** @param {string} what @param {() => boolean} when */
  async until(what, when) {
    try {
      await until(what, when, { timeoutMs: 60_000 })
    } catch (error) {
      const said = this.tools.map(({ lines, err }) => `${lines.slice(-10).join('\n')}\n${err}`)
      throw new Error(`${String(error)}\n${said.join('\n──\n')}`, { cause: error })
    }
  }

  owners() {
    this.look()
    return this.assigned.map(({ size }) => size)
  }

  owned() {
    return new Set(this.assigned.flatMap((it) => [...it])).size
  }

  /** How many partitions are committed up to `offset`. @param {number} offset */
  committedOf(offset) {
    this.look()
    return [...this.committed.values()].filter((it) => it === offset).length
  }
}

/** The rows below a tool's last header line, by its words. @param {string} out */
function table(out) {
  const lines = out
    .split('\n')
    .map((line) => line.trim().replace(/\s+\(/g, '('))
    .filter((line) => line !== '')
  const header = lines.findLastIndex((line) => line.startsWith('GROUP'))
  const names = (lines[header] ?? '').split(/\s+/)
  return lines.slice(header + 1).map((line) => Object.fromEntries(line.split(/\s+/).map((word, i) => [names[i] ?? String(i), word])))
}
