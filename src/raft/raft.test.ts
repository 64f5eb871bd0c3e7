import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { NO_UUID } from '../base/units.ts'
import { EMPTY_LOG, type LogOutline, LogShape } from './log-shape.ts'
import type { FetchRequest, RaftEffect, RaftInput, RaftReply, RaftResponse, VoteRequest } from './messages.ts'
import { Raft } from './raft.ts'
import { defaultTiming, type RaftOptions } from './roles.ts'
import { VoterSet } from './voters.ts'
import { Writes } from './writes.ts'

const key = (id: number) => ({ id, directoryId: NO_UUID })

/** One machine, a clock that the test moves, and everything it has said since it was last asked. */
class Bench {
  now = 1_000
  readonly raft: Raft
  private said: RaftEffect[] = []
  private lastWrite = 0
  private ticket = 0

  constructor(options: Partial<RaftOptions> & { readonly voterCount?: number } = {}) {
    const count = options.voterCount ?? 3
    this.raft = new Raft({
      loss: null,
      local: key(1),
      voters: new VoterSet(Array.from({ length: count }, (_unused, at) => key(at + 1))),
      observer: false,
      timing: defaultTiming,
      state: { epoch: 0, leaderId: -1, voted: null },
      log: EMPTY_LOG,
      random: new Prng(7),
      ...options,
    })
    this.step({ kind: 'start' })
  }

  step(input: RaftInput): void {
    this.take(this.raft.step(this.now, input))
  }

  /** Lets time pass to the next deadline, at most to `until`; true when there was one. */
  wake(until: number): boolean {
    const at = this.raft.wakeAt()
    if (at > until) {
      this.now = until
      return false
    }
    this.now = Math.max(this.now, at)
    this.take(this.raft.wake(this.now))
    return true
  }

  pass(ms: number): void {
    const until = this.now + ms
    while (this.wake(until));
  }

  private take(effects: readonly RaftEffect[]): void {
    for (const effect of effects) if ('write' in effect) this.lastWrite = effect.write
    this.said.push(...effects)
  }

  persist(): void {
    this.step({ kind: 'persisted', write: this.lastWrite })
  }

  heard<K extends RaftEffect['kind']>(kind: K): Extract<RaftEffect, { kind: K }>[] {
    const matches = this.said.filter((effect): effect is Extract<RaftEffect, { kind: K }> => effect.kind === kind)
    this.said = this.said.filter((effect) => effect.kind !== kind)
    return matches
  }

  ask(request: FetchRequest | VoteRequest | Extract<RaftInput, { kind: 'request' }>['request']): RaftReply | null {
    this.ticket += 1
    this.step({ kind: 'request', ticket: this.ticket, request })
    return this.replyTo(this.ticket)
  }

  replyTo(ticket: number): RaftReply | null {
    const found = this.said.find((effect) => effect.kind === 'reply' && effect.ticket === ticket)
    return found?.kind === 'reply' ? found.reply : null
  }

  get lastTicket(): number {
    return this.ticket
  }

  /** Answers the latest request of this kind that went to this node. */
  answer(to: number, kind: RaftResponse['kind'], response: Partial<RaftResponse>): void {
    const sent = this.said.filter((effect) => effect.kind === 'send' && effect.to === to && effect.request.kind === kind).at(-1)
    assert.ok(sent?.kind === 'send', `${kind} was sent to ${to}`)
    const bare = { kind, error: 'NONE', epoch: this.raft.epoch, leaderId: this.raft.leaderId, granted: false, highWatermark: -1 }
    const full = { ...bare, diverging: null, snapshotId: null, batches: [], ...response } as unknown as RaftResponse
    this.step({ kind: 'response', call: sent.call, response: full })
  }

  elect(): void {
    while (this.raft.role !== 'prospective') this.wake(Infinity)
    this.answer(2, 'vote', { granted: true })
    this.persist()
    this.answer(2, 'vote', { granted: true })
    assert.equal(this.raft.role, 'leader')
  }

  follow(leaderId: number, epoch: number): void {
    this.ask({ kind: 'beginQuorumEpoch', epoch, leaderId, voter: key(1) })
    this.persist()
    assert.equal(this.raft.role, 'follower')
  }
}

function voteRequest(changes: Partial<VoteRequest> = {}): VoteRequest {
  return { kind: 'vote', epoch: 1, candidate: key(2), voter: key(1), lastEpoch: 0, lastOffset: 0, preVote: false, ...changes }
}

