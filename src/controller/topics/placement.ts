import type { Entropy } from '../../base/ports.ts'
import type { NodeId } from '../../base/units.ts'
import type { BrokerImage } from '../../metadata/brokers-image.ts'

/** A broker that replicas may be placed on. */
export interface UsableBroker {
  readonly id: NodeId
  readonly rack: string | null
  readonly fenced: boolean
}

/** Registered brokers that take new replicas: not those all of whose directories are cordoned. */
export function usableBrokers(brokers: Iterable<BrokerImage>): UsableBroker[] {
  return [...brokers]
    .filter(({ logDirs, cordonedLogDirs }) => logDirs.length === 0 || !logDirs.every((directory) => cordonedLogDirs?.includes(directory)))
    .map(({ id, rack, fenced, inControlledShutdown }) => ({ id, rack, fenced: fenced || inControlledShutdown }))
    .sort((a, b) => a.id - b.id)
}

export type Placement = { readonly replicas: readonly (readonly NodeId[])[] } | { readonly problem: string }

/**
 * Puts replicas on brokers as org.apache.kafka.metadata.placement.StripedReplicaPlacer does: racks and brokers in a random order that is dealt out
 * round by round, so that leaders spread over all brokers and the replicas of a partition over as many racks as there are; a broker that is fenced
 * never leads, and gets a replica only when no other of its rack is left. The problem is an INVALID_REPLICATION_FACTOR, in Kafka's words.
 */
export function placeReplicas(
  brokers: readonly UsableBroker[],
  partitions: number,
  replicationFactor: number,
  entropy: Entropy,
): Placement {
  const active = brokers.filter((broker) => !broker.fenced).length
  if (replicationFactor <= 0)
    return { problem: `Invalid replication factor ${replicationFactor}: the replication factor must be positive.` }
  if (active === 0) return { problem: 'All brokers are currently fenced, or have all their log directories cordoned.' }
  if (replicationFactor > brokers.length) {
    return {
      problem:
        `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered ` +
        'or some brokers have all their log directories cordoned.',
    }
  }
  const dealer = new Dealer(brokers, active, entropy)
  return { replicas: Array.from({ length: partitions }, () => dealer.deal(replicationFactor)) }
}

interface Rack {
  readonly active: NodeId[]
  readonly inactive: NodeId[]
  /** Leaders it has had since the last shuffle. */
  led: number
}

class Dealer {
  private readonly racks: Rack[]
  private readonly activeCount: number
  private readonly entropy: Entropy
  /** Partitions dealt since the last shuffle; shifts whose turn it is in the racks that follow. */
  private round = 0
  /** The rack that the next leader comes from. */
  private first = 0

  constructor(brokers: readonly UsableBroker[], activeCount: number, entropy: Entropy) {
    const byRack = new Map<string | null, Rack>()
    for (const { id, rack, fenced } of brokers) {
      let of = byRack.get(rack)
      if (of === undefined) byRack.set(rack, (of = { active: [], inactive: [], led: 0 }))
      ;(fenced ? of.inactive : of.active).push(id)
    }
    this.racks = [...byRack.values()]
    this.activeCount = activeCount
    this.entropy = entropy
    this.shuffle()
  }

  deal(replicationFactor: number): NodeId[] {
    // Every active broker has led once: a new order, so that the same brokers are not always neighbours
    if (this.round === this.activeCount) {
      this.shuffle()
      this.round = 0
    }
    const leaderRack = this.nextRackWithActive()
    const queues = this.racks.map((rack, at) => {
      const by = at === leaderRack ? rack.led : this.round
      return [...rotated(rack.active, by), ...rotated(rack.inactive, by)]
    })
    const replicas: NodeId[] = []
    for (let at = leaderRack; replicas.length < replicationFactor; at = (at + 1) % queues.length) {
      const next = queues[at]?.shift()
      if (next !== undefined) replicas.push(next)
    }
    const led = this.racks[leaderRack]
    if (led !== undefined) led.led += 1
    this.first = (leaderRack + 1) % this.racks.length
    this.round += 1
    return replicas
  }

  private nextRackWithActive(): number {
    let at = this.first
    while (this.racks[at]?.active.length === 0) at = (at + 1) % this.racks.length
    return at
  }

  private shuffle(): void {
    shuffle(this.racks, this.entropy)
    for (const rack of this.racks) {
      shuffle(rack.active, this.entropy)
      shuffle(rack.inactive, this.entropy)
      rack.led = 0
    }
    this.first = 0
  }
}

function rotated(ids: readonly NodeId[], by: number): readonly NodeId[] {
  if (ids.length === 0) return ids
  const start = by % ids.length
  return [...ids.slice(start), ...ids.slice(0, start)]
}

function shuffle<T>(items: T[], entropy: Entropy): void {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = entropy.uint32() % (at + 1)
    const held = items[at] as T
    items[at] = items[other] as T
    items[other] = held
  }
}
