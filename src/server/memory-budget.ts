import { requestMemoryBytesMax, responseMemoryBytesMax } from './limits.ts'

/**
 * Bytes of requests and of unread answers that the connections of a process may hold together (`queued.max.request.bytes`). It counts; the
 * connections ask it before they read on, and are woken when it has room again.
 */
export class MemoryBudget {
  readonly requestBytesMax: number
  readonly responseBytesMax: number
  private requests = 0
  private responses = 0
  private readonly waiting = new Set<() => void>()

  constructor(requestBytesMax = requestMemoryBytesMax, responseBytesMax = responseMemoryBytesMax) {
    this.requestBytesMax = requestBytesMax
    this.responseBytesMax = responseBytesMax
  }

  get requestBytes(): number {
    return this.requests
  }

  get responseBytes(): number {
    return this.responses
  }

  get hasRoom(): boolean {
    return this.requests < this.requestBytesMax && this.responses < this.responseBytesMax
  }

  get responsesExceeded(): boolean {
    return this.responses >= this.responseBytesMax
  }

  addRequest(bytes: number): void {
    this.requests += bytes
    if (bytes < 0) this.wakeWaiting()
  }

  addResponse(bytes: number): void {
    this.responses += bytes
    if (bytes < 0) this.wakeWaiting()
  }

  /** Calls `run` once there is room; the same function is kept once. */
  onRoom(run: () => void): void {
    this.waiting.add(run)
  }

  forget(run: () => void): void {
    this.waiting.delete(run)
  }

  private wakeWaiting(): void {
    for (const run of this.waiting) {
      if (!this.hasRoom) return
      this.waiting.delete(run)
      run()
    }
  }
}