function fetchRequest(changes: Partial<FetchRequest> = {}): FetchRequest {
  const position = { fetchOffset: 0, lastFetchedEpoch: 0, highWatermark: Infinity, maxWaitMs: 250 }
  return { kind: 'fetch', epoch: 1, replica: key(2), ...position, ...changes }
}

const longLog: LogOutline = {
  start: { offset: 0, epoch: 0 },
  endOffset: 10,
  epochs: [
    { epoch: 1, startOffset: 0 },
    { epoch: 2, startOffset: 6 },
  ],
  latestSnapshot: null,
}

test('a vote is spoken only once it is durable', () => {
  const bench = new Bench()
  assert.equal(bench.ask(voteRequest()), null)
  bench.persist()
  const reply = bench.replyTo(bench.lastTicket)
  assert.ok(reply?.kind === 'vote' && reply.granted && reply.epoch === 1)
})

test('one vote per epoch, also after a restart', () => {
  const bench = new Bench({ state: { epoch: 3, leaderId: -1, voted: key(2) } })
  const other = bench.ask(voteRequest({ epoch: 3, candidate: key(3) }))
  assert.ok(other?.kind === 'vote' && !other.granted)
  const same = bench.ask(voteRequest({ epoch: 3, candidate: key(2) }))
  assert.ok(same?.kind === 'vote' && same.granted)
})

test('a candidate with a shorter log, of an older last epoch, or of no voter gets no vote', () => {
  for (const candidate of [
    { lastEpoch: 2, lastOffset: 9 },
    { lastEpoch: 1, lastOffset: 99 },
    { lastEpoch: 3, lastOffset: 10, candidate: key(8) },
  ]) {
    const bench = new Bench({ log: longLog, state: { epoch: 2, leaderId: -1, voted: null } })
    bench.ask(voteRequest({ epoch: 3, ...candidate }))
    bench.persist()
    const reply = bench.replyTo(bench.lastTicket)
    assert.ok(reply?.kind === 'vote' && !reply.granted, JSON.stringify(candidate))
  }
})

test('a request meant for another voter, or of a past epoch, is refused by name', () => {
  const bench = new Bench({ state: { epoch: 5, leaderId: -1, voted: null } })
  assert.equal(bench.ask(voteRequest({ epoch: 6, voter: key(3) }))?.error, 'INVALID_VOTER_KEY')
  assert.equal(bench.ask(voteRequest({ epoch: 4 }))?.error, 'FENCED_LEADER_EPOCH')
  assert.equal(bench.ask({ kind: 'beginQuorumEpoch', epoch: 5, leaderId: 9, voter: key(1) })?.error, 'INVALID_REQUEST')
  assert.equal(bench.ask(fetchRequest({ epoch: 4 }))?.error, 'FENCED_LEADER_EPOCH')
  assert.equal(bench.ask(fetchRequest({ epoch: 6 }))?.error, 'UNKNOWN_LEADER_EPOCH')
  assert.equal(bench.ask(fetchRequest({ epoch: 5 }))?.error, 'NOT_LEADER_OR_FOLLOWER')
  assert.equal(bench.ask(fetchRequest({ epoch: 5, fetchOffset: -1 }))?.error, 'INVALID_REQUEST')
  assert.equal(bench.raft.epoch, 5)
})

test('a lone voter leads when its own vote is durable, and commits when its record is', () => {
  const bench = new Bench({ voterCount: 1 })
  assert.equal(bench.raft.role, 'candidate')
  assert.equal(bench.heard('appendLeaderChange').length, 0)
  bench.persist()
  assert.equal(bench.raft.role, 'leader')
  assert.equal(bench.raft.highWatermark, 0)
  assert.equal(bench.heard('leading').length, 0)
  bench.persist()
  assert.equal(bench.raft.highWatermark, 1)
  assert.equal(bench.heard('leading').length, 1)
})

test('records of earlier epochs on a majority are not committed before one of the own epoch is (Raft §5.4.2, figure 8)', () => {
  const bench = new Bench({ log: longLog, state: { epoch: 3, leaderId: -1, voted: null } })
  bench.elect()
  bench.persist()
  bench.ask(fetchRequest({ epoch: 4, fetchOffset: 10, lastFetchedEpoch: 2 }))
  assert.equal(bench.raft.highWatermark, 0)
  bench.ask(fetchRequest({ epoch: 4, fetchOffset: 11, lastFetchedEpoch: 4 }))
  assert.equal(bench.raft.highWatermark, 11)
})

