import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import { exitCodes } from '../../node/exit-codes.ts'
import { systemPorts } from '../../node/ports.ts'
import { ZooKeeperEnsemble } from '../../node/zookeeper-ensemble.ts'
import { findZooKeeperHere, type ZooKeeperInstall } from '../../node/zookeeper-install.ts'
import { paths } from '../../znodes/paths.ts'
import { clusterIdIn } from '../../znodes/registration.ts'
import { ZooKeeperClient } from '../../zookeeper/client.ts'
import { parseConnectString } from '../../zookeeper/connect-string.ts'
import { type ZooKeeper, ZooKeeperError } from '../../zookeeper/zookeeper.ts'
import { type Agreement, agreementOf, ensembleFolder } from './agreement.ts'
import { formatOf, type Layout, type LayoutOptions } from './layout.ts'
import { LayoutProblem } from './layout-problem.ts'

const quiet: Log = { write: () => {} }
/** An ensemble that is there answers at once. */
const answerWithinMs: Millis = 10_000
const sessionTimeoutMs: Millis = 10_000

/** What an ensemble has of this cluster, or of another one; nothing is written to it. */
interface HeldCluster {
  /** `zookeeper.connect` */
  readonly connect: string
  /** Null: nothing yet. */
  readonly clusterId: string | null
}

export interface EnsembleSteps {
  /** Lays out the folder and formats it; `check` may refuse what is in it. */
  layOut(check: (layout: Layout) => void): Promise<Layout>
  onStarting(what: string): void
  /** A server has ended by itself. */
  onEnd(server: number, logFile: string): void
}

/** A cluster over an ensemble that is there, or over one that is started first. Rejects with LayoutProblem, and leaves nothing behind. */
export async function layOutOverZooKeeper(
  options: LayoutOptions,
  steps: EnsembleSteps,
): Promise<{ readonly layout: Layout; readonly ensemble: ZooKeeperEnsemble | null }> {
  const agreement = agreementOf(options)
  const install = installOf(agreement)
  const held = await askEnsemble(agreement)
  checkForgetting(held, options)
  const layout = await steps.layOut((it) => checkBelongs(held, it))
  if (install === null) return { layout, ensemble: null }
  try {
    return { layout, ensemble: await startEnsemble(layout, install, steps) }
  } catch (error) {
    layout.release()
    throw error
  }
}

/** Null where no ensemble is joined. Rejects with LayoutProblem when nobody answers, or when what is there is no cluster of ours. */
async function askEnsemble(agreement: Agreement): Promise<HeldCluster | null> {
  if (agreement.through !== 'ensemble') return null
  const { connect } = agreement
  const { chroot } = parseConnectString(connect)
  // Without the chroot, which only the nodes make
  const zk = new ZooKeeperClient(systemPorts(quiet), { connect: connect.split('/')[0] ?? '', sessionTimeoutMs })
  zk.start({ onSession: () => {}, onWatch: () => {} })
  try {
    return { connect, clusterId: await answered(clusterIn(zk, chroot, connect), connect) }
  } finally {
    await zk.close()
  }
}

async function clusterIn(zk: ZooKeeper, chroot: string, connect: string): Promise<string | null> {
  const isOurs = (await zk.exists(chroot + paths.log)) !== null
  const id = await textAt(zk, chroot + paths.clusterId)
  if (id === null || isOurs) return id === null ? null : clusterIdIn(id)
  throw new LayoutProblem(
    `The ensemble at ${connect} holds a cluster of Apache Kafka. Give this one a chroot of its own: --zookeeper ${connect.split('/')[0]}${chroot}/odradek`,
  )
}

async function textAt(zk: ZooKeeper, path: string): Promise<string | null> {
  try {
    return (await zk.get(path)).data.toString('utf8')
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === 'noNode') return null
    throw error
  }
}

async function answered<T>(answer: Promise<T>, connect: string): Promise<T> {
  const over = new AbortController()
  const late = sleep(answerWithinMs, null, { signal: over.signal }).catch(() => null)
  try {
    const first = await Promise.race([answer.then((value) => ({ value })), late])
    if (first !== null) return first.value
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error
    throw new LayoutProblem(`The ensemble at ${connect} does not answer as one does (${error.code}). Check its servers and --zookeeper.`)
  } finally {
    over.abort()
  }
  answer.catch(() => {})
  throw new LayoutProblem(
    `No server of the ensemble at ${connect} has answered within ${answerWithinMs / 1000} s. Check --zookeeper, start its servers, or let --with-zookeeper start some.`,
  )
}

/** What lies in an ensemble is not forgotten with the folder. @throws LayoutProblem */
function checkForgetting(held: HeldCluster | null, options: { readonly fresh: boolean; readonly memory: boolean }): void {
  const id = held?.clusterId ?? null
  if (held === null || id === null || !(options.fresh || options.memory)) return
  const { chroot } = parseConnectString(held.connect)
  throw new LayoutProblem(
    `The ensemble at ${held.connect} holds cluster ${id}, which ${options.fresh ? '--fresh' : '--memory'} does not remove. Remove it with zkCli (${
      chroot === '' ? 'deleteall of /odradek, /brokers, /config and so on' : `deleteall ${chroot}`
    }), or give another chroot.`,
  )
}

/** The folder and the ensemble are halves of one cluster. @throws LayoutProblem */
function checkBelongs(held: HeldCluster | null, layout: Layout): void {
  if (held === null || held.clusterId === null) return
  const { clusterId } = formatOf(layout)
  if (clusterId === held.clusterId) return
  throw new LayoutProblem(
    `The ensemble at ${held.connect} holds cluster ${held.clusterId}, ${layout.folder} holds ${
      clusterId === null ? 'none yet' : `cluster ${clusterId}`
    }. Name the folder of that cluster with --data, or give another chroot: host:port/chroot.`,
  )
}

/** Looks for it before anything is written. @throws LayoutProblem */
function installOf(agreement: Agreement): ZooKeeperInstall | null {
  if (agreement.through !== 'own-ensemble') return null
  const found = findZooKeeperHere(agreement.home)
  if ('problem' in found) throw new LayoutProblem(found.problem, exitCodes.usage)
  return found
}

async function startEnsemble(layout: Layout, install: ZooKeeperInstall, steps: EnsembleSteps): Promise<ZooKeeperEnsemble> {
  const members = layout.agreement.through === 'own-ensemble' ? layout.agreement.members : []
  const folder = join(layout.folder, ensembleFolder)
  const ensemble = new ZooKeeperEnsemble({
    folder,
    members,
    install,
    onEnd: (at) => steps.onEnd(at + 1, join(folder, `server-${at + 1}`, 'out.log')),
  })
  steps.onStarting(members.length === 1 ? 'starting one server of ZooKeeper' : `starting ${members.length} servers of ZooKeeper`)
  const interrupted = new AbortController()
  const release = onSignal(() => {
    interrupted.abort()
    void ensemble.stop()
  })
  try {
    await ensemble.start()
    return ensemble
  } catch (error) {
    await ensemble.stop()
    const why = interrupted.signal.aborted ? 'it was told to stop' : error instanceof Error ? error.message : String(error)
    throw new LayoutProblem(`ZooKeeper did not start: ${why}`, exitCodes.failed)
  } finally {
    release()
  }
}

/** Until the cluster itself takes them. */
function onSignal(stop: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, stop)
  return () => {
    for (const signal of signals) process.off(signal, stop)
  }
}
