// The programs of examples/, as they are, against a cluster of three.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { startCluster, temporaryFolder } from '../rig/cluster.mjs'
import { jarsFolder, root, without } from '../rig/peers.mjs'

const run = promisify(execFile)
const timeout = 60_000

describe('the examples', () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster?.stop())

  test('TypeScript', async () => {
    const project = join(root, 'examples', 'typescript')
    // within the project's folder, so that the client of its own development is found
    const out = join(root, '.build', 'examples')
    await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project, '--outDir', out], { timeout })
    const { stdout } = await run(process.execPath, [join(out, 'orders.js'), cluster.bootstrap], { timeout })
    assert.match(stdout, /created orders-ts: 3 partitions, 3 copies of each\nsent 1000 records\nread 1000 records\n/)
    const again = await run(process.execPath, [join(out, 'orders.js'), cluster.bootstrap], { timeout })
    assert.match(again.stdout, /orders-ts is there already\nsent 1000 records\nread 1000 records\n/)
  })

  test('Java', { skip: without('java') }, async () => {
    const jars = join(jarsFolder(), '*')
    const out = temporaryFolder('example')
    const source = join(root, 'examples', 'java', 'src', 'main', 'java', 'example', 'Orders.java')
    await run('javac', ['-d', out, '-cp', jars, source], { timeout })
    const { stdout } = await run('java', ['-cp', `${out}:${jars}`, 'example.Orders', cluster.bootstrap], { timeout })
    assert.match(
      stdout,
      /created orders: 3 partitions, 3 copies of each\nsent 1000 records, 0 of them failed\nread 1000 records, the last one/,
    )
    const again = await run('java', ['-cp', `${out}:${jars}`, 'example.Orders', cluster.bootstrap], { timeout })
    assert.match(again.stdout, /orders is there already\nsent 1000 records, 0 of them failed\nread 1000 records, the last one/)
  })
})