test('a leader counts itself only up to what is durable', () => {
  const bench = new Bench({ voterCount: 3 })
  bench.elect()
  bench.ask(fetchRequest({ fetchOffset: 1, lastFetchedEpoch: 1 }))
  assert.equal(bench.raft.highWatermark, 0)
  bench.persist()
  assert.equal(bench.raft.highWatermark, 1)
})

test('two followers commit what the leader has not yet made durable', () => {
  const bench = new Bench()
  bench.elect()
  bench.ask(fetchRequest({ fetchOffset: 1, lastFetchedEpoch: 1 }))
  bench.ask(fetchRequest({ fetchOffset: 1, lastFetchedEpoch: 1, replica: key(3) }))
  assert.equal(bench.raft.highWatermark, 1)
})

test('a fetch waits for news: a record, or a high watermark that the replica does not know (KIP-1166)', () => {
  const bench = new Bench()
  bench.elect()
  bench.persist()
  assert.equal(bench.ask(fetchRequest({ fetchOffset: 1, lastFetchedEpoch: 1, replica: key(3), highWatermark: 0 }))?.kind, 'fetch')
  assert.equal(bench.raft.highWatermark, 1)
  const idle = bench.ask(fetchRequest({ fetchOffset: 1, lastFetchedEpoch: 1, replica: key(3), highWatermark: 1 }))
  assert.equal(idle, null)
  const waiting = bench.lastTicket
  bench.step({ kind: 'propose', epoch: 1, count: 3 })
  const reply = bench.replyTo(waiting)
  assert.ok(reply?.kind === 'fetch')
  assert.deepEqual(reply.range, { from: 1, to: 4 })
  assert.equal(bench.ask(fetchRequest({ fetchOffset: 4, lastFetchedEpoch: 1, highWatermark: 1, maxWaitMs: 100 })), null)
  bench.pass(100)
  const empty = bench.replyTo(bench.lastTicket)
  assert.ok(empty?.kind === 'fetch' && empty.range === null && empty.error === 'NONE')
})

test('a pre-vote changes nothing; who hears its leader refuses it, who was refused by its leader grants it', () => {
  const bench = new Bench()
  bench.follow(2, 1)
  const ask = () => bench.ask(voteRequest({ preVote: true, candidate: key(3) }))
  const whileHeard = ask()
  assert.ok(whileHeard?.kind === 'vote' && !whileHeard.granted && whileHeard.leaderId === 2)
  bench.step({ kind: 'peerRefused', id: 3 })
  const otherRefused = ask()
  assert.ok(otherRefused?.kind === 'vote' && !otherRefused.granted)
  bench.step({ kind: 'peerRefused', id: 2 })
  const refused = ask()
  assert.ok(refused?.kind === 'vote' && refused.granted)
  assert.equal(bench.raft.describe(), 'follower epoch 1 leader 2 vote none hw 0 log [0,0) last epoch 0 durable 0')
})

test('a follower whose leader is refused asks for votes within 20 to 100 ms, otherwise after the fetch timeout', () => {
  const refused = new Bench()
  refused.follow(2, 1)
  refused.step({ kind: 'peerRefused', id: 2 })
  const from = refused.now
  while (refused.raft.role === 'follower') refused.wake(Infinity)
  assert.ok(refused.now - from >= 20 && refused.now - from <= 100, `${refused.now - from} ms`)
  const silent = new Bench()
  silent.follow(2, 1)
  const start = silent.now
  while (silent.raft.role === 'follower') silent.wake(Infinity)
  assert.ok(silent.now - start >= 1000 && silent.now - start <= 1060, `${silent.now - start} ms`)
  assert.equal(silent.raft.epoch, 1)
})

test('a prospective whose leader answers goes back to following it', () => {
  const bench = new Bench()
  bench.follow(2, 1)
  while (bench.raft.role === 'follower') bench.wake(Infinity)
  bench.answer(2, 'vote', { leaderId: 2 })
  assert.equal(bench.raft.role, 'follower')
  assert.equal(bench.raft.leaderId, 2)
})

