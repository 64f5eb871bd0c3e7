import { Prng } from '../../base/prng.ts'
import type { Millis, NodeId } from '../../base/units.ts'
import { durableFaultKinds, faultKinds, type FaultKind, silentFaultKinds } from './fault-kinds.ts'

/** What a cluster of one seed is like, and what may happen to it. */
export interface CampaignOptions {
  readonly seed: number
  readonly nodes: number
  readonly partitions: number
  readonly replicationFactor: number
  /** One way, between any two places. */
  readonly latencyMs: Millis
  readonly jitterMs: Millis
  /** Longest piece in which bytes arrive. */
  readonly pieceBytesMax: number
  /** Milliseconds of each node's clock for one of the world's. */
  readonly clockRates: ReadonlyMap<NodeId, number>
  /** What a call takes that the disk answers later, at most. */
  readonly diskDelayMs: Millis
  /** The metadata log has a directory of its own. */
  readonly metadataApart: boolean
  readonly logDirs: number
  /** A snapshot of the metadata after so many bytes. */
  readonly snapshotBytes: number
  /** `replica.fetch.response.max.bytes`: with few, what a follower has missed takes many answers, and one partition's share leaves no room for another's. */
  readonly replicaFetchBytes: number
  /** How often the scrubber looks, where disks spoil what they hold: what it has not found yet is come across by those who read. */
  readonly scrubMs: Millis
  readonly faults: readonly FaultKind[]
  /** How long faults begin. */
  readonly faultsMs: Millis
  readonly pauseMsMax: Millis
  readonly faultMsMax: Millis
  /** So many faults may be under way together. */
  readonly faultsAtOnceMax: number
  /** After the faults one node stays away for a while, and the others must go on. */
  readonly healsInTwoSteps: boolean
  readonly producers: number
  readonly readers: number
  readonly classicMembers: number
  readonly consumerMembers: number
  readonly hasAdmin: boolean
  /** All topics have `flush.messages` 1: any machines may lose their power at any time, all of them at once too. */
  readonly durable: boolean
}

/** What a caller says instead of chance. */
export type OptionOverrides = Partial<Omit<CampaignOptions, 'seed'>>

/** Kinds that need what the product does not promise are drawn only when they are asked for (`faults`). */
export function drawOptions(seed: number, overrides: OptionOverrides = {}): CampaignOptions {
  const prng = new Prng(seed + 7_000_003)
  const nodes = prng.chance(0.15) ? 5 : 3
  const drawn: CampaignOptions = {
    seed,
    nodes,
    partitions: prng.between(1, 3),
    replicationFactor: 3,
    latencyMs: prng.pick([0.2, 0.5, 1, 1, 3]),
    jitterMs: prng.pick([0, 0, 0.5, 2, 8]),
    pieceBytesMax: prng.pick([65_536, 65_536, 1_460, 100]),
    clockRates: ratesOf(nodes, prng),
    diskDelayMs: prng.pick([0, 0.3, 2, 10]),
    metadataApart: prng.chance(0.4),
    logDirs: prng.chance(0.25) ? 2 : 1,
    snapshotBytes: prng.pick([1_500, 6_000, 20_971_520]),
    faults: swarmOf(prng),
    faultsMs: prng.between(6, 18) * 1_000,
    pauseMsMax: prng.pick([300, 900, 1_800, 3_500]),
    faultMsMax: prng.pick([400, 1_500, 3_000, 6_000]),
    faultsAtOnceMax: prng.between(1, 3),
    healsInTwoSteps: prng.chance(0.5),
    producers: prng.between(1, 3),
    readers: prng.between(1, 2),
    classicMembers: prng.pick([0, 0, 2, 3]),
    consumerMembers: prng.pick([0, 0, 2, 3]),
    hasAdmin: prng.chance(0.5),
    durable: prng.chance(0.3),
    replicaFetchBytes: prng.pick([10_485_760, 10_485_760, 10_485_760, 800]),
    scrubMs: prng.pick([1_000, 8_000]),
  }
  const merged = { ...drawn, ...overrides }
  if (overrides.faults !== undefined) return merged
  if (!merged.durable) return { ...merged, faults: [...merged.faults, ...silentFaultsOf(seed)] }
  return { ...merged, faults: [...new Set<FaultKind>([...merged.faults, 'powerCut', ...durableFaultKinds])] }
}

/** Clocks that differ by up to two in a hundred, which is far more than any clock does. */
function ratesOf(nodes: number, prng: Prng): ReadonlyMap<NodeId, number> {
  const drift = prng.pick([0, 0.001, 0.02])
  return new Map(Array.from({ length: nodes }, (_unused, at) => [at + 1, 1 + (prng.fraction() * 2 - 1) * drift]))
}

/** Each kind is there or not: what only happens where another kind is missing would otherwise be hidden by it (swarm testing). */
function swarmOf(prng: Prng): readonly FaultKind[] {
  const drawn = faultKinds.filter(() => prng.chance(0.45))
  return drawn.length > 0 ? drawn : [prng.pick(faultKinds)]
}

/** With a generator of its own: a seed that draws none is the run that it was before there were any. */
function silentFaultsOf(seed: number): readonly FaultKind[] {
  const prng = new Prng(seed + 13_000_027)
  if (!prng.chance(0.5)) return []
  return silentFaultKinds.filter(() => prng.chance(0.7)).flatMap((kind) => Array.from({ length: prng.between(1, 3) }, () => kind))
}

/** Whether disks may spoil what they hold. */
export function hasSilentFaults({ faults }: CampaignOptions): boolean {
  return silentFaultKinds.some((kind) => faults.includes(kind))
}

export function describeOptions(options: CampaignOptions): string {
  const { clockRates, faults, ...rest } = options
  const plain = Object.entries(rest).map(([name, value]) => `${name} ${value}`)
  const rates = [...clockRates].map(([id, rate]) => `${id}: ${rate.toFixed(4)}`).join(', ')
  return [...plain, `clocks (${rates})`, `faults ${faults.join(' ')}`].join(', ')
}
