// What the power cuts take from the project's build.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dist } from '../rig/build.mjs'

const load = (/** @type {string} */ path) => import(pathToFileURL(join(dist, path)).href)

const { ClusterClient } = await load('client/cluster-client.js')
const { systemPorts } = await load('node/ports.js')

/** A client that asks again until its caller's time is over, and produces idempotently with acks=all. @param {readonly { port: number }[]} nodes */
export function clusterClient(nodes, clientId = 'books') {
  const bootstrap = nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  return new ClusterClient(systemPorts({ write: () => {} }), { bootstrap, clientId })
}