test('a follower fetches again only when what it was sent is durable, and cuts where the epochs part', () => {
  const bench = new Bench({ log: longLog, state: { epoch: 2, leaderId: -1, voted: null } })
  bench.follow(2, 3)
  bench.pass(0)
  bench.answer(2, 'fetch', { diverging: { offset: 8, epoch: 2 } })
  assert.deepEqual(
    bench.heard('truncate').map((effect) => effect.endOffset),
    [8],
  )
  assert.equal(bench.heard('send').filter((effect) => effect.request.kind === 'fetch').length, 1)
  bench.pass(5)
  assert.equal(bench.heard('send').length, 0)
  bench.persist()
  bench.pass(0)
  const again = bench.raft.outline()
  assert.equal(again.endOffset, 8)
  bench.answer(2, 'fetch', { batches: [{ epoch: 3, baseOffset: 8, endOffset: 12 }], highWatermark: 20 })
  assert.equal(bench.raft.highWatermark, 12)
  assert.equal(bench.heard('send').filter((effect) => effect.request.kind === 'fetch').length, 1)
  bench.persist()
  const next = bench.heard('send').at(-1)
  assert.ok(next?.request.kind === 'fetch' && next.request.fetchOffset === 12 && next.request.lastFetchedEpoch === 3)
})

test('batches that do not continue the log are not taken, nor those of a later epoch', () => {
  const bench = new Bench()
  bench.follow(2, 3)
  bench.pass(0)
  bench.answer(2, 'fetch', { batches: [{ epoch: 3, baseOffset: 5, endOffset: 6 }] })
  assert.equal(bench.raft.logEndOffset, 0)
  bench.pass(30)
  const later = [
    { epoch: 2, baseOffset: 0, endOffset: 2 },
    { epoch: 4, baseOffset: 2, endOffset: 3 },
  ]
  bench.answer(2, 'fetch', { batches: later })
  assert.equal(bench.raft.logEndOffset, 2)
})

test('a snapshot is fetched piece by piece, replaces the log, and the fetch goes on from its end', () => {
  const bench = new Bench()
  bench.follow(2, 3)
  bench.pass(0)
  const snapshotId = { offset: 40, epoch: 2 }
  bench.answer(2, 'fetch', { snapshotId })
  bench.answer(2, 'fetchSnapshot', { snapshotId, size: 10, position: 0, length: 6 })
  bench.answer(2, 'fetchSnapshot', { snapshotId, size: 10, position: 6, length: 4 })
  assert.deepEqual(
    bench.heard('snapshotChunk').map((effect) => effect.position),
    [0, 6],
  )
  assert.equal(bench.heard('installSnapshot').length, 1)
  assert.equal(bench.raft.highWatermark, 40)
  bench.persist()
  const next = bench.heard('send').at(-1)
  assert.ok(next?.request.kind === 'fetch' && next.request.fetchOffset === 40 && next.request.lastFetchedEpoch === 2)
})

test('the first named by EndQuorumEpoch stands at once, the second later and by pre-vote', () => {
  const end = (candidates: number[]) => ({
    kind: 'endQuorumEpoch' as const,
    epoch: 1,
    leaderId: 2,
    preferredCandidates: candidates.map(key),
  })
  const first = new Bench()
  first.follow(2, 1)
  first.ask(end([1, 3]))
  assert.equal(first.raft.role, 'candidate')
  const second = new Bench()
  second.follow(2, 1)
  second.ask(end([3, 1]))
  assert.equal(second.raft.role, 'unattached')
  const from = second.now
  while (second.raft.role === 'unattached') second.wake(Infinity)
  assert.ok(second.now - from >= 100 && second.now - from <= 120, `${second.now - from} ms`)
  assert.equal(second.raft.epoch, 1)
})

test('a leader that no majority fetches from resigns after one and a half fetch timeouts, and says so', () => {
  const bench = new Bench()
  bench.elect()
  bench.persist()
  bench.pass(500)
  bench.ask(fetchRequest({ fetchOffset: 1, lastFetchedEpoch: 1, maxWaitMs: 0 }))
  assert.equal(bench.heard('leading').length, 1)
  bench.pass(1499)
  assert.equal(bench.raft.role, 'leader')
  bench.pass(2)
  assert.equal(bench.raft.role, 'resigned')
  assert.deepEqual(bench.heard('resigned'), [{ kind: 'resigned', epoch: 1 }])
  const told = bench.heard('send').filter((effect) => effect.request.kind === 'endQuorumEpoch')
  assert.deepEqual(
    told.map((effect) => effect.to),
    [2, 3],
  )
})

