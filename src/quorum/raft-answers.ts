import type { RaftReply } from '../raft/messages.ts'
import { metadataBatchBytesMax } from './metadata-batch.ts'
import type { MetadataLog } from './metadata-log.ts'
import type { RaftOutcome } from './raft-node-options.ts'

interface Asked {
  readonly maxBytes: number
  readonly answer: (outcome: RaftOutcome) => void
}

export interface RaftAnswersEvents {
  /** Whether this node still leads this epoch. */
  leads(epoch: number): boolean
  onError(error: unknown): void
}

/** Peers' requests that wait for the machine's reply, and the bytes that go along with it. */
export class RaftAnswers {
  private readonly asked = new Map<number, Asked>()
  private readonly events: RaftAnswersEvents
  private lastTicket = 0

  constructor(events: RaftAnswersEvents) {
    this.events = events
  }

  /** `submit` gives the request to the machine, which may reply at once. */
  ask(maxBytes: number, submit: (ticket: number) => void): Promise<RaftOutcome> {
    this.lastTicket += 1
    const ticket = this.lastTicket
    return new Promise((answer) => {
      this.asked.set(ticket, { maxBytes: Math.min(maxBytes, metadataBatchBytesMax), answer })
      submit(ticket)
    })
  }

  reply(log: MetadataLog, ticket: number, reply: RaftReply): void {
    const asked = this.asked.get(ticket)
    if (asked === undefined) return
    if (reply.kind === 'fetch' && reply.range !== null) {
      const found = log.read(reply.range.from, reply.range.to, asked.maxBytes)
      if (found instanceof Promise) this.replyLater(ticket, reply, found)
      else this.settle(ticket, { reply, records: found, piece: null })
    } else if (reply.kind === 'fetchSnapshot' && reply.error === 'NONE') {
      this.settle(ticket, pieceOf(log, reply, asked.maxBytes))
    } else this.settle(ticket, { reply, records: [], piece: null })
  }

  /** Nobody is answered any more by the machine. */
  settleAll(reply: RaftReply): void {
    for (const ticket of this.asked.keys()) this.settle(ticket, { reply, records: [], piece: null })
  }

  /** What was read from disk is a leader's word only if it still leads. */
  private replyLater(ticket: number, reply: RaftReply, found: Promise<readonly Buffer[]>): void {
    found.then(
      (records) => {
        const leads = this.events.leads(reply.epoch)
        this.settle(ticket, {
          reply: leads ? reply : { ...reply, error: 'NOT_LEADER_OR_FOLLOWER' },
          records: leads ? records : [],
          piece: null,
        })
      },
      (error: unknown) => this.events.onError(error),
    )
  }

  private settle(ticket: number, outcome: RaftOutcome): void {
    const asked = this.asked.get(ticket)
    this.asked.delete(ticket)
    asked?.answer(outcome)
  }
}

function pieceOf(log: MetadataLog, reply: Extract<RaftReply, { kind: 'fetchSnapshot' }>, maxBytes: number): RaftOutcome {
  const found = log.snapshotPiece(reply.snapshotId, reply.position, maxBytes)
  if (found === null) return { reply: { ...reply, error: 'SNAPSHOT_NOT_FOUND' }, records: [], piece: null }
  if (found.bytes === null) return { reply: { ...reply, error: 'POSITION_OUT_OF_RANGE' }, records: [], piece: null }
  return { reply, records: [], piece: { size: found.size, bytes: found.bytes } }
}
