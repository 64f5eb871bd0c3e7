import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { exitCodes } from '../../node/exit-codes.ts'
import { agreementPorts } from './agreement.ts'
import { layOut, type LayoutOptions } from './layout.ts'
import { LayoutProblem } from './layout-problem.ts'
import { checkProperties, prepareStorage } from './prepare-storage.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'odradek-layout-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function options(data: string, more: Partial<LayoutOptions> = {}): LayoutOptions {
  return { nodes: 3, port: 9092, data, memory: false, fresh: false, set: [], ...more }
}

function properties(file: string): ReadonlyMap<string, string> {
  const lines = readFileSync(file, 'utf8').split('\n')
  return new Map(
    lines
      .filter((it) => it.includes('=') && !it.startsWith('#'))
      .map((it) => [it.slice(0, it.indexOf('=')), it.slice(it.indexOf('=') + 1)] as const),
  )
}

test('three nodes are laid out at ports that follow one another, with copies on all and two of them needed', (t) => {
  const layout = layOut(options(folder(t)))
  assert.equal(layout.bootstrap, '127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094')
  assert.deepEqual(
    layout.places.map((it) => it.id),
    [1, 2, 3],
  )
  const third = properties(layout.places[2]?.propertiesFile ?? '')
  assert.equal(third.get('node.id'), '3')
  assert.equal(third.get('default.replication.factor'), '3')
  assert.equal(third.get('offsets.topic.replication.factor'), '3')
  assert.equal(third.get('min.insync.replicas'), '2')
  assert.equal(third.get('controller.quorum.voters'), '1@127.0.0.1:10092,2@127.0.0.1:10093,3@127.0.0.1:10094')
  layout.release()
})

test('one node has one copy; --set goes before what is written otherwise', (t) => {
  const layout = layOut(options(folder(t), { nodes: 1, set: ['min.insync.replicas=1', 'num.partitions=7', 'min.insync.replicas=1'] }))
  const only = properties(layout.places[0]?.propertiesFile ?? '')
  assert.equal(only.get('default.replication.factor'), '1')
  assert.equal(only.get('offsets.topic.replication.factor'), '1')
  assert.equal(only.get('num.partitions'), '7')
  layout.release()
})

test('what dev decides itself is refused', (t) => {
  const data = folder(t)
  assert.throws(() => layOut(options(data, { set: ['log.dirs=/elsewhere'] })), { name: 'LayoutProblem', exitCode: exitCodes.usage })
})

test('the folder is held until it is released', (t) => {
  const data = folder(t)
  const first = layOut(options(data))
  assert.throws(() => layOut(options(data)), /Another 'odradek dev' is running/)
  first.release()
  layOut(options(data)).release()
})

test('a cluster of three is not started as one of five, but begins anew when told to', (t) => {
  const data = folder(t)
  layOut(options(data)).release()
  writeFileSync(join(data, 'node-3', 'kept'), '')
  assert.throws(() => layOut(options(data, { nodes: 5 })), /holds a cluster of 3 nodes\. Start it with --nodes 3/)
  layOut(options(data, { nodes: 5, fresh: true })).release()
  assert.ok(!existsSync(join(data, 'node-3', 'kept')))
})

test('--fresh takes a folder that is empty or not there', (t) => {
  const data = folder(t)
  layOut(options(data, { fresh: true })).release()
  layOut(options(join(data, 'new', 'folder'), { fresh: true })).release()
})

test('--fresh never empties a folder that dev did not make', (t) => {
  const data = folder(t)
  writeFileSync(join(data, 'precious'), '')
  assert.throws(() => layOut(options(data, { fresh: true })), /was not made by 'odradek dev'/)
  assert.ok(existsSync(join(data, 'precious')))
})

test('a shape that cannot be read is named, not guessed', (t) => {
  const data = folder(t)
  for (const text of ['{"nodes"', '[]', 'null']) {
    writeFileSync(join(data, 'cluster.json'), text)
    assert.throws(() => layOut(options(data)), /cluster\.json is not what 'odradek dev' writes/)
  }
})

test('folders with a comma or of a single node are refused', (t) => {
  const data = folder(t)
  assert.throws(() => layOut(options(join(data, 'a,b'))), /has a comma in it/)
  writeFileSync(join(data, 'meta.properties'), '')
  assert.throws(() => layOut(options(data)), /the log directory of one node/)
})

test('memory is forgotten when it is released', () => {
  const layout = layOut(options('unused', { memory: true, nodes: 1 }))
  assert.ok(existsSync(layout.folder))
  layout.release()
  assert.ok(!existsSync(layout.folder))
})

