import type { Timestamp } from '../../base/units.ts'
import type { Answer } from '../../zookeeper/wire/answers.ts'
import type { Effect } from './tree.ts'

/** One place in the order that all servers follow. What was refused has a place too, so that its answer comes in order. */
export interface Transaction {
  readonly zxid: bigint
  readonly time: Timestamp
  readonly session: bigint
  readonly kind: 'createSession' | 'closeSession' | 'operations'
  readonly effects: readonly Effect[]
  readonly error: number
  readonly answer: Answer | null
  /** Who asked, and waits for it to be carried out where it asked; null for nobody. */
  readonly origin: Origin | null
}

export interface Origin {
  onCarriedOut(transaction: Transaction): void
}
