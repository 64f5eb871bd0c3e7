import type { CampaignOptions } from './options.ts'

/** What a seed is about, for who reads its timeline and has never seen one. */
export function explainOptions(options: CampaignOptions): string {
  return [clusterOf(options), worldOf(options), clientsOf(options), faultsOf(options), howToRead].join('\n')
}

const howToRead = `
How to read it: times are simulated seconds since the nodes were switched on. "fault" is what we do to the cluster (numbered: it begins, and it ends), "cluster"
what becomes of processes, "node" what a node itself writes to its log, "client" what a client saw, "campaign" where the run stands. The cluster is first
damaged, then left alone and asked to become well; then everything that clients were told is compared with what all replicas hold.`

function clusterOf({ nodes, partitions, replicationFactor, logDirs, metadataApart }: CampaignOptions): string {
  const disks = `${logDirs === 1 ? 'one log directory' : `${logDirs} log directories`}${metadataApart ? ' and one for the metadata' : ''}`
  return (
    `The cluster: ${nodes} nodes, each a broker and a controller, with ${disks}. Topic "campaign" has ${several(partitions, 'partition')} ` +
    `with ${replicationFactor} replicas and min.insync.replicas=2.`
  )
}

function worldOf({ latencyMs, jitterMs, pieceBytesMax, diskDelayMs, clockRates }: CampaignOptions): string {
  const rates = [...clockRates.values()]
  const drift = (Math.max(...rates) - Math.min(...rates)) * 100
  return (
    `The world: a message takes ${latencyMs}${jitterMs > 0 ? ` to ${latencyMs + jitterMs}` : ''} ms and arrives in pieces of up to ${pieceBytesMax} bytes; ` +
    `a sync of a disk takes up to ${diskDelayMs} ms; the nodes' clocks drift apart by ${drift.toFixed(2)} %.`
  )
}

function clientsOf({ producers, readers, classicMembers, consumerMembers, hasAdmin }: CampaignOptions): string {
  const groups = [
    ...(classicMembers > 0 ? [`a group of ${classicMembers} members (classic protocol)`] : []),
    ...(consumerMembers > 0 ? [`a group of ${consumerMembers} members (consumer protocol)`] : []),
    ...(hasAdmin ? ['an operator'] : []),
  ]
  return `The clients: ${several(producers, 'idempotent producer')} with acks=all, ${[several(readers, 'reader'), ...groups].join(', ')}.`
}

function faultsOf({ faults, faultsMs, faultsAtOnceMax, healsInTwoSteps }: CampaignOptions): string {
  const then = healsInTwoSteps ? 'then one node stays away for a while and the others must go on without it' : 'then all is healed at once'
  return `The faults: for ${faultsMs / 1000} s, up to ${faultsAtOnceMax} at once, of these kinds: ${[...new Set(faults)].join(', ')}; ${then}.`
}

function several(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
