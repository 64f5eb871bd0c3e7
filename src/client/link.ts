import { assert } from '../base/assert.ts'
import type { Clock, Connection } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import { FrameAssembler } from '../protocol/frame-assembler.ts'
import { MalformedError } from '../protocol/reader.ts'
import { PeerError } from './peer-error.ts'

/** A request on its way: encoded, with whoever waits for its answer. */
export interface Outstanding {
  readonly correlationId: number
  readonly frame: readonly Buffer[]
  /** Of the monotonic clock. */
  readonly deadline: Millis
  /** False: there will be no answer; it is done when it has been handed to the connection. */
  readonly expectsAnswer: boolean
  /** @throws MalformedError */
  readonly onAnswer: (frame: Buffer) => void
  readonly onError: (error: PeerError) => void
}

export interface LinkEvents {
  /** The first answer has come: the peer is in order. */
  onFirstAnswer(): void
  /** Once, and last. */
  onLost(code: string | null): void
}

const noAnswer = Buffer.alloc(0)

/** One established connection: requests out, one write for each turn; answers back, in order. */
export class Link {
  private readonly clock: Clock
  private readonly connection: Connection
  private readonly events: LinkEvents
  private readonly assembler: FrameAssembler
  private readonly inFlight: Outstanding[] = []
  private outgoing: Outstanding[] = []
  private flushDue = false
  private awaitsDrain = false
  private answered = false
  private lost = false

  constructor(clock: Clock, connection: Connection, responseBytesMax: number, events: LinkEvents) {
    this.clock = clock
    this.connection = connection
    this.events = events
    this.assembler = new FrameAssembler(responseBytesMax)
    connection.start({
      onData: (bytes) => this.onData(bytes),
      onDrain: () => this.onDrain(),
      onClose: (code) => this.lose(code, 'ECLOSED', 'the connection was closed'),
    })
  }

  /** Requests without an answer. */
  get waiting(): number {
    return this.inFlight.length + this.outgoing.length
  }

  get earliestDeadline(): Millis {
    return [...this.inFlight, ...this.outgoing].reduce((least, it) => Math.min(least, it.deadline), Infinity)
  }

  send(request: Outstanding): void {
    assert(!this.lost, 'nothing is sent over a lost connection')
    this.outgoing.push(request)
    if (this.flushDue || this.awaitsDrain) return
    this.flushDue = true
    this.clock.endOfTurn(() => this.flush())
  }

  /** A request that is overdue holds up all behind it: the connection is given up. */
  checkDeadlines(now: Millis): void {
    if (this.earliestDeadline <= now) this.giveUp('ETIMEDOUT', 'no answer in time', now)
  }

  /** Ends it at once; what waits is rejected. */
  close(): void {
    this.connection.destroy()
    this.lose(null, 'ESHUTDOWN', 'the peer was closed')
  }

  private flush(): void {
    this.flushDue = false
    if (this.lost || this.awaitsDrain || this.outgoing.length === 0) return
    const sent = this.outgoing
    this.outgoing = []
    const buffers: Buffer[] = []
    for (const request of sent) {
      for (const part of request.frame) buffers.push(part)
      if (request.expectsAnswer) this.inFlight.push(request)
    }
    this.awaitsDrain = !this.connection.write(buffers)
    for (const request of sent) if (!request.expectsAnswer) request.onAnswer(noAnswer)
  }

  private onDrain(): void {
    this.awaitsDrain = false
    this.flush()
  }

  private onData(bytes: Buffer): void {
    if (this.lost) return
    try {
      this.assembler.push(bytes)
      for (let frame = this.assembler.next(); frame !== null && !this.lost; frame = this.assembler.next()) this.take(frame)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.giveUp('EMALFORMED', error.message, -Infinity)
    }
  }

  private take(frame: Buffer): void {
    const request = this.inFlight[0]
    if (request === undefined || frame.length < 4) throw new MalformedError('an answer to no request')
    const correlationId = frame.readInt32BE(0)
    if (correlationId !== request.correlationId)
      throw new MalformedError(`an answer to ${correlationId}, expected was ${request.correlationId}`)
    request.onAnswer(frame)
    this.inFlight.shift()
    if (!this.answered) {
      this.answered = true
      this.events.onFirstAnswer()
    }
  }

  private giveUp(code: 'ETIMEDOUT' | 'EMALFORMED', message: string, now: Millis): void {
    this.connection.destroy()
    const { inFlight } = this
    if (code === 'EMALFORMED') this.lose(code, code, message, inFlight[0])
    else this.lose(code, code, message, ...[...inFlight, ...this.outgoing].filter((it) => it.deadline <= now))
  }

  /** `blamed` fail with the code itself, the others because their connection is gone. */
  private lose(code: string | null, blame: PeerError['code'], message: string, ...blamed: readonly (Outstanding | undefined)[]): void {
    if (this.lost) return
    this.lost = true
    const orphans = [...this.inFlight, ...this.outgoing]
    this.inFlight.length = 0
    this.outgoing = []
    this.events.onLost(code)
    const forAll = blame === 'ESHUTDOWN' ? blame : 'ECLOSED'
    for (const request of orphans) request.onError(new PeerError(blamed.includes(request) ? blame : forAll, message))
  }
}
