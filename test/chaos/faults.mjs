// Every fault as a value `{ name, target, params }`: what it needs of the machine, how it is brought about, how it ends.
//
// Targets are roles (layout.mjs sees to it that each is one node's): `leader`, `controller`, `follower`, `both` (leader and active controller in
// one process), `coordinator`, `all`, or several of them. `inject` gives the function that ends the fault. Faults of the network name flows; those
// of a process its pid. Nothing here waits for the cluster to be well again: that is the round's.
import { setTimeout as sleep } from 'node:timers/promises'
import { outside, planes } from './links.mjs'
import {
  diskWrites,
  freeze,
  injectInto,
  limitOpenFiles,
  needsCpuGroup,
  needsFakeTime,
  needsFreezer,
  needsMounts,
  needsPrlimit,
  needsStrace,
  openFilesOf,
  starve,
} from './machine.mjs'
import { chance, clear } from './proxy.mjs'

/** @typedef {Awaited<ReturnType<typeof import('../rig/cluster.mjs').startCluster>>} Cluster */
/** @typedef {Cluster['nodes'][number]} Node */
/** @typedef {import('./links.mjs').Plane} Plane */
/**
 * Where faults happen. `disks` and `clocks` are there for clusters that were started with them.
 * @typedef {{ cluster: Cluster, links: import('./links.mjs').Links, seed: number, disks?: import('./machine.mjs').SmallDisks, clocks?: import('./machine.mjs').Clocks, tell: (text: string) => void }} World
 */
/** @typedef {() => Promise<void>} Heal */
/** @typedef {{ name: keyof typeof faults, target: string | readonly string[], params?: Record<string, any> }} Fault */
/**
 * `needs`: what the machine lacks for it. `world`: what the cluster must have been started with.
 * @typedef {{ needs?: () => string | undefined, world?: 'disks' | 'clocks', inject: (world: World, nodes: readonly Node[], params: Record<string, any>) => Promise<Heal> | Heal }} Kind
 */

const downTimeoutMs = 30_000

/** @param {Node} node */
async function startAgain(node) {
  await node.waitDown(downTimeoutMs)
  await node.restart()
}

/** Does something now and again until it is told to end. @param {number} everyMs @param {() => void} work */
function repeatedly(everyMs, work) {
  work()
  const timer = setInterval(work, everyMs)
  return () => clearInterval(timer)
}

/** @typedef {{ from: number, to: number, planes?: readonly Plane[] }} Flow */

/** @param {World} world @param {readonly Flow[]} flows @param {boolean} [isConfirmed] @returns {Heal} */
function cut({ links }, flows, isConfirmed = false) {
  for (const flow of flows) links.shape(flow, { isBlocked: true, isConfirmed })
  return async () => {
    for (const flow of flows) links.shape(flow, { isBlocked: false, isConfirmed: false })
  }
}

/** @param {number} a @param {number} b @param {readonly Plane[]} [on] @returns {Flow[]} */
const bothWays = (a, b, on = planes) => [
  { from: a, to: b, planes: on },
  { from: b, to: a, planes: on },
]

/** The others' places. @param {World} world @param {Node} node */
const peersOf = ({ cluster }, node) => cluster.nodes.filter((it) => it !== node).map(({ id }) => id)

/** All links of the nodes, each once. @param {World} world @param {readonly Node[]} nodes @param {readonly Plane[]} [on] */
const linksOf = ({ links }, nodes, on = planes) =>
  [...new Set(nodes.flatMap(({ id }) => links.between(id, undefined, on)))].map(({ proxy }) => proxy)

/** Changes both directions of all links of the nodes until the end. @param {(params: Record<string, any>) => Partial<import('./proxy.mjs').Shape>} shapeOf @returns {Kind} */
function shaping(shapeOf) {
  return {
    inject(world, nodes, params) {
      const proxies = linksOf(world, nodes, params.planes)
      const shape = shapeOf(params)
      for (const proxy of proxies) proxy.shape(params.direction ?? 'both', shape)
      const before = Object.fromEntries(Object.keys(shape).map((name) => [name, clear[/** @type {keyof typeof clear} */ (name)]]))
      return async () => {
        for (const proxy of proxies) proxy.shape('both', before)
      }
    },
  }
}

/** @param {World} world @param {readonly Node[]} nodes @param {(node: Node) => Promise<Heal> | Heal} inject */
async function each(world, nodes, inject) {
  const heals = await Promise.all(nodes.map(async (node) => inject(node)))
  return async () => {
    for (const heal of heals) await heal()
  }
}

const strace = (/** @type {(params: Record<string, any>) => { calls: string, what: string }} */ how) =>
  /** @type {Kind} */ ({
    needs: needsStrace,
    inject(world, nodes, params) {
      const { calls, what } = how(params)
      return each(world, nodes, async (node) => {
        const { pid } = node
        const end = await injectInto(pid, calls, what)
        return async () => {
          await end()
          // a node whose disk failed may have ended; one that lives on has taken its logs out of service until it is started again
          if (params.restart === true && node.isUp) node.kill('SIGTERM')
          if (!node.isUp || params.restart === true) await startAgain(node)
        }
      })
    },
  })

