// npm run demo holds what it shows, and leaves nothing behind.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { dist } from '../rig/build.mjs'
import { root } from '../rig/peers.mjs'
import { until } from '../rig/processes.mjs'
import { DevProcess, processesOf } from './dev-process.mjs'

const argv = [process.execPath, join(root, 'scripts', 'demo.mjs')]
const env = { ODRADEK_DIST: dist }

test('the demo counts nothing lost and nothing doubled, and says so by its exit status', async () => {
  const demo = new DevProcess(argv, { env })
  const { code } = await demo.ended
  assert.equal(code, 0, demo.output + demo.errors)
  assert.match(demo.output, /kill -9 node \d, the leader of demo-/)
  assert.match(demo.output, /read again +\d+ +lost 0, doubled 0, out of order 0/)
  assert.match(demo.output, /The promise held/)
  assert.deepEqual(processesOf('odradek-demo-'), [])
})

test('broken off in the middle it leaves no process behind', async () => {
  const demo = new DevProcess(argv, { env })
  await demo.says(/kafkajs writes/)
  demo.child.kill('SIGINT')
  assert.equal((await demo.ended).code, 1)
  await until('its nodes are gone', () => processesOf('odradek-demo-').length === 0)
})
