import type { Millis } from '../base/units.ts'

/** Every bound of a listener. All are finite; -1 only where it says so. */
export interface ServerLimits {
  /** `socket.request.max.bytes`: a longer frame closes its connection. */
  readonly requestBytesMax: number
  /** `max.connections` of this listener; one more is closed at once. */
  readonly connectionsMax: number
  /** `max.connections.per.ip` */
  readonly connectionsPerIpMax: number
  /** `max.connections.per.ip.overrides`, by address. */
  readonly connectionsPerIpOverrides: ReadonlyMap<string, number>
  /** `connections.max.idle.ms`: nothing asked, nothing taken for this long. -1: never. */
  readonly idleMsMax: Millis
  /** A frame that has begun must be whole within this time, and a second more for each `frameBytesPerSecondMin` received. */
  readonly incompleteFrameMsMax: Millis
  readonly frameBytesPerSecondMin: number
  /** Requests of one connection that are dispatched and not yet answered; more wait unread. */
  readonly inFlightRequestsMax: number
  /** Answers of one connection that its peer has not taken; above it no further request is dispatched. */
  readonly pendingResponseBytesMax: number
  /** How long a peer may take nothing of its answers while the process-wide budget for answers is exceeded. */
  readonly stalledReaderMsMax: Millis
}

export const defaultLimits: ServerLimits = {
  requestBytesMax: 104_857_600,
  connectionsMax: 10_000,
  connectionsPerIpMax: 10_000,
  connectionsPerIpOverrides: new Map(),
  idleMsMax: 600_000,
  incompleteFrameMsMax: 60_000,
  frameBytesPerSecondMin: 1_048_576,
  inFlightRequestsMax: 32,
  pendingResponseBytesMax: 1_048_576,
  stalledReaderMsMax: 2_000,
}

/** Bounds of a process, shared by the listeners that are given the same `MemoryBudget`. */
export const requestMemoryBytesMax = 268_435_456
export const responseMemoryBytesMax = 268_435_456
