import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Log } from '../base/ports.ts'
import { loadServerConfig } from './server-properties.ts'

const quiet: Log = { write: () => {} }

test("a listener without a host is bound everywhere and told by this machine's name; a controller's by its name among the voters", () => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-properties-'))
  const file = join(folder, 'server.properties')
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    'controller.quorum.voters=1@localhost:9093',
    'listeners=PLAINTEXT://:9092,CONTROLLER://:9093',
    'controller.listener.names=CONTROLLER',
    `log.dirs=${folder}`,
  ]
  writeFileSync(file, lines.join('\n'))
  const config = loadServerConfig(file, [], quiet)
  rmSync(folder, { recursive: true })
  assert.deepEqual(
    config.listeners.map((it) => it.host),
    ['', ''],
  )
  assert.deepEqual(
    config.advertisedListeners.map(({ host, port }) => [host, port]),
    [[hostname(), 9092]],
  )
  assert.deepEqual(
    config.controllerAdvertisedListeners.map(({ host, port }) => [host, port]),
    [['localhost', 9093]],
  )
})
