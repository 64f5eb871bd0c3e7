import { assert, AssertionError } from '../base/assert.ts'
import type { Connection } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { ListenerKind } from '../protocol/apis.ts'
import { FrameAssembler } from '../protocol/frame-assembler.ts'
import { MalformedError } from '../protocol/reader.ts'
import { dispatch, RefusedRequest } from './dispatch.ts'
import type { ConnectionContext, HandlerTable } from './handlers.ts'
import type { ServerLimits } from './limits.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { RequestMetrics } from './request-metrics.ts'

/** What a connection needs of its listener. */
export interface ConnectionHost {
  readonly listenerName: string
  readonly listenerKind: ListenerKind
  readonly limits: ServerLimits
  readonly handlers: HandlerTable
  readonly memory: MemoryBudget
  readonly metrics: RequestMetrics
  now(): Millis
  /** Calls `flush` of the connection at the end of the turn. */
  flushLater(connection: ServerConnection): void
  /** One line, at a bounded rate. */
  report(level: 'info' | 'warn' | 'error', event: string, message: string): void
  onClosed(connection: ServerConnection): void
}

/** A request that has been dispatched; it stays until its answer and those before it have left. */
interface Slot {
  readonly apiKey: number
  readonly requestBytes: number
  readonly receivedAt: Millis
  /** Undefined: not answered yet. Empty: answered with silence. */
  answer: readonly Buffer[] | undefined
  answerBytes: number
}

const silence: readonly Buffer[] = []

/**
 * One client. open → draining (the listener closes: nothing more is taken, answers leave) → ending (the last bytes leave) → closed;
 * from every state directly to closed when the peer goes, breaks the protocol, or a limit says so.
 *
 * Invariants:
 *  1. Answers leave in the order of the requests: only a prefix of `slots` is ever moved to `outgoing`.
 *  2. A request is dispatched only while fewer than `inFlightRequestsMax` are unanswered, fewer than `pendingResponseBytesMax` bytes of
 *     answers are untaken and the process has memory; otherwise reading is paused, and resumed by what removes the obstacle: an answer
 *     that leaves, a drain, the budget.
 *  3. What is counted in `memory` is given back exactly once: `charged*` say what is owed.
 */
export class ServerConnection implements ConnectionContext {
  readonly id: number
  readonly clientHost: string
  readonly clientPort: number
  readonly localPort: number
  readonly listenerName: string
  readonly listenerKind: ListenerKind
  softwareName = ''
  softwareVersion = ''
  private readonly host: ConnectionHost
  private readonly connection: Connection
  private readonly assembler: FrameAssembler
  private state: 'open' | 'draining' | 'ending' | 'closed' = 'open'
  private readonly slots: Slot[] = []
  private inWork = 0
  private outgoing: Buffer[] = []
  /** Bytes of answers in `slots` and `outgoing`. */
  private unsentBytes = 0
  private awaitsDrain = false
  private flushDue = false
  private taking = false
  private exempt = false
  private pausedAt: Millis | null = null
  private incompleteSince: Millis = 0
  private chargedIncomplete = 0
  private chargedRequests = 0
  private chargedUnread = 0
  private lastActivity: Millis
  private lastPending = 0
  private endingSince: Millis = 0
  private closers: Set<() => void> | null = null

  constructor(host: ConnectionHost, connection: Connection, id: number) {
    this.host = host
    this.connection = connection
    this.id = id
    this.clientHost = connection.remoteHost
    this.clientPort = connection.remotePort
    this.localPort = connection.localPort
    this.listenerName = host.listenerName
    this.listenerKind = host.listenerKind
    this.assembler = new FrameAssembler(host.limits.requestBytesMax)
    this.lastActivity = host.now()
    connection.start({
      onData: (bytes) => this.onData(bytes),
      onDrain: () => this.onDrain(),
      onClose: () => this.closed(),
    })
  }

  get isOpen(): boolean {
    return this.state === 'open' || this.state === 'draining'
  }

  onClose(run: () => void): () => void {
    if (!this.isOpen) {
      run()
      return () => {}
    }
    this.closers ??= new Set()
    this.closers.add(run)
    return () => this.closers?.delete(run)
  }

  softwareIs(name: string, version: string): void {
    this.softwareName = name
    this.softwareVersion = version
  }

  exemptFromBudget(): void {
    this.exempt = true
  }

  private onData(bytes: Buffer): void {
    if (this.state !== 'open') return
    this.lastActivity = this.host.now()
    this.assembler.push(bytes)
    this.takeRequests()
  }

