// The cluster of `npm start` without a terminal, and all that can be in its way.
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { root } from '../rig/peers.mjs'
import { removeFolder, temporaryFolder, until } from '../rig/processes.mjs'
import { ask } from '../rig/wire.mjs'
import { DevProcess, freeDevPort, processesOf } from './dev-process.mjs'

const folder = temporaryFolder('dev')
after(() => removeFolder(folder))

/** @param {string} data @param {number} port @param {string[]} more */
const dev = (data, port, ...more) => DevProcess.odradek(['dev', '--data', data, '--port', String(port), ...more])

const topicNames = async (port) => (await ask(port, 'metadata', 12, { topics: null })).topics.map(({ name }) => name)

describe('a cluster of three', () => {
  test('prints plain lines, takes SIGINT as the end, and finds its data again', async () => {
    const data = join(folder, 'again')
    const port = await freeDevPort()
    const first = dev(data, port)
    const said = await first.says(/SIGINT or SIGTERM stops all nodes in order\./)
    assert.doesNotMatch(said, /keys:/)
    const created = await ask(port, 'createTopics', 7, {
      topics: [{ name: 'kept', numPartitions: 3, replicationFactor: 3 }],
      timeoutMs: 5000,
    })
    assert.equal(created.topics[0].errorCode, 0)
    const { clusterId } = await ask(port, 'metadata', 12, { topics: [] })
    first.child.kill('SIGINT')
    await first.says(/all nodes are down/)
    assert.equal((await first.ended).code, 0)
    assert.deepEqual(processesOf(data), [])
    assert.ok(!first.output.includes('\u001b'), 'no colours')

    const second = dev(data, port)
    await second.says(/Ready in/)
    assert.deepEqual(await topicNames(port), ['kept'])
    assert.equal((await ask(port, 'metadata', 12, { topics: [] })).clusterId, clusterId)
    second.child.kill('SIGTERM')
    await second.says(/all nodes are down/)
    assert.equal((await second.ended).code, 0)

    const third = dev(data, port, '--fresh')
    await third.says(/Ready in/)
    assert.deepEqual(await topicNames(port), [], '--fresh forgets')
    third.child.kill('SIGTERM')
    assert.equal((await third.ended).code, 0)
    assert.deepEqual(processesOf(data), [])
  })

  test('nothing is left when the process is killed outright', async () => {
    const data = join(folder, 'killed')
    const it = dev(data, await freeDevPort())
    await it.says(/Ready in/)
    // its three nodes; the process itself and the one that starts it have the folder in their command lines too
    assert.ok(processesOf(join(data, 'node-')).length === 3)
    it.child.kill('SIGKILL')
    await it.ended
    await until('all nodes have stopped by themselves', () => processesOf(data).length === 0)
  })

  test('`npm start` that gets SIGTERM stops all, though npm passes it on to a shell only', async () => {
    const data = join(folder, 'npm')
    const argv = ['npm', 'start', '--', '--data', data, '--port', String(await freeDevPort()), '--nodes', '1']
    const it = new DevProcess(argv, { env: { npm_config_prefix: root, npm_config_update_notifier: 'false' } })
    await it.says(/Ready in/)
    it.child.kill('SIGTERM')
    await until('all have stopped', () => processesOf(data).length === 0)
    await it.says(/all nodes are down/)
  })

  test('--memory forgets all at the end', async () => {
    const it = DevProcess.odradek(['dev', '--memory', '--nodes', '1', '--port', String(await freeDevPort())])
    const said = await it.says(/Data in (\S+) \(forgotten at the end\)/)
    const place = /Data in (\S+)/.exec(said)?.[1] ?? ''
    assert.ok(existsSync(place))
    it.child.kill('SIGTERM')
    assert.equal((await it.ended).code, 0)
    assert.ok(!existsSync(place))
  })

  test('a node that ends by itself is named with its reason, and the rest goes on', async () => {
    const data = join(folder, 'ends')
    const it = dev(data, await freeDevPort())
    await it.says(/Ready in/)
    const victim = processesOf(join(data, 'node-2'))[0]
    assert.ok(victim !== undefined)
    process.kill(victim.pid, 'SIGKILL')
    await it.says(/node 2 ended by itself \(SIGKILL\); the reason is at the end of .*node-2.server\.log/)
    await it.says(/broker 2 is fenced/)
    it.child.kill('SIGTERM')
    assert.equal((await it.ended).code, 0)
  })
})

