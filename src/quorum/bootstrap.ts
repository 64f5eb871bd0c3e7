import type { Disk } from '../base/ports.ts'

/** The file in a formatted metadata log directory whose records the first active controller appends to the empty log. */
export const bootstrapFileName = 'bootstrap.checkpoint'

/** Record values of `<directory>/bootstrap.checkpoint`, in order; null when there is no such file. @throws MalformedError */
export function readBootstrap(_disk: Disk, _directory: string): readonly Buffer[] | null {
  return null
}

/** Writes record values (metadata framing, made by the caller) as `storage format` does: durable when it returns. */
export function writeBootstrap(_disk: Disk, _directory: string, _values: readonly Buffer[]): void {}
