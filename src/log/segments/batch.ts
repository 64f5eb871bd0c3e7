import { MalformedError } from '../../protocol/reader.ts'
import type { BatchHeader } from '../../protocol/records/batch-header.ts'
import { readBatchHeader } from '../../protocol/records/batch-header.ts'

/** The header at `at`, or, as a value, why none can be there: on disk bad bytes are an ordinary finding. */
export function headerOrProblem(bytes: Buffer, at: number): BatchHeader | string {
  try {
    return readBatchHeader(bytes, at)
  } catch (error) {
    if (error instanceof MalformedError) return error.message
    throw error
  }
}
