import { readFileSync } from 'node:fs'
import { Peer, PeerError } from '../../client/peer.ts'
import { logLinesFromEnvironment } from '../../node/log-lines.ts'
import { systemPorts } from '../../node/ports.ts'
import { apis } from '../../protocol/apis.ts'
import type { ZooKeeperEnsemble } from '../../node/zookeeper-ensemble.ts'
import type { Layout } from './layout.ts'
import type { NodeProcess } from './node-process.ts'

const askTimeoutMs = 1_000

/** A table of the nodes, and what the first that answers says of the cluster. */
export async function statusLines(
  nodes: readonly NodeProcess[],
  layout: Layout,
  ensemble: ZooKeeperEnsemble | null,
): Promise<readonly string[]> {
  const rows = nodes.map((node) => {
    const memory = node.pid === undefined ? '' : `${residentMebibytes(node.pid)} MiB`
    return `  node ${node.place.id}  127.0.0.1:${node.place.port}  ${node.state.padEnd(8)}  ${node.pid === undefined ? '' : `pid ${node.pid}`}  ${memory}`
  })
  return [...rows, ...(ensemble === null ? [] : [await ensembleLine(ensemble)]), ...(await clusterLines(nodes, layout))]
}

async function ensembleLine(ensemble: ZooKeeperEnsemble): Promise<string> {
  const modes = await Promise.all(Array.from({ length: ensemble.size }, (_, at) => ensemble.mode(at)))
  return `  ZooKeeper  ${modes.map((mode, at) => `server ${at + 1}: ${mode ?? 'does not serve'}`).join(', ')}`
}

/** VmRSS, where the system tells it. */
function residentMebibytes(pid: number): string {
  try {
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kibibytes === undefined ? '?' : String(Math.round(Number(kibibytes) / 1024))
  } catch {
    return '?'
  }
}

async function clusterLines(nodes: readonly NodeProcess[], layout: Layout): Promise<readonly string[]> {
  for (const node of nodes) {
    if (node.state !== 'running') continue
    const lines = await askNode(node.place.port)
    if (lines !== null) return lines
  }
  return [`  no node answers at ${layout.bootstrap}`]
}

async function askNode(port: number): Promise<readonly string[] | null> {
  const peer = new Peer(systemPorts(logLinesFromEnvironment()), { host: '127.0.0.1', port, clientId: 'odradek-dev-status' })
  try {
    const quorum = await peer.request(
      apis.describeQuorum,
      apis.describeQuorum.versionMax,
      { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] },
      { timeoutMs: askTimeoutMs },
    )
    const metadata = await peer.request(
      apis.metadata,
      apis.metadata.versionMax,
      { topics: null, allowAutoTopicCreation: false },
      { timeoutMs: askTimeoutMs },
    )
    const partitions = metadata.topics.flatMap((topic) => topic.partitions)
    const behind = partitions.filter((it) => it.isrNodes.length < it.replicaNodes.length).length
    const leaderless = partitions.filter((it) => it.leaderId < 0).length
    const leader = quorum.topics[0]?.partitions[0]
    return [
      `  active controller: node ${leader?.leaderId ?? '?'} (epoch ${leader?.leaderEpoch ?? '?'}); brokers in service: ${metadata.brokers
        .map((it) => it.nodeId)
        .sort((a, b) => a - b)
        .join(', ')}`,
      `  ${metadata.topics.length} topics, ${partitions.length} partitions: ${behind} not fully in sync, ${leaderless} without a leader`,
    ]
  } catch (error) {
    if (error instanceof PeerError) return null
    throw error
  } finally {
    peer.close()
  }
}
