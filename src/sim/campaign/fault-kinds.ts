import type { Millis } from '../../base/units.ts'

/** What a seed may draw. */
export const faultKinds = [
  'kill',
  'killAll',
  'killAtWrite',
  'powerCut',
  'emptyDisk',
  'freeze',
  'stop',
  'isolate',
  'isolateOneWay',
  'halves',
  'bridge',
  'cutPair',
  'cutPairOneWay',
  'cutFromController',
  'cutFromClients',
  'clog',
  'slowLink',
  'narrowLink',
  'resets',
  'refuseDials',
  'wallClock',
  'slowDisk',
  'fullDisk',
  'writeError',
  'syncError',
] as const

/** What only a cluster of durable topics is promised to survive; its seeds draw it besides. */
export const durableFaultKinds = ['powerCutAll'] as const

/** What a disk does without a word (`rot-faults.ts`); drawn apart from the others, by seeds whose topics are not durable. */
export const silentFaultKinds = ['rot', 'misdirected'] as const
export type FaultKind = (typeof faultKinds)[number] | (typeof durableFaultKinds)[number] | (typeof silentFaultKinds)[number]

/** Whom a fault hits; who that is, is looked at when it begins. */
export type Target =
  | { readonly kind: 'node'; readonly id: number }
  | { readonly kind: 'leader'; readonly partition: number }
  | { readonly kind: 'follower'; readonly partition: number }
  | { readonly kind: 'controller' }
  | { readonly kind: 'coordinator' }

export interface PlannedFault {
  /** Its place in the plan as it was drawn. */
  readonly number: number
  /** From the beginning of the faults. */
  readonly at: Millis
  readonly forMs: Millis
  readonly kind: FaultKind
  readonly target: Target
  /** 0 to 1, for what a kind leaves open: how much, to which side. */
  readonly amount: number
}

export function targetName(target: Target): string {
  switch (target.kind) {
    case 'node':
      return `node ${target.id}`
    case 'leader':
      return `the leader of partition ${target.partition}`
    case 'follower':
      return `a follower of partition ${target.partition}`
    case 'controller':
      return 'the active controller'
    case 'coordinator':
      return "the groups' coordinator"
  }
}