describe('what is in the way is named, with what to do', () => {
  /** @param {string[]} args @param {number} status @param {RegExp} says */
  async function refused(args, status, says) {
    const it = DevProcess.odradek(args)
    const { code } = await it.ended
    assert.match(it.errors + it.output, says)
    assert.equal(code, status)
    assert.doesNotMatch(it.errors + it.output, /\n\s+at /, 'no stack')
  }

  test('a port in use, of a broker or of a controller', async () => {
    const port = await freeDevPort()
    for (const taken of [port + 1, port + 1_002]) {
      const server = createServer()
      await new Promise((resolve) => server.listen(taken, '127.0.0.1', () => resolve(undefined)))
      const advice = new RegExp(`Port ${taken} is in use\\. Stop what listens there .*or start at another port: --port ${port + 100}`)
      await refused(['dev', '--data', join(folder, 'port'), '--port', String(port)], 71, advice)
      await new Promise((resolve) => server.close(() => resolve(undefined)))
    }
  })

  test('a folder that a running cluster uses, even at other ports; the running one is not disturbed', async () => {
    const data = join(folder, 'used')
    const port = await freeDevPort()
    const first = dev(data, port, '--nodes', '1')
    await first.says(/Ready in/)
    const before = readFileSync(join(data, 'node-1', 'server.properties'), 'utf8')
    const other = ['dev', '--data', data, '--nodes', '1', '--port', String(await freeDevPort())]
    await refused(other, 70, /Another 'odradek dev' is running on .*used\. Stop that one .*or name another folder with --data/)
    await refused([...other, '--fresh'], 70, /Another 'odradek dev' is running/)
    assert.equal(readFileSync(join(data, 'node-1', 'server.properties'), 'utf8'), before)
    await refused(
      [
        'server',
        join(data, 'node-1', 'server.properties'),
        '--override',
        `listeners=PLAINTEXT://127.0.0.1:${port + 50},CONTROLLER://127.0.0.1:${port + 1_050}`,
        '--override',
        `controller.quorum.voters=1@127.0.0.1:${port + 1_050}`,
      ],
      70,
      /is in use by another process .*Stop that one/,
    )
    assert.deepEqual(await topicNames(port), [])
    first.child.kill('SIGTERM')
    assert.equal((await first.ended).code, 0)
    // a lock that a dead process left is no obstacle
    writeFileSync(join(data, 'cluster.lock'), `${JSON.stringify({ pid: 1, started: '0', boot: 'another', namespace: '' })}\n`)
    const again = dev(data, port, '--nodes', '1')
    await again.says(/Ready in/)
    again.child.kill('SIGTERM')
    assert.equal((await again.ended).code, 0)
    const port2 = String(await freeDevPort())
    await refused(
      ['dev', '--data', data, '--port', port2],
      70,
      /holds a cluster of 1 nodes?\. Start it with --nodes 1, begin anew with --fresh/,
    )
  })

  test('a directory of another cluster', async () => {
    const [one, other] = [join(folder, 'one'), join(folder, 'other')]
    for (const data of [one, other]) {
      const it = dev(data, await freeDevPort())
      await it.says(/Ready in/)
      it.child.kill('SIGTERM')
      await it.ended
    }
    rmSync(join(one, 'node-2'), { recursive: true })
    cpSync(join(other, 'node-2'), join(one, 'node-2'), { recursive: true })
    const port = String(await freeDevPort())
    await refused(
      ['dev', '--data', one, '--port', port],
      70,
      /node-2.log belongs to cluster \S+, .*node-1.log to cluster \S+: .*Take the folder away/,
    )
    rmSync(join(one, 'node-2'), { recursive: true })
    cpSync(join(one, 'node-1'), join(one, 'node-2'), { recursive: true })
    const it = dev(one, Number(port))
    await it.says(/node-2.log/)
    assert.notEqual((await it.ended).code, 0)
    assert.deepEqual(processesOf(one), [])
  })

  test('folders that are none, or none of ours', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, 'x')
    await refused(['dev', '--data', file], 70, /cannot be made or used as a folder/)
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs)
    writeFileSync(join(theirs, 'precious'), 'x')
    await refused(['dev', '--data', theirs, '--fresh'], 70, /was not made by 'odradek dev'.*--fresh will not empty it/)
    assert.deepEqual(readdirSync(theirs), ['precious'])
    writeFileSync(join(theirs, 'meta.properties'), 'version=1\n')
    await refused(['dev', '--data', theirs], 70, /is the log directory of one node/)
  })

  test('wrong arguments and wrong properties', async () => {
    const data = join(folder, 'wrong')
    await refused(['dev', '--nodes', '10'], 64, /a whole number from 1 to 9/)
    await refused(['dev', '--sett', 'a=b'], 64, /unknown option/)
    await refused(['dev', '--data', data, '--set', 'node.id=4'], 64, /'odradek dev' decides this one/)
    await refused(['dev', '--data', data, '--set', 'min.insync.replica=2'], 64, /min\.insync\.replicas/)
    await refused(['dev', '--data', data, '--set', 'log.segment.bytes=many'], 64, /log\.segment\.bytes/)
    await refused(['server', join(folder, 'nowhere.properties')], 64, /nowhere\.properties/)
    const wrong = join(folder, 'wrong.properties')
    writeFileSync(wrong, 'process.roles=broker,controller\nnode.id=1\nlog.dir.s=/nowhere\n')
    await refused(['server', wrong], 64, /wrong\.properties:3/)
  })
})
