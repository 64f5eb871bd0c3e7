// docs/reference/apis.md is what clients are told, API by API and version by version.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startCluster } from '../rig/cluster.mjs'
import { root } from '../rig/peers.mjs'
import { apis, ask } from '../rig/wire.mjs'

/** @type {Awaited<ReturnType<typeof startCluster>>} */
let cluster
before(async () => {
  cluster = await startCluster({ nodes: 1 })
})
after(() => cluster?.stop())

/** @param {'broker' | 'controller'} listener */
function documented(listener) {
  const rows = readFileSync(join(root, 'docs', 'reference', 'apis.md'), 'utf8').matchAll(
    /^\| (\d+) \| \w+ \| (\d+)(?: to (\d+))? \| (.+) \|$/gm,
  )
  return [...rows]
    .filter(([, , , , listeners = '']) => listeners.split(', ').includes(listener))
    .map(([, key, low, high]) => ({ apiKey: Number(key), minVersion: Number(low), maxVersion: Number(high ?? low) }))
}

for (const listener of /** @type {const} */ (['broker', 'controller'])) {
  test(`a ${listener} advertises what the page says, and nothing else`, async () => {
    const node = cluster.nodes[0]
    const port = (listener === 'broker' ? node?.port : node?.controllerPort) ?? 0
    const { errorCode, apiKeys } = await ask(port, 'apiVersions', 4, { clientSoftwareName: 'odradek-rig', clientSoftwareVersion: '1' })
    assert.equal(errorCode, 0)
    const told = apiKeys
      // Produce is advertised from 0 (KAFKA-18659), and served from 3
      .map(({ apiKey, minVersion, maxVersion }) => ({ apiKey, minVersion: apiKey === apis.produce.key ? 3 : minVersion, maxVersion }))
      .sort((a, b) => a.apiKey - b.apiKey)
    assert.deepEqual(told, documented(listener))
  })
}
