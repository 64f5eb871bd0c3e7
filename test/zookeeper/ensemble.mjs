// A real ZooKeeper ensemble of three servers for a test: started on free ports in a temporary folder, gone with the test's process. Clients of ours for it.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { dist } from '../rig/build.mjs'
import { without } from '../rig/peers.mjs'
import { freePorts, removeFolder, temporaryFolder } from '../rig/processes.mjs'

/** @param {string} path */
const load = (path) => import(pathToFileURL(join(dist, path)).href)
export const { ZooKeeperEnsemble } = await load('node/zookeeper-ensemble.js')
export const { ZooKeeperClient } = await load('zookeeper/client.js')
const { systemPorts } = await load('node/ports.js')

/** For a test's `skip` option. */
export const withoutZooKeeper = () => without('zookeeper')

/** Of this process. */
export const ports = systemPorts({ write: () => {} })

/**
 * Starts three servers (tick 500 ms: sessions from 1 s). `kill(at)`, `launch(at)`, `pause(at)`, `resume(at)`, `leader()`, `serve()`, `connect`; `remove()` ends
 * them and removes their folder.
 */
export async function startEnsemble({ size = 3, tickMs = 500 } = {}) {
  const folder = temporaryFolder('zookeeper')
  const found = await freePorts(size * 3)
  const members = Array.from({ length: size }, (_, at) => ({
    clientPort: found[at * 3],
    quorumPort: found[at * 3 + 1],
    electionPort: found[at * 3 + 2],
  }))
  const ensemble = new ZooKeeperEnsemble({ folder, members, tickMs })
  const remove = async () => {
    await ensemble.stop()
    removeFolder(folder)
  }
  try {
    await ensemble.start()
  } catch (error) {
    // Servers that are left would keep the process of the test from ending
    await remove()
    throw error
  }
  return Object.assign(ensemble, { folder, members, remove })
}

/** The ensemble as the trials want it. @param {Awaited<ReturnType<typeof startEnsemble>>} ensemble */
export function trialEnsemble(ensemble) {
  return {
    connect: ensemble.connect,
    ports,
    sessionTimeoutMs: 2_000,
    wait: (ms) => sleep(ms),
    leader: () => ensemble.leader(),
    kill: (at) => ensemble.kill(at),
    launch: (at) => ensemble.launch(at),
    serve: () => ensemble.serve(),
    clientPort: (at) => ensemble.members[at].clientPort,
  }
}
