/** What the exit status of a process says (sysexits.h where it has a word for it). */
export const exitCodes = {
  ok: 0,
  failed: 1,
  /** Wrong arguments or a wrong property: starting again without a change will not help. */
  usage: 64,
  /** A log directory is locked, not formatted, or belongs to another cluster or node. */
  directory: 70,
  /** A port is in use or may not be taken. */
  port: 71,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** A node cannot start for a reason that a person has to mend; the message says how. */
export class StartProblem extends Error {
  override readonly name = 'StartProblem'
  readonly exitCode: ExitCode
  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}
