import { type ExitCode, exitCodes } from '../../node/exit-codes.ts'

/** What a person has to mend; its message says how. */
export class LayoutProblem extends Error {
  override readonly name = 'LayoutProblem'
  readonly exitCode: ExitCode
  constructor(message: string, exitCode: ExitCode = exitCodes.directory) {
    super(message)
    this.exitCode = exitCode
  }
}