test('all nodes get one cluster id, a node that is new gets that of the others, and two ids are refused', (t) => {
  const data = folder(t)
  const layout = layOut(options(data))
  t.after(() => layout.release())
  const idOf = (id: number): string | undefined => properties(join(data, `node-${id}`, 'log', 'meta.properties')).get('cluster.id')
  prepareStorage(layout)
  const first = idOf(1)
  assert.ok(first !== undefined && first.length > 10)
  assert.deepEqual([idOf(2), idOf(3)], [first, first])
  rmSync(join(data, 'node-2', 'log'), { recursive: true })
  prepareStorage(layout)
  assert.equal(idOf(2), first)
  mkdirSync(join(data, 'node-3', 'log'), { recursive: true })
  writeFileSync(join(data, 'node-3', 'log', 'meta.properties'), 'version=1\ncluster.id=other\nnode.id=3\n')
  assert.throws(() => prepareStorage(layout), /node-3.log belongs to cluster other, .*node-2.log to cluster/)
})

test('a wrong property is told before anything starts', (t) => {
  const layout = layOut(options(folder(t), { set: ['log.segment.bytes=many'] }))
  t.after(() => layout.release())
  assert.throws(
    () => checkProperties(layout),
    (error) => error instanceof LayoutProblem && error.exitCode === exitCodes.usage && /log\.segment\.bytes/.test(error.message),
  )
})

test('over ZooKeeper nodes have no voters; an ensemble that is started has ports of its own', (t) => {
  const joined = layOut(options(folder(t), { zookeeper: 'a:2181,b:2181/kafka' }))
  t.after(() => joined.release())
  const first = properties(joined.places[0]?.propertiesFile ?? '')
  assert.equal(first.get('zookeeper.connect'), 'a:2181,b:2181/kafka')
  assert.deepEqual([first.get('process.roles'), first.get('controller.quorum.voters')], [undefined, undefined])
  assert.doesNotThrow(() => checkProperties(joined))
  assert.deepEqual(agreementPorts(joined.agreement), [])
  const started = layOut(options(folder(t), { withZookeeper: 3 }))
  t.after(() => started.release())
  assert.equal(
    properties(started.places[2]?.propertiesFile ?? '').get('zookeeper.connect'),
    '127.0.0.1:10142,127.0.0.1:10143,127.0.0.1:10144',
  )
  const ports = [...started.places.flatMap((it) => [it.port, it.controllerPort]), ...agreementPorts(started.agreement)]
  assert.equal(new Set(ports).size, 3 * 2 + 3 * 3)
})

test('where a cluster agrees belongs to its data; the addresses of an ensemble may change, its chroot may not', (t) => {
  const data = folder(t)
  layOut(options(data)).release()
  assert.throws(
    () => layOut(options(data, { withZookeeper: 3 })),
    /agrees through a KRaft quorum of its own, not through --with-zookeeper\./,
  )
  mkdirSync(join(data, 'zookeeper', 'server-1'), { recursive: true })
  layOut(options(data, { zookeeper: 'a:2181/kafka', fresh: true })).release()
  assert.ok(!existsSync(join(data, 'zookeeper')))
  layOut(options(data, { zookeeper: 'b:2181,c:2182/kafka/' })).release()
  assert.throws(
    () => layOut(options(data, { zookeeper: 'a:2181' })),
    /through --zookeeper with chroot \/kafka, not through --zookeeper with no chroot/,
  )
  assert.throws(() => layOut(options(data)), /not through a KRaft quorum/)
  layOut(options(data, { withZookeeper: 1, fresh: true })).release()
  assert.throws(() => layOut(options(data, { withZookeeper: 3 })), /through --with-zookeeper 1, not through --with-zookeeper\./)
})

test('options for ZooKeeper that contradict each other, or name no server, are refused before anything is written', (t) => {
  const data = folder(t)
  const refused = (more: Partial<LayoutOptions>, message: RegExp): void =>
    assert.throws(() => layOut(options(data, more)), { name: 'LayoutProblem', exitCode: exitCodes.usage, message })
  refused({ zookeeper: 'a:2181', withZookeeper: 3 }, /give one of them/)
  refused({ zookeeperHome: '/opt/zookeeper' }, /give both of them/)
  refused({ zookeeper: 'a:2181:3' }, /^--zookeeper: 'a:2181:3' in .* expected is host:port/)
  refused({ zookeeper: 'a:2181/x//y' }, /^--zookeeper: the chroot of/)
  refused({ set: ['zookeeper.connect=a:2181'] }, /'odradek dev' decides this one.*--zookeeper/)
  assert.ok(!existsSync(join(data, 'cluster.json')))
})
