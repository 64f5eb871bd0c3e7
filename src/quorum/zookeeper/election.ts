import type { Epoch, NodeId, Timestamp } from '../../base/units.ts'
import { persistentPaths, paths } from '../../znodes/paths.ts'
import { activeControllerText, clusterIdIn, clusterIdText, controllerEpochIn, controllerText } from '../../znodes/registration.ts'
import { EMPTY_STORED_LOG, storedLogText } from '../../znodes/stored-log.ts'
import { type ZooKeeper, ZooKeeperError } from '../../zookeeper/zookeeper.ts'
import type { QuorumEndpoint } from '../metadata-quorum.ts'
import { getOrNull, textOf } from './znode-load.ts'

/** The ensemble holds another cluster, or what is no cluster of ours. Its message says what to do. */
export class ForeignEnsembleError extends Error {
  override readonly name = 'ForeignEnsembleError'
}

export interface Elected {
  readonly epoch: Epoch
  /** Of `/controller_epoch`: as long as it stands nobody else was elected. */
  readonly epochVersion: number
}

/**
 * Makes an empty ensemble (or chroot) ready, and checks that it is of this cluster. Many may do it at once.
 * Rejects with ForeignEnsembleError, ZooKeeperError.
 */
export async function prepareEnsemble(zk: ZooKeeper, clusterId: string): Promise<void> {
  if ((await zk.exists(paths.log)) === null) {
    await refuseOthers(zk)
    for (const path of ['/odradek', ...persistentPaths]) await createOnce(zk, path, '')
    await createOnce(zk, paths.controllerEpoch, '0')
    await createOnce(zk, paths.clusterId, clusterIdText(clusterId))
    await createOnce(zk, paths.log, storedLogText(EMPTY_STORED_LOG))
  }
  const found = clusterIdIn(textOf(await zk.get(paths.clusterId)))
  if (found === clusterId) return
  throw new ForeignEnsembleError(
    `The ZooKeeper ensemble holds cluster ${found}, this node's directories are of cluster ${clusterId}. Check zookeeper.connect (its chroot) and log.dirs`,
  )
}

async function refuseOthers(zk: ZooKeeper): Promise<void> {
  if ((await zk.exists('/odradek')) !== null) return
  const kafka = (await zk.exists(paths.controllerEpoch)) ?? (await zk.exists(paths.clusterId))
  if (kafka === null) return
  throw new ForeignEnsembleError(
    'The ZooKeeper ensemble holds a cluster of Apache Kafka. Give zookeeper.connect a chroot of its own, as in host:2181/odradek',
  )
}

async function createOnce(zk: ZooKeeper, path: string, text: string): Promise<void> {
  try {
    await zk.create(path, Buffer.from(text), 'persistent')
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || error.code !== 'nodeExists') throw error
  }
}

/**
 * Tries to become the active controller: `/controller` and a `/controller_epoch` that is one higher, in one multi
 * (KafkaZkClient.registerControllerAndIncrementControllerEpoch), so that an epoch has one owner (ZK-1). Null: another one was faster.
 * Rejects with ZooKeeperError; after `connectionLoss` the znodes may be there and of this session, and have to go (`stepDown`).
 */
export async function tryElection(zk: ZooKeeper, id: NodeId, endpoint: QuorumEndpoint, now: Timestamp): Promise<Elected | null> {
  const { data, stat } = await zk.get(paths.controllerEpoch)
  const epoch = controllerEpochIn(data.toString('utf8')) + 1
  const ephemeral = (path: string, text: string) => ({ op: 'create', path, data: Buffer.from(text), mode: 'ephemeral' }) as const
  try {
    await zk.multi([
      ephemeral(paths.controller, controllerText(id, now)),
      { op: 'set', path: paths.controllerEpoch, data: Buffer.from(String(epoch)), version: stat.version },
      ephemeral(paths.activeController, activeControllerText({ id, epoch, ...endpoint })),
    ])
    return { epoch, epochVersion: stat.version + 1 }
  } catch (error) {
    if (error instanceof ZooKeeperError && (error.code === 'nodeExists' || error.code === 'badVersion')) return null
    throw error
  }
}

/** Takes away what this session holds of an election. Rejects with ZooKeeperError. */
export async function stepDown(zk: ZooKeeper): Promise<void> {
  for (const path of [paths.activeController, paths.controller]) {
    const node = await getOrNull(zk, path)
    if (node === null || node.stat.ephemeralOwner !== zk.sessionId) continue
    try {
      await zk.delete(path, node.stat.version)
    } catch (error) {
      if (!(error instanceof ZooKeeperError) || error.code !== 'noNode') throw error
    }
  }
}
