import { Worker } from 'node:worker_threads'
import type { Log } from '../base/ports.ts'
import type { FromController, ThreadStart, ToController } from './controller-messages.ts'
import { StartProblem } from './exit-codes.ts'
import type { NodePart } from './parts.ts'

/** Megabytes. The controller's heap holds the cluster's metadata; a small young generation keeps an idle node small. */
const heapLimits = { maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 512 }

/** The controller in its thread, seen from the main thread. */
export class ControllerWorker implements NodePart {
  private readonly log: Log
  private readonly data: ThreadStart
  private worker: Worker | null = null
  private onStarted: () => void = () => {}
  private onStopped: () => void = () => {}
  private onFailed: (error: Error) => void
  private stopping = false

  /** `onFailed`: the thread died, or could not go on, after it had started. */
  constructor(log: Log, data: ThreadStart, onFailed: (error: Error) => void) {
    this.log = log
    this.data = data
    this.onFailed = onFailed
  }

  start(): Promise<void> {
    const later = this.onFailed
    return new Promise((resolve, reject) => {
      this.onStarted = () => {
        this.onFailed = later
        resolve()
      }
      this.onFailed = reject
      const worker = new Worker(new URL('./controller-thread.js', import.meta.url), {
        workerData: this.data,
        resourceLimits: heapLimits,
        execArgv: [],
      })
      this.worker = worker
      worker.on('message', (message: FromController) => this.onMessage(message))
      worker.on('error', (error) => this.onFailed(error))
      worker.on('exit', () => {
        this.onStopped()
        if (!this.stopping) this.onFailed(new Error('the controller thread ended by itself'))
      })
    })
  }

  /** Resolves when the thread has ended. */
  async stop(): Promise<void> {
    const { worker } = this
    if (worker === null || this.stopping) return
    this.stopping = true
    const stopped = new Promise<void>((resolve) => {
      this.onStopped = resolve
    })
    worker.postMessage({ kind: 'stop' } satisfies ToController)
    await stopped
    await worker.terminate()
  }

  private onMessage(message: FromController): void {
    switch (message.kind) {
      case 'log':
        return this.log.write(message.level, message.event, message.message, message.fields)
      case 'started':
        return this.onStarted()
      case 'stopped':
        return this.onStopped()
      case 'failed':
        return this.onFailed(new StartProblem(message.exitCode, message.message))
    }
  }
}
