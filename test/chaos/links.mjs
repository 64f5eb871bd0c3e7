// A cluster of which every link is a proxy of its own: from each broker to each other, from each node to each other's controller, and from the
// clients to each broker. A link is named after who dials: `broker 1>2`, `controller 1>2`, `client >2`.
//
// What flows from a to b goes forward through the links that a dials, and backward through those that b dials: faults of the network speak of
// flows, so that "2 hears nothing from 1" is one word, whoever has dialled.
import { startCluster } from '../rig/cluster.mjs'
import { freePorts } from '../rig/processes.mjs'
import { FaultyProxy } from './proxy.mjs'

export const planes = /** @type {const} */ (['broker', 'controller', 'client'])
/** @typedef {(typeof planes)[number]} Plane */
/** @typedef {import('./proxy.mjs').Shape} Shape */
/** The clients' place in the network. */
export const outside = 0

/** @typedef {{ plane: Plane, from: number, to: number, proxy: FaultyProxy }} Link */

/** A flow of bytes: from whom to whom, on which planes (all when left out). @typedef {{ from: number, to: number, planes?: readonly Plane[] }} FlowOf */

export class Links {
  /** @param {readonly Link[]} all */
  constructor(all) {
    this.all = all
  }

  /** @param {Plane} plane @param {number} from @param {number} to */
  get(plane, from, to) {
    const found = this.all.find((it) => it.plane === plane && it.from === from && it.to === to)
    if (found === undefined) throw new Error(`no link ${plane} ${from}>${to}`)
    return found.proxy
  }

  /** All links between two, or of one when `b` is left out. @param {number} a @param {number} [b] @param {readonly Plane[]} [on] */
  between(a, b, on = planes) {
    return this.all.filter(
      ({ plane, from, to }) =>
        on.includes(plane) && (b === undefined ? from === a || to === a : (from === a && to === b) || (from === b && to === a)),
    )
  }

  /** Changes what flows from one to another. @param {FlowOf} flow @param {Partial<Shape>} shape */
  shape({ from, to, planes: on = planes }, shape) {
    for (const link of this.all) {
      if (!on.includes(link.plane)) continue
      if (link.from === from && link.to === to) link.proxy.shape('forward', shape)
      if (link.from === to && link.to === from) link.proxy.shape('backward', shape)
    }
  }

  /** No faults of the network any more. */
  clear() {
    for (const { proxy } of this.all) proxy.clear()
  }

  stop() {
    for (const { proxy } of this.all) proxy.stop()
  }
}

/**
 * Starts a cluster with all links through proxies. Its own `bootstrap` and the rig's questions go to the nodes directly, past all faults;
 * `clients` are the addresses for what is under test.
 * @param {{ nodes?: number, seed?: number, properties?: Record<string, string | number>, prepare?: (cluster: Awaited<ReturnType<typeof startCluster>>) => Promise<void> | void, directories?: (id: number, folder: string) => string }} [options]
 * `prepare` comes before the first node is started; `directories` names the log directory of a node
 */
export async function startLinked({ nodes: count = 3, seed = 1, properties = {}, prepare, directories } = {}) {
  /** @type {Link[]} */
  const all = []
  const link = (/** @type {Plane} */ plane, from, to, port, targetPort) => {
    const proxy = new FaultyProxy({ name: `${plane} ${from === outside ? '' : from}>${to}`, port, targetPort, seed: seed + all.length })
    all.push({ plane, from, to, proxy })
    return port
  }
  const cluster = await startCluster({
    nodes: count,
    properties,
    start: false,
    perNode: async (addresses, folder) => {
      const spare = await freePorts(addresses.length * (addresses.length * 3 + 2))
      const take = () => spare.pop() ?? 0
      const own = addresses.map(({ id }) => listenersOf(id, addresses, take, link))
      return addresses.map(({ id, port, controllerPort }, index) => {
        const { listeners, advertised, names } = own[index] ?? { listeners: [], advertised: [], names: [] }
        const voters = addresses.map((to) => {
          const at = to.id === id ? to.controllerPort : link('controller', id, to.id, take(), to.controllerPort)
          return `${to.id}@127.0.0.1:${at}`
        })
        return {
          listeners: [`PLAINTEXT://127.0.0.1:${port}`, ...listeners, `CONTROLLER://127.0.0.1:${controllerPort}`].join(),
          'advertised.listeners': [`PLAINTEXT://127.0.0.1:${port}`, ...advertised].join(),
          'listener.security.protocol.map': ['PLAINTEXT', 'CONTROLLER', ...names].map((name) => `${name}:PLAINTEXT`).join(),
          'inter.broker.listener.name': `FROM${id}`,
          'controller.quorum.voters': voters.join(),
          ...(directories === undefined ? {} : { 'log.dirs': directories(id, folder) }),
        }
      })
    },
  })
  const links = new Links(all)
  const clients = cluster.nodes.map(({ id }) => ({ id, port: links.get('client', outside, id).port }))
  try {
    await prepare?.(cluster)
    for (const { proxy } of all) proxy.start()
    for (const node of cluster.nodes) node.spawn()
    await Promise.all(cluster.nodes.map((node) => node.waitListening()))
    await cluster.waitReady()
    return { cluster, links, clients, bootstrap: clients.map(({ port }) => `127.0.0.1:${port}`).join() }
  } catch (error) {
    const logs = cluster.logTails()
    links.stop()
    await cluster.stop()
    throw new Error(`the cluster did not start: ${error instanceof Error ? error.message : String(error)}\n${logs}`, { cause: error })
  }
}

/** A broker's listeners beside the rig's: one for clients, one for each broker (its own too, which is asked for and dialled by nobody). */
function listenersOf(id, addresses, take, link) {
  const listeners = []
  const advertised = []
  const names = ['CLIENT']
  const clientPort = take()
  listeners.push(`CLIENT://127.0.0.1:${clientPort}`)
  advertised.push(`CLIENT://127.0.0.1:${link('client', outside, id, take(), clientPort)}`)
  for (const { id: from } of addresses) {
    const port = take()
    names.push(`FROM${from}`)
    listeners.push(`FROM${from}://127.0.0.1:${port}`)
    advertised.push(`FROM${from}://127.0.0.1:${from === id ? port : link('broker', from, id, take(), port)}`)
  }
  return { listeners, advertised, names }
}