  private onDrain(): void {
    this.awaitsDrain = false
    this.lastActivity = this.host.now()
    this.flush()
    this.takeRequests()
  }

  /** Dispatches what has been received, as far as the limits allow, and sets whether more is read. */
  private takeRequests(): void {
    if (this.taking || this.state !== 'open') return
    this.taking = true
    try {
      while (this.mayTake()) {
        const frame = this.assembler.next()
        if (frame === null) break
        this.take(frame)
      }
    } catch (error) {
      this.fail(error)
    } finally {
      this.taking = false
    }
    if (this.state === 'open') {
      this.chargeIncomplete()
      this.setReading()
    }
  }

  private mayTake(): boolean {
    if (this.state !== 'open' || this.inWork >= this.host.limits.inFlightRequestsMax) return false
    if (this.awaitsDrain || this.unsentBytes >= this.host.limits.pendingResponseBytesMax) return false
    return this.exempt || this.host.memory.admits(this, this.assembler.claimedBytes)
  }

  private setReading(): void {
    const now = this.host.now()
    if (this.mayTake()) {
      if (this.pausedAt === null) return
      // The time in which we did not look is not held against the peer.
      this.incompleteSince += now - this.pausedAt
      this.pausedAt = null
      this.connection.resume()
    } else {
      if (!this.exempt && !this.host.memory.admits(this, this.assembler.claimedBytes))
        this.host.memory.onRoom(this, () => this.takeRequests())
      if (this.pausedAt !== null) return
      this.pausedAt = now
      this.connection.pause()
    }
  }

  private chargeIncomplete(): void {
    const bytes = this.assembler.incompleteBytes
    if (bytes === this.chargedIncomplete) return
    if (this.chargedIncomplete === 0) this.incompleteSince = this.lastActivity
    const change = bytes - this.chargedIncomplete
    this.chargedIncomplete = bytes
    this.host.memory.addIncomplete(change)
    this.host.memory.hasIncomplete(this, bytes > 0)
  }

  private releaseIncomplete(): void {
    if (this.chargedIncomplete === 0) return
    const bytes = this.chargedIncomplete
    this.chargedIncomplete = 0
    this.host.memory.addIncomplete(-bytes)
    this.host.memory.hasIncomplete(this, false)
  }

  private take(frame: Buffer): void {
    this.releaseIncomplete()
    const slot: Slot = {
      apiKey: frame.length >= 2 ? frame.readInt16BE(0) : -1,
      requestBytes: frame.length,
      receivedAt: this.lastActivity,
      answer: undefined,
      answerBytes: 0,
    }
    this.slots.push(slot)
    this.inWork += 1
    this.chargedRequests += slot.requestBytes
    this.host.memory.addInWork(slot.requestBytes)
    const answer = dispatch(this.host.handlers, this, frame, slot.receivedAt)
    if (answer instanceof Promise) {
      answer.then(
        (later) => this.answered(slot, later),
        (error: unknown) => this.fail(error),
      )
    } else {
      this.answered(slot, answer)
    }
  }

  private answered(slot: Slot, answer: readonly Buffer[] | null): void {
    if (this.state === 'closed' || this.state === 'ending') return
    assert(slot.answer === undefined, 'a request is answered once')
    slot.answer = answer ?? silence
    for (const part of slot.answer) slot.answerBytes += part.length
    this.unsentBytes += slot.answerBytes
    this.inWork -= 1
    this.chargedRequests -= slot.requestBytes
    this.host.memory.addInWork(-slot.requestBytes)
    const now = this.host.now()
    this.host.metrics.record(slot.apiKey, now - slot.receivedAt)
    this.lastActivity = now
    this.moveAnswered()
    this.takeRequests()
  }

  /** Invariant 1. */
  private moveAnswered(): void {
    for (let slot = this.slots[0]; slot?.answer !== undefined; slot = this.slots[0]) {
      this.slots.shift()
      this.outgoing.push(...slot.answer)
    }
    if (this.outgoing.length > 0 || this.state === 'draining') this.flushSoon()
  }

  private flushSoon(): void {
    if (this.flushDue || this.awaitsDrain) return this.chargeUnread()
    this.flushDue = true
    this.host.flushLater(this)
  }

