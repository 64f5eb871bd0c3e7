// kcat, the command-line client on librdkafka.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { startCluster, until } from '../rig/cluster.mjs'
import { spawnBound } from '../rig/processes.mjs'
import { without } from '../rig/peers.mjs'

const patienceMs = 30_000

/**
 * @param {string[]} args @param {string} [input]
 * @returns {Promise<{ status: number | null, out: string, err: string }>}
 */
function kcat(args, input = '') {
  return new Promise((resolve, reject) => {
    const child = spawn('kcat', args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: patienceMs })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => (out += String(chunk)))
    child.stderr.on('data', (chunk) => (err += String(chunk)))
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, out, err }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

describe('kcat', { skip: without('kcat') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster

  before(async () => {
    cluster = await startCluster({ properties: { 'group.initial.rebalance.delay.ms': 100 } })
  })
  after(() => cluster?.stop())

  const run = async (args, input) => {
    const it = await kcat(['-b', cluster.bootstrap, ...args], input)
    assert.equal(it.status, 0, `kcat ${args.join(' ')}\n${it.err}`)
    return it
  }
  const create = async (name, numPartitions) => {
    const topics = [{ name, numPartitions, replicationFactor: 3, assignments: [], configs: [] }]
    const { topics: made } = await cluster.ask('createTopics', 7, { topics, timeoutMs: 10_000, validateOnly: false })
    assert.equal(made[0].errorCode, 0)
    await cluster.waitInSync(name)
  }

  test('-L lists brokers, topics and partitions', async () => {
    await create('listed', 3)
    const { out } = await run(['-L', '-J'])
    const { brokers, topics } = JSON.parse(out)
    assert.deepEqual(
      brokers.map(({ id, name }) => `${id} ${name}`).sort(),
      cluster.nodes.map(({ id, port }) => `${id} 127.0.0.1:${port}`),
    )
    const listed = topics.find(({ topic }) => topic === 'listed')
    assert.equal(listed.partitions.length, 3)
    for (const { replicas, isrs, leader } of listed.partitions) {
      assert.equal(replicas.length, 3)
      assert.equal(isrs.length, 3)
      assert.ok(leader >= 1)
    }
  })

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`-P with ${codec} and -C: every line comes back in order with its offset`, async () => {
      await create(`lines-${codec}`, 1)
      const lines = Array.from({ length: 2000 }, (_, i) => `line ${i} ${'lorem-ipsum.'.repeat(5)}`)
      await run(
        ['-P', '-t', `lines-${codec}`, '-p', '0', '-z', codec, '-X', 'acks=all', '-X', 'enable.idempotence=true'],
        `${lines.join('\n')}\n`,
      )
      const { out } = await run(['-C', '-t', `lines-${codec}`, '-p', '0', '-o', 'beginning', '-e', '-q', '-f', '%o %s\n'])
      const read = out.trimEnd().split('\n')
      assert.equal(read.length, lines.length)
      assert.deepEqual(
        read.find((line, i) => line !== `${i} ${lines[i]}`),
        undefined,
        'the first line that differs',
      )
    })
  }

  test('keys, headers and empty values pass through', async () => {
    await create('keyed', 1)
    await run(['-P', '-t', 'keyed', '-p', '0', '-K:', '-Z', '-H', 'origin=test', '-H', 'empty='], 'a:1\nb:\n:3\n')
    const { out } = await run(['-C', '-t', 'keyed', '-p', '0', '-e', '-q', '-J'])
    const records = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      records.map(({ key, payload }) => [key, payload]),
      [
        ['a', '1'],
        ['b', null],
        [null, '3'],
      ],
    )
    assert.deepEqual(records[0].headers, ['origin', 'test', 'empty', ''])
  })

  test('-o reads from an offset, from the tail and up to a count', async () => {
    const read = async (...options) =>
      (await run(['-C', '-t', 'lines-none', '-p', '0', '-q', '-f', '%o\n', ...options])).out.trim().split('\n').map(Number)
    assert.deepEqual(await read('-o', '1995', '-e'), [1995, 1996, 1997, 1998, 1999])
    assert.deepEqual(await read('-o', '-3', '-e'), [1997, 1998, 1999])
    assert.deepEqual(await read('-o', '10', '-c', '2'), [10, 11])
  })

  test('-Q tells the offset of a time', async () => {
    const now = Date.now()
    assert.match((await run(['-Q', '-t', `lines-none:0:${now - 600_000}`])).out, /lines-none \[0\] offset 0/)
    assert.match((await run(['-Q', '-t', 'lines-none:0:-1'])).out, /lines-none \[0\] offset 2000/)
    assert.match((await run(['-Q', '-t', 'lines-none:0:-2'])).out, /lines-none \[0\] offset 0/)
  })

  test('a waiting consumer gets a record as soon as it is there', async () => {
    await create('live', 1)
    const waiting = run(['-C', '-t', 'live', '-p', '0', '-o', 'beginning', '-c', '1', '-q', '-f', '%s'])
    await until('a moment has passed', () => true)
    await run(['-P', '-t', 'live', '-p', '0'], 'hello\n')
    assert.equal((await waiting).out, 'hello')
  })

  for (const strategy of ['range', 'cooperative-sticky']) {
    test(`-G with ${strategy}: a group reads on where it stopped; two members share, and the one that stays takes over`, async (t) => {
      const topic = `grouped-${strategy}`
      await create(topic, 4)
      const send = async (from, count) => {
        for (let p = 0; p < 4; p += 1) {
          const lines = Array.from({ length: count }, (_, i) => `${p}:${from + i}`)
          await run(['-P', '-t', topic, '-p', String(p)], `${lines.join('\n')}\n`)
        }
      }
      const expected = (from, count) => Array.from({ length: 4 * count }, (_, i) => `${Math.floor(i / count)}:${from + (i % count)}`).sort()
      const settings = [
        '-X',
        'auto.offset.reset=earliest',
        '-X',
        'session.timeout.ms=6000',
        '-X',
        `partition.assignment.strategy=${strategy}`,
      ]
      const args = ['-b', cluster.bootstrap, '-G', topic, ...settings, '-u', '-f', '%s\n']
      await send(0, 10)
      const first = await kcat([...args, '-e', topic])
      assert.deepEqual(first.out.trim().split('\n').sort(), expected(0, 10), first.err)
      const members = [0, 1].map(() => {
        const child = spawnBound(['kcat', ...args, topic], { stdio: ['ignore', 'pipe', 'pipe'] })
        const member = { child, out: '', err: '', gone: new Promise((resolve) => child.once('close', resolve)) }
        child.stdout?.on('data', (chunk) => (member.out += String(chunk)))
        child.stderr?.on('data', (chunk) => (member.err += String(chunk)))
        t.after(() => child.kill('SIGKILL'))
        return member
      })
      const lines = () => members.flatMap(({ out }) => out.split('\n').filter((line) => line !== '')).sort()
      await until('both have an assignment', () => members.every(({ err }) => /rebalanced.*\[\d\]/.test(err)), { timeoutMs: 40_000 }).catch(
        (error) => {
          throw new Error(`${error.message}: ${JSON.stringify(members.map(({ err }) => err))}`, { cause: error })
        },
      )
      await send(10, 5)
      await until('they have it all', () => lines().length >= 20)
      assert.deepEqual(lines(), expected(10, 5))
      members[0]?.child.kill('SIGTERM')
      await members[0]?.gone
      await send(15, 5)
      await until('the other has it all', () => lines().length >= 40)
      assert.deepEqual(lines(), [...expected(10, 5), ...expected(15, 5)].sort())
    })
  }

  test('a topic that is not there is named as unknown', async () => {
    const it = await kcat(['-b', cluster.bootstrap, '-C', '-t', 'nowhere', '-p', '0', '-e', '-X', 'allow.auto.create.topics=false'])
    assert.match(it.err, /Unknown topic or partition|unknown topic/i)
  })
})
