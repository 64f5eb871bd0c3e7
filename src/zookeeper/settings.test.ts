import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../sim/manual-clock.ts'
import { MemoryNetwork } from '../sim/memory-network.ts'
import { ZooKeeperClient, ZooKeeperSettingError } from './client.ts'
import { parseConnectString, pathProblem } from './connect-string.ts'
import type { ZooKeeperOptions } from './options.ts'
import { ServerList } from './server-list.ts'

test('zookeeper.connect names servers and a chroot', () => {
  assert.deepEqual(parseConnectString('a:1,b,[::1]:3/x/y'), {
    servers: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2181 },
      { host: '::1', port: 3 },
    ],
    chroot: '/x/y',
  })
  assert.equal(parseConnectString('a:1/').chroot, '')
  assert.equal(parseConnectString('a:1, b:2').servers.length, 2)
  for (const text of ['', 'a:0', 'a:70000', 'a:b', '::1:2', '/x', 'a:1/x//y', 'a:1/../x', 'a b:1'])
    assert.throws(() => parseConnectString(text), ZooKeeperSettingError, text)
})

test('paths are looked at before anybody is asked', () => {
  for (const path of ['/', '/a', '/a/b.c', '/ä/…/a..b']) assert.equal(pathProblem(path), null, path)
  for (const path of ['', 'a', '/a/', '//', '/a/./b', '/..', '/a\n', '/\ue000']) assert.notEqual(pathProblem(path), null, path)
})

test('settings that cannot be used are refused with the reason', () => {
  const clock = new ManualClock()
  const ports = { clock, network: new MemoryNetwork(clock), entropy: { uint32: () => 0, uuid: () => '' } }
  const make = (options: Partial<ZooKeeperOptions>) => () =>
    new ZooKeeperClient(ports, { connect: 'a:1', sessionTimeoutMs: 1_000, ...options })
  assert.throws(make({ tls: true }), /TLS to the ensemble is not there/)
  assert.throws(make({ sessionTimeoutMs: 0 }), /more than 0 ms/)
  assert.throws(make({ digest: 'nobody' }), /user:password/)
  assert.doesNotThrow(make({ digest: 'user:', tls: false }))
})

test('servers take turns; a third of their share of the session at first, pauses only after whole rounds', () => {
  let at = 0
  const entropy = { uint32: () => (at += 7919), uuid: () => '' }
  const servers = [1, 2, 3].map((port) => ({ host: 'zk', port }))
  const list = new ServerList(servers, entropy)
  const first = [1, 2, 3].map(() => list.next(18_000))
  assert.deepEqual(
    first.map(({ server }) => server.port).sort((a, b) => a - b),
    [1, 2, 3],
  )
  assert.deepEqual(
    first.map(({ attemptMs }) => attemptMs),
    [2_000, 2_000, 2_000],
  )
  assert.ok(list.pauseMs() > 0)
  assert.equal(list.next(18_000).attemptMs, 4_000)
  assert.equal(list.pauseMs(), 0)
  for (let round = 0; round < 6; round += 1) list.next(18_000)
  assert.equal(list.next(18_000).attemptMs, 6_000)
  list.onConnected()
  assert.equal(list.pauseMs(), 0)
  assert.equal(list.next(18_000).attemptMs, 2_000)
})
