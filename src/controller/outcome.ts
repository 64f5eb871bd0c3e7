import { ErrorCode, type ErrorName } from '../protocol/errors.ts'

/** What became of one item of a request: a value, never an exception. */
export interface Outcome {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export const done: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null }

export function refused(error: ErrorName, message: string | null = null): Outcome {
  return { errorCode: ErrorCode[error], errorMessage: message }
}

export function isRefused(outcome: Outcome): boolean {
  return outcome.errorCode !== ErrorCode.NONE
}
