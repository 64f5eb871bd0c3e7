import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Log } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import { decodeRecord } from '../metadata/record-frame.ts'
import { readBootstrap } from '../quorum/bootstrap.ts'
import { MemoryDisk } from '../sim/memory-disk.ts'
import { StartProblem } from './exit-codes.ts'
import { checkDirectories, lockDirectories } from './log-directories.ts'
import { systemPorts } from './ports.ts'
import { loadServerConfig, readProperties } from './server-properties.ts'
import { describeStorage, formatStorage } from './storage-format.ts'

const lines: string[] = []
const log: Log = { write: (_level, _event, message) => void lines.push(message) }
const ports = systemPorts(log)

function node(t: TestContext, ...more: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-node-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'server.properties')
  const own = [
    'process.roles=broker,controller',
    'node.id=1',
    'controller.quorum.voters=1@127.0.0.1:19092',
    'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19092',
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${join(folder, 'a')},${join(folder, 'b')}`,
  ]
  writeFileSync(path, [...own, ...more].join('\n'))
  return { folder, path }
}

const problem = (run: () => unknown): StartProblem => {
  try {
    run()
  } catch (error) {
    if (error instanceof StartProblem) return error
    throw error
  }
  throw new Error('no problem')
}

test('formatting gives each directory its identity and the metadata directory its first records', (t) => {
  const { folder, path } = node(t)
  const config = loadServerConfig(path, [], log)
  const done = formatStorage(ports, config, { clusterId: 'MkU3OEVBNTcwNTJENDM2Qg', ignoreFormatted: false })
  assert.deepEqual(
    done.map((it) => [it.directory, it.what, it.metadataVersion]),
    [
      [join(folder, 'a'), 'formatted', '4.3-IV0'],
      [join(folder, 'b'), 'formatted', '4.3-IV0'],
    ],
  )
  assert.match(
    readFileSync(join(folder, 'a', 'meta.properties'), 'utf8'),
    /cluster\.id=MkU3OEVBNTcwNTJENDM2Qg\n.*directory\.id=[\w-]{22}\nnode\.id=1\nversion=1\n/,
  )
  const values = readBootstrap(ports.disk, join(folder, 'a')) ?? []
  assert.deepEqual(
    values.map((value) => decodeRecord(value).message),
    [
      { name: 'metadata.version', featureLevel: 30 },
      { name: 'group.version', featureLevel: 1 },
      { name: 'eligible.leader.replicas.version', featureLevel: 1 },
    ],
  )
  assert.equal(readBootstrap(ports.disk, join(folder, 'b')), null)
  assert.deepEqual([...checkDirectories(ports.disk, config, path).keys()], [join(folder, 'a'), join(folder, 'b')])
  assert.equal(describeStorage(ports.disk, config).ok, true)
})

test('a formatted directory is not formatted again, and only its own cluster may ignore that', (t) => {
  const { path } = node(t)
  const config = loadServerConfig(path, [], log)
  formatStorage(ports, config, { clusterId: 'one', ignoreFormatted: false })
  assert.match(problem(() => formatStorage(ports, config, { clusterId: 'one', ignoreFormatted: false })).message, /--ignore-formatted/)
  assert.match(problem(() => formatStorage(ports, config, { clusterId: 'two', ignoreFormatted: true })).message, /belongs to cluster one/)
  const again = formatStorage(ports, config, { clusterId: 'one', ignoreFormatted: true })
  assert.ok(again.every((it) => it.what === 'was formatted already'))
})

test('a release is found by its name, and an unknown one is named', (t) => {
  const { path } = node(t)
  const config = loadServerConfig(path, [], log)
  assert.match(
    problem(() => formatStorage(ports, config, { clusterId: 'one', ignoreFormatted: false, releaseVersion: '9.9' })).message,
    /no release '9.9'/,
  )
  const done = formatStorage(ports, config, { clusterId: 'one', ignoreFormatted: false, releaseVersion: '3.9' })
  assert.equal(done[0]?.metadataVersion, '3.9-IV0')
  assert.equal(readBootstrap(ports.disk, done[0]?.directory ?? '')?.length, 1, 'without the consumer protocol, which came with 4.0')
})

test('directories that are not formatted, of another node, or copies of each other are refused with what to do', (t) => {
  const { folder, path } = node(t)
  const config = loadServerConfig(path, [], log)
  assert.match(problem(() => checkDirectories(ports.disk, config, path)).message, /not formatted.*storage format/)
  formatStorage(ports, config, { clusterId: 'one', ignoreFormatted: false })
  const other = { ...config, nodeId: 2 }
  assert.match(problem(() => checkDirectories(ports.disk, other, path)).message, /belongs to node 1/)
  const meta = readFileSync(join(folder, 'a', 'meta.properties'), 'utf8')
  writeFileSync(join(folder, 'b', 'meta.properties'), meta)
  assert.match(problem(() => checkDirectories(ports.disk, config, path)).message, /copy of the other/)
  writeFileSync(
    join(folder, 'b', 'meta.properties'),
    meta.replace('one', 'two').replace(/directory.id=.*/, 'directory.id=MkU3OEVBNTcwNTJENDM2Qg'),
  )
  assert.match(problem(() => checkDirectories(ports.disk, config, path)).message, /belongs to cluster two/)
})

test('a directory that another process holds is refused with status 70', (t) => {
  const { path } = node(t)
  const config = loadServerConfig(path, [], log)
  formatStorage(ports, config, { clusterId: 'one', ignoreFormatted: false })
  lockDirectories((lock) => void ports.disk.lock(lock), config)
  const { exitCode, message } = problem(() => lockDirectories((lock) => void ports.disk.lock(lock), config))
  assert.equal(exitCode, 70)
  assert.match(message, /in use by another process/)
})

test('all that is wrong in a server.properties is named with its line, and the status is 64', (t) => {
  const { path } = node(t, 'num.partitions=many', '# fine', 'min.insync.replica=2')
  const { exitCode, message } = problem(() => loadServerConfig(path, [], log))
  assert.equal(exitCode, 64)
  assert.match(message, new RegExp(`${path}:8: num.partitions`))
  assert.match(message, new RegExp(`${path}:10: min.insync.replica`))
})

test('what has no effect is warned about in one line, and an override goes before the file', (t) => {
  const { path } = node(t, 'num.io.threads=8', 'socket.send.buffer.bytes=1024', 'num.partitions=3')
  lines.length = 0
  const config = loadServerConfig(path, ['num.partitions=5'], log)
  assert.equal(config.numPartitions, 5)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /num\.io\.threads \(line 8\), socket\.send\.buffer\.bytes \(line 9\)/)
})

test('properties are read in the syntax of Java, each with its line', () => {
  assert.deepEqual(readProperties('# c\na = 1\nb: x\\\n  y\n! c\na=2\n'), [
    { name: 'a', value: '1', line: 2 },
    { name: 'b', value: 'xy', line: 3 },
    { name: 'a', value: '2', line: 6 },
  ])
})

test('what is formatted is there after a loss of power, with the folders above it', (t) => {
  const { path } = node(t)
  const given = loadServerConfig(path, [], log)
  const config = { ...given, logDirs: ['/srv/odradek/a', '/srv/odradek/b'], metadataLogDir: '/srv/odradek/a' }
  for (let seed = 1; seed <= 10; seed++) {
    const disk = new MemoryDisk()
    formatStorage({ ...ports, disk }, config, { clusterId: 'MkU3OEVBNTcwNTJENDM2Qg', ignoreFormatted: false })
    disk.crash(new Prng(seed))
    assert.deepEqual([...checkDirectories(disk, config, path).keys()], config.logDirs)
  }
})
