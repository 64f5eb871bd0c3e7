/** A broken invariant of our own: the process must not go on with state it can no longer vouch for. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Stays on in production. A failure is a bug of ours, never of a peer, a file or a client. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** The type checker proves that every member of a union was handled; at run time it is a bug. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`)
}