test('a leader that is asked to go waits for a voter that has all there is, takes no more, and names it first', () => {
  const bench = new Bench()
  bench.elect()
  bench.persist()
  bench.ask(fetchRequest({ fetchOffset: 1, lastFetchedEpoch: 1, maxWaitMs: 0 }))
  bench.step({ kind: 'propose', epoch: 1, count: 1 })
  bench.step({ kind: 'shutdown' })
  assert.equal(bench.raft.leaderEpoch(), null)
  assert.equal(bench.raft.role, 'leader')
  const last = bench.ask(fetchRequest({ fetchOffset: 2, lastFetchedEpoch: 1, replica: key(3) }))
  assert.equal(last?.error, 'BROKER_NOT_AVAILABLE')
  const told = bench.heard('send').filter((effect) => effect.request.kind === 'endQuorumEpoch')
  assert.deepEqual(
    told.map(({ request }) => request.kind === 'endQuorumEpoch' && request.preferredCandidates.map((it) => it.id)),
    [
      [3, 2],
      [3, 2],
    ],
  )
  const nobody = new Bench()
  nobody.elect()
  nobody.step({ kind: 'shutdown' })
  nobody.pass(101)
  assert.equal(nobody.raft.role, 'resigned')
})

test('a leader that learns of a higher epoch answers those who wait, and leads no more', () => {
  const bench = new Bench()
  bench.elect()
  bench.persist()
  bench.ask(fetchRequest({ fetchOffset: 1, lastFetchedEpoch: 1, highWatermark: 1 }))
  const waiting = bench.lastTicket
  bench.ask({ kind: 'beginQuorumEpoch', epoch: 2, leaderId: 3, voter: key(1) })
  bench.persist()
  assert.equal(bench.replyTo(waiting)?.error, 'NOT_LEADER_OR_FOLLOWER')
  assert.equal(bench.raft.leaderEpoch(), null)
  assert.equal(bench.raft.leaderId, 3)
})

test('a leader that is told by a voter of a snapshot keeps the log before an older one until a newer is made', () => {
  const bench = new Bench({ voterCount: 1 })
  bench.persist()
  bench.step({ kind: 'propose', epoch: 1, count: 20 })
  bench.persist()
  bench.persist()
  bench.step({ kind: 'snapshotCreated', snapshotId: { offset: 5, epoch: 1 } })
  assert.equal(bench.heard('deletePrefix').length, 0)
  bench.step({ kind: 'snapshotCreated', snapshotId: { offset: 15, epoch: 1 } })
  assert.deepEqual(
    bench.heard('deletePrefix').map((effect) => effect.start.offset),
    [5],
  )
  const reply = bench.ask(fetchRequest({ replica: key(-1), fetchOffset: 3, lastFetchedEpoch: 1 }))
  assert.ok(reply?.kind === 'fetch')
  assert.deepEqual(reply.snapshotId, { offset: 15, epoch: 1 })
})

test('a word about an old write does not make durable what was cut and written again', () => {
  const writes = new Writes(5)
  const first = writes.append(9)
  writes.truncate(6)
  const second = writes.append(8)
  writes.onPersisted(first)
  assert.equal(writes.persistedOffset, 6)
  writes.onPersisted(second)
  assert.equal(writes.persistedOffset, 8)
})

test('a log that a snapshot replaces is durable again only with the snapshot', () => {
  const writes = new Writes(9)
  const pending = writes.append(12)
  const replaced = writes.replace(5)
  writes.onPersisted(pending)
  assert.equal(writes.persistedOffset, 0)
  writes.onPersisted(replaced)
  assert.equal(writes.persistedOffset, 5)
})

test('a fetch position is held against the epochs of the log', () => {
  const shape = new LogShape({
    start: { offset: 4, epoch: 1 },
    endOffset: 20,
    epochs: [
      { epoch: 2, startOffset: 4 },
      { epoch: 5, startOffset: 10 },
    ],
    latestSnapshot: { offset: 12, epoch: 5 },
  })
  const snapshot = { kind: 'snapshot', id: { offset: 12, epoch: 5 } }
  assert.deepEqual(shape.validate(0, 0), snapshot)
  assert.deepEqual(shape.validate(3, 1), snapshot)
  assert.deepEqual(shape.validate(4, 1), { kind: 'valid' })
  assert.deepEqual(shape.validate(9, 2), { kind: 'valid' })
  assert.deepEqual(shape.validate(11, 2), { kind: 'diverging', from: { offset: 10, epoch: 2 } })
  assert.deepEqual(shape.validate(11, 4), { kind: 'diverging', from: { offset: 10, epoch: 2 } })
  assert.deepEqual(shape.validate(20, 5), { kind: 'valid' })
  assert.deepEqual(shape.validate(21, 5), { kind: 'diverging', from: { offset: 20, epoch: 5 } })
  assert.equal(shape.truncationPoint({ offset: 8, epoch: 2 }), 8)
  assert.equal(shape.truncationPoint({ offset: 8, epoch: 4 }), 10)
})
