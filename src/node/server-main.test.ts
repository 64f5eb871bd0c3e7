import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Log } from '../base/ports.ts'
import { ClusterClient } from '../client/cluster-client.ts'
import { systemPorts } from './ports.ts'
import { loadServerConfig } from './server-properties.ts'
import { formatStorage } from './storage-format.ts'

const quiet: Log = { write: () => {} }
const entry = `const { runServer } = await import(${JSON.stringify(new URL('./server-main.js', import.meta.url).href)}); await runServer(process.argv[1], [])`

async function freePort(): Promise<number> {
  const { port, close } = await systemPorts(quiet).network.listen('127.0.0.1', 0, () => {})
  await close()
  return port
}

async function node(t: TestContext, format: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-server-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'server.properties')
  const [port, controllerPort] = [await freePort(), await freePort()]
  writeFileSync(
    path,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.listener.names=CONTROLLER',
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      `log.dirs=${join(folder, 'data')}`,
    ].join('\n'),
  )
  if (format) formatStorage(systemPorts(quiet), loadServerConfig(path, [], quiet), { clusterId: 'test', ignoreFormatted: false })
  return { folder, path, port }
}

function start(t: TestContext, path: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', entry, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  let look: () => void = () => {}
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
    look()
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const says = (what: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      look = () => {
        if (what.test(output)) resolve()
      }
      look()
      void ended.then(() => reject(new Error(`ended without ${what}:\n${output}`)))
    })
  return { child, ended, says, output: () => output }
}

/** A topic is created, records are produced and read back, over the node's own wire. */
async function useCluster(t: TestContext, port: number): Promise<void> {
  const client = new ClusterClient(systemPorts(quiet), { bootstrap: [{ host: '127.0.0.1', port }], clientId: 'test' })
  t.after(() => client.close())
  const options = { timeoutMs: 10_000 }
  await client.createTopics(
    [{ name: 'greetings', partitions: 2, replicationFactor: 1, configs: new Map([['min.insync.replicas', '1']]) }],
    options,
  )
  const at = { topic: 'greetings', partition: 1 }
  const record = (text: string) => ({ key: null, value: Buffer.from(text) })
  const offsets = await Promise.all([client.produce(at, [record('a'), record('b')], options), client.produce(at, [record('c')], options)])
  assert.deepEqual(offsets, [0, 2])
  const { records, highWatermark } = await client.fetch(at, 1, { ...options, maxWaitMs: 100 })
  assert.deepEqual(
    records.map((it) => it.value?.toString()),
    ['b', 'c'],
  )
  assert.equal(highWatermark, 3)
  assert.deepEqual([await client.listOffset(at, -2, options), await client.listOffset(at, -1, options)], [0, 3])
}

test('a node starts, serves, keeps a second one out of its directory, and stops in order', async (t) => {
  const { folder, path, port } = await node(t, true)
  const first = start(t, path)
  await first.says(/node-started/)
  await useCluster(t, port)
  const second = start(t, path)
  assert.equal(await second.ended, 70)
  assert.match(second.output(), /in use by another process/)
  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0, first.output())
  assert.match(first.output(), /Stopped in order/)
  assert.equal(existsSync(join(folder, 'data', '.lock')), false)
})

test('a port in use ends a node with status 71 and a line that says what to do', async (t) => {
  const { path, port } = await node(t, true)
  const squatter = createServer().listen(port, '127.0.0.1')
  t.after(() => squatter.close())
  const run = start(t, path)
  assert.equal(await run.ended, 71, run.output())
  assert.match(run.output(), new RegExp(`Port ${port} is in use\\. Stop what listens there`))
})

test('a directory that was never formatted ends a node with status 70, a wrong property with 64', async (t) => {
  const { path } = await node(t, false)
  const run = start(t, path)
  assert.equal(await run.ended, 70)
  assert.match(run.output(), /is not formatted\. Prepare it with: odradek storage format/)
  writeFileSync(path, 'node.id=one\n')
  const wrong = start(t, path)
  assert.equal(await wrong.ended, 64)
  assert.match(wrong.output(), /server\.properties:1: node\.id/)
})