  /** One write for all the answers of a turn. */
  flush(): void {
    this.flushDue = false
    if (this.state === 'closed' || this.awaitsDrain) return
    if (this.outgoing.length > 0) {
      const buffers = this.outgoing
      this.outgoing = []
      for (const buffer of buffers) this.unsentBytes -= buffer.length
      this.awaitsDrain = !this.connection.write(buffers)
    }
    this.chargeUnread()
    if (this.state === 'draining' && this.slots.length === 0 && this.outgoing.length === 0) this.end()
    else if (this.pausedAt !== null) this.takeRequests()
  }

  private chargeUnread(): void {
    const bytes = this.awaitsDrain ? this.connection.pendingBytes() + this.unsentBytes : 0
    const change = bytes - this.chargedUnread
    this.chargedUnread = bytes
    if (change !== 0) this.host.memory.addResponse(change)
  }

  /** Takes nothing more; closes when what is in work has been answered. */
  drain(): void {
    if (this.state !== 'open') return
    this.state = 'draining'
    this.connection.pause()
    if (this.slots.length === 0 && this.outgoing.length === 0) this.end()
  }

  private end(): void {
    this.state = 'ending'
    this.endingSince = this.host.now()
    this.connection.end()
    this.runClosers()
  }

  private fail(error: unknown): void {
    if (error instanceof AssertionError) throw error
    if (this.state === 'closed' || this.state === 'ending') return
    const from = `from ${this.clientHost}:${this.clientPort} on ${this.listenerName}`
    if (error instanceof MalformedError) {
      this.close('warn', 'malformed-request', `Closed the connection ${from}: ${error.message}.`)
    } else if (error instanceof RefusedRequest) {
      this.close('warn', 'unsupported-request', `Closed the connection ${from}: ${error.message}.`)
    } else {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.close('error', 'request-failed', `Closed the connection ${from}: a request ended in an unexpected error: ${what}`)
    }
  }

  /** Answers that are ready still leave; a peer that does not take them is cut off by `check`. */
  private close(level: 'info' | 'warn' | 'error', event: string, message: string): void {
    this.host.metrics.connectionsClosedForError += 1
    this.host.report(level, event, message)
    this.state = 'draining'
    this.slots.length = 0
    this.flush()
    if (this.awaitsDrain) this.destroy()
  }

  destroy(): void {
    if (this.state === 'closed') return
    this.connection.destroy()
    this.closed()
  }

  private closed(): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    const { memory } = this.host
    memory.forget(this)
    memory.addIncomplete(-this.chargedIncomplete)
    memory.addInWork(-this.chargedRequests)
    memory.addResponse(-this.chargedUnread)
    this.chargedIncomplete = this.chargedRequests = this.chargedUnread = 0
    this.slots.length = 0
    this.outgoing = []
    this.runClosers()
    this.host.onClosed(this)
  }

  private runClosers(): void {
    const closers = this.closers
    this.closers = null
    if (closers !== null) for (const run of closers) run()
  }

  /** Holds the connection against its time limits; called now and then. */
  check(now: Millis): void {
    const { limits, memory } = this.host
    const pending = this.connection.pendingBytes()
    if (pending < this.lastPending) this.lastActivity = now
    this.lastPending = pending
    const quiet = now - this.lastActivity
    const from = `from ${this.clientHost}:${this.clientPort} on ${this.listenerName}`
    if (this.state === 'ending') {
      if (now - this.endingSince > limits.stalledReaderMsMax && quiet > limits.stalledReaderMsMax) this.destroy()
    } else if (this.incompleteTooLong(now)) {
      const { incompleteBytes, claimedBytes } = this.assembler
      this.host.report(
        'warn',
        'incomplete-frame',
        `Closed the connection ${from}: ${incompleteBytes} bytes of a request of ${claimedBytes} came in ${Math.round(now - this.incompleteSince)} ms.`,
      )
      this.destroy()
    } else if (this.awaitsDrain && memory.responsesExceeded && quiet > limits.stalledReaderMsMax) {
      this.host.report(
        'warn',
        'stalled-reader',
        `Closed the connection ${from}: it takes nothing of ${pending} bytes of answers while memory for answers is short.`,
      )
      this.destroy()
    } else if (limits.idleMsMax >= 0 && this.inWork === 0 && quiet > limits.idleMsMax) {
      this.destroy()
    }
  }

  private incompleteTooLong(now: Millis): boolean {
    const { incompleteFrameMsMax, frameBytesPerSecondMin } = this.host.limits
    const bytes = this.assembler.incompleteBytes
    if (bytes === 0 || this.pausedAt !== null) return false
    return now - this.incompleteSince > incompleteFrameMsMax + (bytes / frameBytesPerSecondMin) * 1000
  }
}
