// `npm start` over ZooKeeper: with an ensemble of its own, and with one that is there; what is in its way is named with what to do.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DevProcess, freeDevPort, processesOf } from '../cli/dev-process.mjs'
import { removeFolder, temporaryFolder, until } from '../rig/processes.mjs'
import { ask } from '../rig/wire.mjs'
import { ports, startEnsemble, withoutZooKeeper, ZooKeeperClient } from './ensemble.mjs'

const readyWithinMs = 180_000
const timeout = 600_000
const folder = temporaryFolder('dev-zookeeper')
after(() => removeFolder(folder))

/** @param {number} port @param {string} name */
async function makeTopic(port, name) {
  const created = await ask(port, 'createTopics', 7, { topics: [{ name, numPartitions: 2, replicationFactor: -1 }], timeoutMs: 30_000 })
  assert.equal(created.topics[0].errorCode, 0)
}
const topicNames = async (/** @type {number} */ port) => (await ask(port, 'metadata', 12, { topics: null })).topics.map(({ name }) => name)

/** @param {InstanceType<typeof DevProcess>} it */
async function ends(it, /** @type {NodeJS.Signals} */ signal = 'SIGTERM') {
  it.child.kill(signal)
  await it.says(/all nodes are down/)
  assert.equal((await it.ended).code, 0)
}

/** @param {string[]} args @param {number} status @param {RegExp} says @param {NodeJS.ProcessEnv} [env] */
async function refused(args, status, says, env = {}) {
  const it = DevProcess.odradek(['dev', ...args], { env })
  const { code } = await it.ended
  assert.match(it.errors + it.output, says)
  assert.equal(code, status)
  assert.doesNotMatch(it.errors + it.output, /\n\s+at /, 'no stack')
}

describe('an ensemble of its own', { skip: withoutZooKeeper(), timeout }, () => {
  test('is started first, holds the metadata, is found again, and ends with the cluster however that ends', async () => {
    const data = join(folder, 'own')
    const port = await freeDevPort()
    const args = ['dev', '--data', data, '--port', String(port), '--with-zookeeper']
    const first = DevProcess.odradek(args)
    await first.says(/starting 3 servers of ZooKeeper/)
    await first.says(/Ready in/, readyWithinMs)
    await first.says(new RegExp(`zkCli\\.sh -server 127\\.0\\.0\\.1:${port + 1050},127`))
    await makeTopic(port, 'kept')
    assert.equal(processesOf(join(data, 'zookeeper', 'server-')).length, 3)
    first.child.kill('SIGKILL')
    await until('nothing is left', () => processesOf(data).length === 0, { timeoutMs: 60_000 })

    const second = DevProcess.odradek(args)
    await second.says(/SIGINT or SIGTERM stops/, readyWithinMs)
    assert.deepEqual(await topicNames(port), ['kept'])
    const server = processesOf(join(data, 'zookeeper', 'server-2'))[0]
    assert.ok(server !== undefined)
    process.kill(server.pid, 'SIGKILL')
    await second.says(/server 2 of the ZooKeeper ensemble ended by itself; the reason is at the end of .*server-2.out\.log/)
    await makeTopic(port, 'with-two-servers')
    await ends(second, 'SIGINT')
    assert.deepEqual(processesOf(data), [])
    await refused(['--data', data, '--port', String(port)], 70, /agrees through --with-zookeeper, not through a KRaft quorum/)
  })

  test('of one server, with one node, in memory; told to stop while ZooKeeper starts it leaves nothing', async () => {
    const args = ['dev', '--memory', '--nodes', '1', '--port', String(await freeDevPort()), '--with-zookeeper', '1']
    const it = DevProcess.odradek(args)
    const said = await it.says(/SIGINT or SIGTERM stops/, readyWithinMs).then(() => it.child.pid)
    assert.ok(said !== undefined)
    await ends(it)
    const data = join(folder, 'stopped')
    const early = DevProcess.odradek(['dev', '--data', data, '--port', String(await freeDevPort()), '--with-zookeeper', '1'])
    await early.says(/starting one server of ZooKeeper/)
    early.child.kill('SIGTERM')
    await early.ended
    await until('nothing is left', () => processesOf(data).length === 0, { timeoutMs: 60_000 })
  })
})

describe('an ensemble that is there', { skip: withoutZooKeeper(), timeout }, () => {
  /** @type {Awaited<ReturnType<typeof startEnsemble>>} */
  let ensemble

  before(async () => {
    ensemble = await startEnsemble()
  })
  after(() => ensemble?.remove())

  test('is joined below its chroot, and only with the folder that belongs to it', async () => {
    const data = join(folder, 'joined')
    const port = await freeDevPort()
    const zookeeper = ['--zookeeper', `${ensemble.connect}/kafka`]
    const args = ['--data', data, '--port', String(port), ...zookeeper]
    const first = DevProcess.odradek(['dev', ...args])
    await first.says(/SIGINT or SIGTERM stops/, readyWithinMs)
    await makeTopic(port, 'kept')
    await ends(first)
    await refused([...args, '--fresh'], 70, /holds cluster \S+, which --fresh does not remove.*deleteall \/kafka/)
    await refused(['--data', join(folder, 'other'), '--port', String(port), ...zookeeper], 70, /other holds none yet\. Name the folder/)

    const second = DevProcess.odradek(['dev', ...args])
    await second.says(/SIGINT or SIGTERM stops/, readyWithinMs)
    assert.deepEqual(await topicNames(port), ['kept'])
    await ends(second)
  })

  test("Apache Kafka's own place in it is refused, and nothing is written there", async () => {
    const zk = new ZooKeeperClient(ports, { connect: `${ensemble.connect}/theirs`, sessionTimeoutMs: 10_000 })
    zk.start({ onSession: () => {}, onWatch: () => {} })
    try {
      await zk.create('/cluster', Buffer.alloc(0), 'persistent')
      await zk.create('/cluster/id', Buffer.from('{"version":"1","id":"a"}'), 'persistent')
      const args = ['--data', join(folder, 'theirs'), '--zookeeper', `${ensemble.connect}/theirs`]
      await refused(args, 70, /holds a cluster of Apache Kafka.*--zookeeper \S+\/theirs\/odradek/)
      assert.deepEqual(await zk.children('/'), ['cluster'])
    } finally {
      await zk.close()
    }
  })
})

describe('what is missing is named, with what to do', () => {
  test('no ZooKeeper, no servers, wrong words', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const args = ['--data', join(folder, 'none'), '--with-zookeeper']
    await refused(args, 64, /empty has no ZooKeeper in it.*Correct ZOOKEEPER_HOME/, { ZOOKEEPER_HOME: empty })
    await refused([...args, '--zookeeper-home', empty], 64, /empty has no ZooKeeper in it.*Name the folder of a ZooKeeper/)
    await refused([...args, '2'], 64, /1 or 3/)
    await refused([...args, '--zookeeper', '127.0.0.1:1'], 64, /give one of them/)
    const nobody = ['--data', join(folder, 'nobody'), '--zookeeper', '127.0.0.1:1']
    await refused(nobody, 70, /No server of the ensemble at 127\.0\.0\.1:1 has answered within 10 s.*--with-zookeeper/)
  })
})
