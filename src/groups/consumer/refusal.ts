import type { ErrorName } from '../../protocol/errors.ts'

/** A request that is not carried out: nothing has been decided, nothing written. */
export interface Refusal {
  readonly error: ErrorName
  /** Kafka's words for the client's log. */
  readonly message: string | null
}

export function refusal(error: ErrorName, message: string | null = null): Refusal {
  return { error, message }
}

export function isRefusal(outcome: object): outcome is Refusal {
  return 'error' in outcome
}
