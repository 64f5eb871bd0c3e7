import { exitCodes } from '../../node/exit-codes.ts'
import type { EnsembleMember } from '../../node/zookeeper-ensemble.ts'
import { parseConnectString, ZooKeeperSettingError } from '../../zookeeper/connect-string.ts'
import { LayoutProblem } from './layout-problem.ts'

/** How the controllers of the cluster agree: among themselves, through an ensemble that is started with them, or through one that is there. */
export type Agreement =
  | { readonly through: 'kraft' }
  | { readonly through: 'own-ensemble'; readonly members: readonly EnsembleMember[]; readonly home: string | undefined }
  | { readonly through: 'ensemble'; readonly connect: string }

export interface AgreementOptions {
  /** The first node's port. */
  readonly port: number
  /** `zookeeper.connect` of an ensemble that is there. */
  readonly zookeeper?: string
  /** How many servers the ensemble that is started has: 1 or 3. */
  readonly withZookeeper?: number
  /** Where the ensemble that is started finds its jars. */
  readonly zookeeperHome?: string
}

/** Where the servers of an ensemble that is started keep their data, below the cluster's folder. */
export const ensembleFolder = 'zookeeper'

/** The servers' ports are so far above the first node's; controllers are from 1,000 above it. */
const clientPortDistance = 1_050
const quorumPortDistance = 1_060
const electionPortDistance = 1_070

/** @throws LayoutProblem */
export function agreementOf({ port, zookeeper, withZookeeper, zookeeperHome }: AgreementOptions): Agreement {
  if (zookeeper !== undefined && withZookeeper !== undefined)
    throw usage('--zookeeper joins an ensemble that is there, --with-zookeeper starts one: give one of them.')
  if (zookeeperHome !== undefined && withZookeeper === undefined)
    throw usage('--zookeeper-home says where --with-zookeeper finds ZooKeeper: give both of them.')
  if (withZookeeper !== undefined) return { through: 'own-ensemble', members: membersAbove(port, withZookeeper), home: zookeeperHome }
  if (zookeeper === undefined) return { through: 'kraft' }
  chrootOf(zookeeper)
  return { through: 'ensemble', connect: zookeeper }
}

function usage(message: string): LayoutProblem {
  return new LayoutProblem(message, exitCodes.usage)
}

function membersAbove(port: number, servers: number): readonly EnsembleMember[] {
  return Array.from({ length: servers }, (_, at) => ({
    clientPort: port + clientPortDistance + at,
    quorumPort: port + quorumPortDistance + at,
    electionPort: port + electionPortDistance + at,
  }))
}

function chrootOf(connect: string): string {
  try {
    return parseConnectString(connect).chroot
  } catch (error) {
    if (error instanceof ZooKeeperSettingError) throw usage(`--zookeeper: ${error.message}.`)
    throw error
  }
}

export const kraftName = 'a KRaft quorum of its own'

/**
 * What the data of a cluster remembers of it, in words: metadata lie where the cluster agrees. The servers of an ensemble may change their addresses,
 * so only the chroot counts.
 */
export function agreementName(agreement: Agreement): string {
  switch (agreement.through) {
    case 'kraft':
      return kraftName
    case 'own-ensemble':
      return agreement.members.length === 1 ? '--with-zookeeper 1' : '--with-zookeeper'
    case 'ensemble':
      return `--zookeeper with ${chrootOf(agreement.connect) === '' ? 'no chroot' : `chroot ${chrootOf(agreement.connect)}`}`
  }
}

/** `zookeeper.connect` of the nodes; null with a KRaft quorum. */
export function connectOf(agreement: Agreement): string | null {
  switch (agreement.through) {
    case 'kraft':
      return null
    case 'own-ensemble':
      return agreement.members.map((it) => `127.0.0.1:${it.clientPort}`).join(',')
    case 'ensemble':
      return agreement.connect
  }
}

/** What belongs into every node's server.properties. */
export function agreementProperties(
  agreement: Agreement,
  all: readonly { readonly id: number; readonly controllerPort: number }[],
): readonly string[] {
  const connect = connectOf(agreement)
  if (connect !== null) return [`zookeeper.connect=${connect}`]
  return [
    'process.roles=broker,controller',
    `controller.quorum.voters=${all.map((it) => `${it.id}@127.0.0.1:${it.controllerPort}`).join(',')}`,
  ]
}

/** Of the ensemble that is started. */
export function agreementPorts(agreement: Agreement): readonly number[] {
  if (agreement.through !== 'own-ensemble') return []
  return agreement.members.flatMap((it) => [it.clientPort, it.quorumPort, it.electionPort])
}
