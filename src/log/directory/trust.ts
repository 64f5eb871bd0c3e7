import { DiskError, isOutOfSpace } from '../../base/ports.ts'

/** Whether a log directory can be trusted: what its disk fails in for one file it has failed in for all (LogManager.handleIOException). */
export class Trust {
  private readonly path: string
  private readonly onLost: (error: DiskError) => void
  private lostBy: DiskError | null = null

  /** `onLost` is called once. */
  constructor(path: string, onLost: (error: DiskError) => void) {
    this.path = path
    this.onLost = onLost
  }

  /** Null while it can be trusted. */
  get failure(): DiskError | null {
    return this.lostBy
  }

  /** Throws the DiskError that it was lost by. */
  check(): void {
    if (this.lostBy !== null) throw this.lostBy
  }

  lose(error: DiskError): void {
    if (this.lostBy !== null) return
    this.lostBy = error
    this.onLost(error)
  }

  /** A failed sync of a file that speaks of all logs is as final as that of a log; one that there was no room for is as it was. */
  async guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      const isAsItWas = isOutOfSpace(error) && error.path !== this.path
      if (error instanceof DiskError && !isAsItWas) this.lose(error)
      throw error
    }
  }

  guardNow(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (error instanceof DiskError) this.lose(error)
      throw error
    }
  }
}
