import { ErrorCode } from '../../../protocol/errors.ts'

const coordinatorErrors: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
])

/** Another coordinator is to be looked for, or the same one asked again. */
export function isOfCoordinator(errorCode: number): boolean {
  return coordinatorErrors.has(errorCode)
}