/** By name. */
export const faults = {
  /** SIGKILL; started again at the end. */
  kill: {
    inject(world, nodes) {
      for (const node of nodes) world.cluster.signal(node, 'SIGKILL')
      return async () => {
        await Promise.all(nodes.map((node) => startAgain(node)))
      }
    },
  },
  /** SIGKILL and a new start at once, so many times. */
  flap: {
    async inject(world, nodes, { times = 3, everyMs = 700 }) {
      for (let time = 0; time < times; time += 1) {
        for (const node of nodes) world.cluster.signal(node, 'SIGKILL')
        await Promise.all(nodes.map((node) => startAgain(node)))
        await sleep(everyMs)
      }
      return async () => {}
    },
  },
  /** SIGTERM; started again at the end. */
  stop: {
    async inject(world, nodes) {
      for (const node of nodes) {
        world.cluster.signal(node, 'SIGTERM')
        await node.waitDown(downTimeoutMs)
      }
      return async () => {
        for (const node of nodes) await startAgain(node)
      }
    },
  },
  /** One after the other: SIGTERM, started again, waited for until it is in sync. */
  roll: {
    async inject(world, nodes, { topics = [] }) {
      for (const node of nodes) {
        world.cluster.signal(node, 'SIGTERM')
        await startAgain(node)
        await world.cluster.waitInSync(...topics)
        world.tell(`node ${node.id} is back and in sync`)
      }
      return async () => {}
    },
  },
  /** SIGSTOP, and SIGCONT at the end. */
  pause: {
    inject(world, nodes) {
      for (const node of nodes) world.cluster.signal(node, 'SIGSTOP')
      return async () => {
        for (const node of nodes) world.cluster.signal(node, 'SIGCONT')
      }
    },
  },
  /** Short pauses, again and again. */
  stutter: {
    inject(world, nodes, { pauseMs = 500, everyMs = 5000 }) {
      /** @type {NodeJS.Timeout | undefined} */
      let going
      const end = repeatedly(everyMs, () => {
        for (const node of nodes) node.kill('SIGSTOP')
        going = setTimeout(() => nodes.forEach((node) => node.kill('SIGCONT')), pauseMs)
      })
      return async () => {
        end()
        clearTimeout(going)
        for (const node of nodes) node.kill('SIGCONT')
      }
    },
  },
  /** The freezer of a control group. */
  freeze: {
    needs: needsFreezer,
    inject(world, nodes) {
      for (const node of nodes) world.cluster.paused.add(node)
      const heals = nodes.map(({ pid }) => freeze(pid))
      return async () => {
        for (const heal of heals) await heal()
        for (const node of nodes) world.cluster.paused.delete(node)
      }
    },
  },
  /** Nothing from or to a node; `clients: true` leaves those who are outside connected to it. */
  isolate: {
    inject(world, nodes, { clients = false, planes: on = planes }) {
      const places = (/** @type {Node} */ node) => [...peersOf(world, node), ...(clients ? [] : [outside])]
      return cut(
        world,
        nodes.flatMap((node) => places(node).flatMap((id) => bothWays(node.id, id, on))),
      )
    },
  },
  /**
   * A node hears nothing (`in`), or is heard by nobody (`out`); clients included unless `clients: true`. With `isConfirmed` what it says still
   * arrives, for as long as it lasts: no TCP on one line does that, but something between two lines may.
   */
  oneWay: {
    inject(world, nodes, { way = 'in', clients = false, planes: on = planes, isConfirmed = false }) {
      const flows = nodes.flatMap((node) =>
        [...peersOf(world, node), ...(clients ? [] : [outside])].map((id) =>
          way === 'in' ? { from: id, to: node.id, planes: on } : { from: node.id, to: id, planes: on },
        ),
      )
      return cut(world, flows, isConfirmed)
    },
  },
  /** Two nodes do not hear each other; the third hears both. */
  bridge: { inject: (world, nodes, { planes: on = planes }) => cut(world, bothWays(nodes[0]?.id ?? 0, nodes[1]?.id ?? 0, on)) },
  /** Every node is alone; clients reach all of them. */
  split: {
    inject(world, nodes) {
      return cut(
        world,
        nodes.flatMap((node) => peersOf(world, node).map((id) => ({ from: node.id, to: id }))),
      )
    },
  },
  /** Clients do not reach the nodes; the nodes reach each other. */
  cutClients: {
    inject: (world, nodes) =>
      cut(
        world,
        nodes.flatMap(({ id }) => bothWays(id, outside)),
      ),
  },
  /** Each link of the nodes is a blackhole for a while, again and again, by chance: what lost packets do to a connection. */
  loss: {
    inject(world, nodes, { share = 0.2, windowMs = 150, planes: on = planes }) {
      const random = chance(world.seed)
      const proxies = linksOf(world, nodes, on)
      const end = repeatedly(windowMs, () => {
        for (const proxy of proxies) {
          proxy.shape('forward', { isBlocked: random() < share })
          proxy.shape('backward', { isBlocked: random() < share })
        }
      })
      return async () => {
        end()
        for (const proxy of proxies) proxy.shape('both', { isBlocked: false })
      }
    },
  },
  delay: shaping(({ delayMs = 50, jitterMs = 20 }) => ({ delayMs, jitterMs })),
  /** New connections each have a delay of their own: requests of one client overtake each other on two connections. */
  reorder: {
    inject(world, nodes, { spreadMs = 200, resetEveryMs = 700 }) {
      const proxies = linksOf(world, nodes)
      for (const proxy of proxies) proxy.shape('both', { spreadMs })
      const end = repeatedly(resetEveryMs, () => proxies.forEach((proxy) => proxy.reset()))
      return async () => {
        end()
        for (const proxy of proxies) {
          proxy.shape('both', { spreadMs: 0 })
          proxy.reset()
        }
      }
    },
  },
  slowLine: shaping(({ bytesPerSecond = 100_000 }) => ({ bytesPerSecond })),
  dribble: shaping(({ pieceBytes = 50, pieceMs = 2 }) => ({ pieceBytes, pieceMs })),
  /** Connections are reset in the middle of whatever they carry. */
  cutShort: shaping(({ cutAfterBytes = 20_000 }) => ({ cutAfterBytes })),
  /** All connections are reset, again and again. */
  resets: {
    inject(world, nodes, { everyMs = 300, planes: on = planes }) {
      const proxies = linksOf(world, nodes, on)
      const end = repeatedly(everyMs, () => proxies.forEach((proxy) => proxy.reset()))
      return async () => end()
    },
  },
  /** What is connected is dead without a word; new connections live. */
  freezeConnections: {
    inject(world, nodes, { planes: on = planes }) {
      const proxies = linksOf(world, nodes, on)
      for (const proxy of proxies) proxy.freeze()
      return async () => proxies.forEach((proxy) => proxy.clear())
    },
  },
  /** The other end of what is connected is gone, and who has dialled is not told. */
  halfOpen: {
    inject(world, nodes, { planes: on = planes }) {
      const proxies = linksOf(world, nodes, on)
      for (const proxy of proxies) proxy.halfOpen()
      return async () => proxies.forEach((proxy) => proxy.clear())
    },
  },
  /** What is connected lives; new connections lead nowhere. */
  blockNew: {
    inject(world, nodes, { planes: on = planes, resetOnce = false }) {
      const proxies = linksOf(world, nodes, on)
      for (const proxy of proxies) {
        proxy.isClosedToNew = true
        if (resetOnce) proxy.reset()
      }
      return async () => proxies.forEach((proxy) => proxy.clear())
    },
  },
  /** Every write to a disk, and every sync, takes so long more. */
  slowDisk: strace(({ ms = 300, calls = diskWrites }) => ({ calls, what: `delay_enter=${ms * 1000}` })),
  /** Syncs fail (or what `calls` names); the node is started again at the end. */
  failingDisk: strace(({ error = 'EIO', calls = 'fdatasync,fsync' }) => ({ calls, what: `error=${error}` })),
  /** No room on the disk but what `leftBytes` says; there is room again at the end. No node may end of it. */
  fullDisk: {
    needs: needsMounts,
    world: 'disks',
    async inject(world, nodes, { leftBytes = 0 }) {
      for (const { id } of nodes) world.disks?.fill(id, leftBytes)
      return async () => {
        for (const { id } of nodes) world.disks?.empty(id)
      }
    },
  },
  /** The wall clock jumps, by each of the steps in turn; true again at the end. */
  clockJump: {
    needs: needsFakeTime,
    world: 'clocks',
    inject(world, nodes, { seconds = [3600, -3600], everyMs = 1500 }) {
      let step = 0
      const end = repeatedly(everyMs, () => {
        for (const { id } of nodes) world.clocks?.set(id, seconds[step % seconds.length])
        world.tell(`clocks stand at ${seconds[step % seconds.length]} s beside the true time`)
        step += 1
      })
      return async () => {
        end()
        for (const { id } of nodes) world.clocks?.set(id, 0)
      }
    },
  },
  /** A share of one processor, and no more. */
  starve: {
    needs: needsCpuGroup,
    inject: (world, nodes, { share = 0.05 }) => each(world, nodes, ({ pid }) => starve(pid, share)),
  },
  /** No more files or connections can be opened. */
  noFiles: {
    needs: needsPrlimit,
    inject: (world, nodes, { spare = 2 }) =>
      each(world, nodes, (node) => {
        const setBack = limitOpenFiles(node.pid, openFilesOf(node.pid) + spare)
        return async () => {
          if (node.isUp) setBack()
          else await startAgain(node)
        }
      }),
  },
}

/** Why a fault cannot be brought about here; undefined when it can. @param {Fault} fault @returns {string | undefined} */
export const lackingFor = (fault) => /** @type {Kind} */ (faults[fault.name]).needs?.()

/** @param {World} world @param {Fault} fault @param {readonly Node[]} nodes @returns {Promise<Heal>} */
export async function inject(world, fault, nodes) {
  return /** @type {Kind} */ (faults[fault.name]).inject(world, nodes, fault.params ?? {})
}
