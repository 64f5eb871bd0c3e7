import type { NodeId, Uuid } from '../../base/units.ts'
import {
  DIRECTORY_LOST,
  DIRECTORY_MIGRATING,
  DIRECTORY_UNASSIGNED,
  directoryOf,
  isTrusted,
  type PartitionImage,
} from '../../metadata/partition-image.ts'

/** One entry of `log.dirs`, as far as the choice of a place looks into it. */
export interface Place {
  readonly identity: { readonly directoryId: Uuid } | null
  readonly logs: { readonly size: number; has(name: string): boolean }
  readonly isFull: boolean
}

/** Where a replica is opened, or why it is not: its directory is offline, or what metadata counts on is not here. */
export type Choice<P extends Place> = P | 'offline' | 'lost'

/**
 * Where the replicas of this broker are (KIP-858). Metadata names a directory for each of them; invariants:
 *
 *  1. A replica is opened where its log is, otherwise where metadata says, otherwise in the healthy directory with the fewest (LogManager.nextLogDirs), one with
 *     room before one without. Where AlterReplicaLogDirs has asked for it before it was here (`preferred`), it is made there.
 *  2. A replica whose directory has failed is opened nowhere until that directory is back: an empty log in another one would be taken for it. A
 *     directory that failed before it could say its id may be any that is missing (`someUnknown`).
 *  3. A replica that is trusted (in the ISR, or eligible to lead) whose directory is not one of ours (the disk was exchanged, the entry left `log.dirs`) is not opened: whoever counts on
 *     what it had must not get an empty or an older log. Any other replica is opened anywhere, and fetched; when it joins the ISR,
 *     metadata learns where it is.
 *  4. The controller is told where a replica is when metadata does not say (UNASSIGNED, MIGRATING) or names another of our own directories.
 *     Of a replica in LOST it is told only when it is the last in-sync one: it was given up because others had everything, and they are gone.
 */
export function choosePlace<P extends Place>(
  state: PartitionImage,
  broker: NodeId,
  name: string,
  healthy: readonly P[],
  failed: readonly P[],
  someUnknown: boolean,
  preferred?: P,
): Choice<P> {
  const named = directoryOf(state, broker) ?? DIRECTORY_MIGRATING
  if (failed.some((it) => idOf(it) === named)) return 'offline'
  if (someUnknown && named !== DIRECTORY_LOST && isGone(named, healthy)) return 'offline'
  const there = healthy.find((it) => idOf(it) === named)
  const holder = there?.logs.has(name) === true ? there : healthy.find((it) => it.logs.has(name))
  if (isGone(named, healthy) && isTrusted(state, broker)) return named === DIRECTORY_LOST && holder !== undefined ? holder : 'lost'
  return holder ?? preferred ?? there ?? fewest(healthy) ?? 'offline'
}

/** The directory that the controller is to be told of; null: it knows, or will learn. */
export function placeToTell(state: PartitionImage, broker: NodeId, actual: Uuid, own: readonly Place[]): Uuid | null {
  const named = directoryOf(state, broker)
  if (named === undefined || named === actual) return null
  if (!isGone(named, own)) return actual
  return named === DIRECTORY_LOST && isTrusted(state, broker) ? actual : null
}

/** Metadata says that the replica is not in any directory that this broker has. */
function isGone(named: Uuid, own: readonly Place[]): boolean {
  if (named === DIRECTORY_UNASSIGNED || named === DIRECTORY_MIGRATING) return false
  return !own.some((it) => idOf(it) === named)
}

function idOf(place: Place): Uuid | undefined {
  return place.identity?.directoryId
}

function fewest<P extends Place>(places: readonly P[]): P | undefined {
  return places.reduce<P | undefined>((best, it) => (best === undefined || isBetter(it, best) ? it : best), undefined)
}

function isBetter(one: Place, other: Place): boolean {
  return one.isFull === other.isFull ? one.logs.size < other.logs.size : other.isFull
}
