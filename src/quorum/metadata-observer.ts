import type { Millis } from '../base/units.ts'
import type { AliveBroker } from '../znodes/registration.ts'
import type { QuorumLeader, QuorumListener } from './metadata-quorum.ts'

/** How a broker follows the metadata and finds the active controller. */
export interface MetadataObserver {
  readonly leader: QuorumLeader
  /** Until when nobody can hold this broker for dead but for its silence towards the controller, by the own clock; Infinity where nobody else watches. */
  readonly sessionUntil: Millis
  /** Rejects when what it needs at a start cannot be reached; its message says what to do. */
  start(listener: QuorumListener): Promise<void>
  stop(): Promise<void>
  /** The controller has let this broker in. */
  onRegistered(broker: AliveBroker): void
}
