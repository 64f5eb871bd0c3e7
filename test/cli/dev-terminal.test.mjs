// The cluster of `npm start` in a terminal: what a person sees and what the keys do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onPath } from '../rig/peers.mjs'
import { removeFolder, temporaryFolder, until } from '../rig/processes.mjs'
import { ask } from '../rig/wire.mjs'
import { DevProcess, freeDevPort, processesOf } from './dev-process.mjs'

const skip = onPath('script') === undefined && 'there is no script(1) to make a terminal with (Debian: bsdutils)'

test('keys kill, pause, stop and restart nodes, show the status and quit', { skip }, async () => {
  const folder = temporaryFolder('keys')
  const port = await freeDevPort()
  const dev = DevProcess.odradek(['dev', '--data', folder, '--port', String(port)], { terminal: true })
  await dev.says(/Ready in \d+\.\d+ s: 3 nodes at 127\.0\.0\.1:\d+,/)
  await dev.says(/keys: k 1 kill/)

  dev.press('k1')
  await dev.says(/kill -9 node 1/)
  await dev.says(/node 1 is down\. Restart it with r 1\./)
  await dev.says(/broker 1 is fenced/)
  dev.press('s')
  const status = await dev.says(/node 1 {2}127\.0\.0\.1:\d+ {2}down/)
  await dev.says(/active controller: node [23] \(epoch \d+\); brokers in service: 2, 3/)
  assert.match(status, /down/)
  dev.press('k1')
  await dev.says(/node 1 is down already/)

  dev.press('r1')
  await dev.says(/node 1 starts/)
  await dev.says(/broker 1 is in service/)

  dev.press('p2')
  await dev.says(/node 2 is paused \(SIGSTOP\)/)
  await dev.says(/broker 2 is fenced/)
  dev.press('p2')
  await dev.says(/node 2 goes on/)
  await dev.says(/broker 2 is in service/)

  dev.press('t3')
  await dev.says(/node 3 is stopping in order/)
  await dev.says(/node 3 is down/)
  dev.press('r3r3')
  await dev.says(/broker 3 is in service/)
  await until('all three are known', async () => (await ask(port, 'metadata', 12, { topics: [] })).brokers.length === 3)

  dev.press('x9 k')
  dev.press('q')
  await dev.says(/stopping all nodes/)
  await dev.says(/all nodes are down/)
  assert.equal((await dev.ended).code, 0)
  assert.deepEqual(processesOf(folder), [])
  removeFolder(folder)
})

test('a paused node does not hold up the end, and Ctrl-C is a way to quit', { skip }, async () => {
  const folder = temporaryFolder('paused')
  const dev = DevProcess.odradek(['dev', '--data', folder, '--port', String(await freeDevPort())], { terminal: true })
  await dev.says(/keys: k 1 kill/)
  dev.press('p3')
  await dev.says(/node 3 is paused/)
  dev.press('\u0003')
  await dev.says(/all nodes are down/, 20_000)
  assert.equal((await dev.ended).code, 0)
  assert.deepEqual(processesOf(folder), [])
  removeFolder(folder)
})
