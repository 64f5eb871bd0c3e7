import { Prng } from '../../base/prng.ts'
import type { Millis } from '../../base/units.ts'

export type GroupKind = 'classic' | 'consumer' | 'mixed' | 'simple'

export interface GroupOptions {
  readonly groupId: string
  readonly kind: GroupKind
  readonly clients: number
  /** How many of the clients have an instance id. */
  readonly statics: number
}

/** What a seed draws. Chances are per message or per opportunity; an interval of 0 turns a kind of fault off. */
export interface GroupsOptions {
  readonly brokers: number
  /** Of the offsets topic. */
  readonly partitions: number
  readonly groups: readonly GroupOptions[]
  readonly topics: number
  readonly topicPartitionsMax: number
  /** Until then there are faults. */
  readonly faultsMs: Millis

  readonly delayMaxMs: Millis
  readonly lossChance: number
  readonly duplicateChance: number
  /** Of a message that comes seconds late. */
  readonly stragglerChance: number
  readonly requestTimeoutMs: Millis

  readonly replicationMaxMs: Millis
  /** Of an append that is not replicated for seconds. */
  readonly stallChance: number
  readonly commitTimeoutMs: Millis
  readonly loadMaxMs: Millis
  /** Until a broker learns who leads, or that topics have changed. */
  readonly noticeMaxMs: Millis
  readonly compaction: boolean

  readonly moveEveryMs: Millis
  readonly brokerCrashEveryMs: Millis
  readonly brokerFreezeEveryMs: Millis
  readonly churnEveryMs: Millis
  readonly topicsEveryMs: Millis
  readonly expireEveryMs: Millis
  readonly adminEveryMs: Millis
  readonly wallSkewMaxMs: Millis

  readonly sessionTimeoutMs: Millis
  readonly rebalanceTimeoutMs: Millis
  readonly heartbeatIntervalMs: Millis
  readonly initialRebalanceDelayMs: Millis
  readonly assignmentIntervalMs: Millis
  readonly commitEveryMs: Millis
  readonly offsetsRetentionMs: Millis
}

/** Every family of faults is off in a third of the worlds: faults that are always there hide others. */
export function drawOptions(seed: number): GroupsOptions {
  const prng = new Prng(seed * 7919 + 17)
  const maybe = (value: number): number => (prng.chance(1 / 3) ? 0 : value)
  const heartbeatIntervalMs = prng.pick([300, 500, 1000])
  return {
    brokers: prng.between(2, 4),
    partitions: prng.between(1, 2),
    groups: drawGroups(prng),
    topics: prng.between(1, 3),
    topicPartitionsMax: prng.between(1, 6),
    faultsMs: prng.pick([15_000, 25_000, 40_000]),
    ...drawNetwork(prng, maybe),
    ...drawLog(prng, maybe),
    ...drawFaults(prng, maybe),
    sessionTimeoutMs: heartbeatIntervalMs * prng.between(4, 8),
    rebalanceTimeoutMs: prng.pick([1500, 3000, 5000]),
    heartbeatIntervalMs,
    initialRebalanceDelayMs: prng.pick([0, 200, 1000]),
    assignmentIntervalMs: prng.pick([0, 0, 200, 1000]),
    commitEveryMs: prng.pick([150, 400, 1000]),
    offsetsRetentionMs: prng.pick([4_000, 12_000, 7 * 24 * 3600 * 1000]),
  }
}

function drawGroups(prng: Prng): GroupOptions[] {
  const kinds: readonly GroupKind[] = ['classic', 'classic', 'consumer', 'consumer', 'mixed', 'simple']
  return Array.from({ length: prng.between(1, 3) }, (_, at) => {
    const kind = prng.pick(kinds)
    const clients = prng.between(1, 4)
    return { groupId: `${kind}-${at}`, kind, clients, statics: prng.chance(0.5) ? 0 : prng.between(1, clients) }
  })
}

function drawNetwork(prng: Prng, maybe: (value: number) => number) {
  return {
    delayMaxMs: prng.pick([2, 20, 100]),
    lossChance: maybe(prng.fraction() * 0.1),
    duplicateChance: maybe(prng.fraction() * 0.1),
    stragglerChance: maybe(prng.fraction() * 0.04),
    requestTimeoutMs: prng.pick([500, 1500]),
  }
}

function drawLog(prng: Prng, maybe: (value: number) => number) {
  return {
    replicationMaxMs: prng.pick([1, 10, 60]),
    stallChance: maybe(prng.fraction() * 0.05),
    commitTimeoutMs: prng.pick([800, 5000]),
    loadMaxMs: prng.pick([5, 100, 800]),
    noticeMaxMs: prng.pick([5, 100, 1500]),
    compaction: prng.chance(0.5),
  }
}

function drawFaults(prng: Prng, maybe: (value: number) => number) {
  return {
    moveEveryMs: maybe(prng.pick([700, 2000, 6000])),
    brokerCrashEveryMs: maybe(prng.pick([4000, 10_000])),
    brokerFreezeEveryMs: maybe(prng.pick([4000, 10_000])),
    churnEveryMs: maybe(prng.pick([800, 2000, 5000])),
    topicsEveryMs: maybe(prng.pick([3000, 8000])),
    expireEveryMs: maybe(prng.pick([1000, 3000])),
    adminEveryMs: maybe(prng.pick([700, 3000])),
    wallSkewMaxMs: maybe(prng.pick([50, 3000])),
  }
}
