import { DiskError } from '../base/ports.ts'

/** What Node throws, as what the ports promise. */
export function diskError(error: unknown, action: string, path: string): Error {
  if (error instanceof DiskError) return error
  if (!(error instanceof Error)) return new DiskError('EUNKNOWN', path, action)
  const code = (error as NodeJS.ErrnoException).code
  // An error without a code of the system is a bug of ours (a wrong argument), and no matter of the disk.
  return code === undefined || code.startsWith('ERR_') ? error : new DiskError(code, path, action)
}

export function wrapped<T>(action: string, path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw diskError(error, action, path)
  }
}

export async function wrappedAsync<T>(action: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw diskError(error, action, path)
  }
}
