import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiskError, type Log } from '../../base/ports.ts'
import { NEVER, type Offset } from '../../base/units.ts'
import type { HostedLedger } from '../../ledger/ledger-host.ts'
import type { AppendOutcome, ReadOutcome } from '../../log/outcomes.ts'
import { ErrorCode, type ErrorName } from '../../protocol/errors.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { type BatchHeader, batchHeaders, stampBatch } from '../../protocol/records/batch-header.ts'
import { decodeRecords } from '../../protocol/records/records.ts'
import { ManualClock } from '../../sim/manual-clock.ts'
import { WakeQueue } from '../wake-queue.ts'
import { CoordinatedPartition, type CoordinatedReplica, type LedgerKind } from './coordinated-partition.ts'

type Command = 'begin' | 'read' | 'park' | { readonly add: number }
type Reply = number | ErrorName

/** Sums up what its log says; `alarm` wants 100 written. */
class Sum implements HostedLedger<Command, number, Reply> {
  sum = 0
  begun = false
  alarm = NEVER

  expectOffset(): void {}
  decide(_now: number, ticket: number, command: Command) {
    if (command === 'park') return { records: [], answers: [] }
    if (command === 'begin') this.begun = true
    const records = typeof command === 'object' ? [command.add] : []
    return { records, answers: [{ to: ticket, reply: this.sum + (records[0] ?? 0) }] }
  }
  replay(fact: number): void {
    this.sum += fact
    this.alarm = NEVER
  }
  wakeAt(): number {
    return this.alarm
  }
  wake() {
    return { records: [100], answers: [] }
  }
}

/** A replica whose leadership, in-sync set and high watermark the test says. */
class StandInReplica implements CoordinatedReplica {
  readonly name = 'groups-0'
  isLeader = false
  inSync = true
  disk: DiskError | null = null
  readonly replica = {
    leaderEpoch: 0,
    highWatermark: 0,
    appendError: () => (!this.isLeader ? ErrorCode.NOT_LEADER_OR_FOLLOWER : this.inSync ? ErrorCode.NONE : ErrorCode.NOT_ENOUGH_REPLICAS),
  }
  private readonly batches: { readonly bytes: Buffer; readonly last: Offset }[] = []
  readonly log = {
    topic: 'groups',
    partition: 0,
    logStartOffset: 0,
    logEndOffset: 0,
    read: (offset: Offset): ReadOutcome => {
      const batch = this.batches.find(({ last }) => last >= offset)
      const records = batch === undefined ? [] : [batch.bytes]
      return { kind: 'read', records, sizeBytes: records[0]?.length ?? 0, startOffset: offset, endOffset: (batch?.last ?? offset - 1) + 1 }
    },
  }

  appendAsLeader(bytes: Buffer): AppendOutcome {
    if (this.disk !== null) throw this.disk
    const baseOffset = this.log.logEndOffset
    stampBatch(bytes, 0, baseOffset, this.replica.leaderEpoch)
    const { lastOffset, recordCount } = [...batchHeaders(bytes)][0]?.header ?? assert.fail('no batch')
    this.batches.push({ bytes, last: lastOffset })
    this.log.logEndOffset = lastOffset + 1
    return { kind: 'appended', baseOffset, lastOffset, logAppendTime: -1, bytes: bytes.length, recordCount }
  }

  /** As an earlier leader did. */
  holds(...facts: readonly number[]): void {
    for (const fact of facts) this.appendAsLeader(batch([fact]))
  }
}

function batch(facts: readonly number[]): Buffer {
  return buildBatch(
    {},
    facts.map((fact) => ({ value: Buffer.from(String(fact)) })),
  )
}

function setUp() {
  const clock = new ManualClock()
  const replica = new StandInReplica()
  const lines: string[] = []
  const lease = { until: NEVER }
  const limits = { batchBytes: 1_000 }
  const ledgers: Sum[] = []
  const log: Log = { write: (_level, event) => void lines.push(event) }
  const kind: LedgerKind<Command, number, Reply> = {
    make: () => {
      const ledger = new Sum()
      ledgers.push(ledger)
      return ledger
    },
    facts: (_header: BatchHeader, bytes: Buffer, at: number) =>
      decodeRecords(bytes, at).map(({ value }) => {
        const number = Number(value?.toString())
        if (Number.isNaN(number)) throw new RangeError('not a number')
        return number
      }),
    batch,
    batchBytesMax: () => limits.batchBytes,
    refuse: (_command, error) => error,
    mustBeFresh: (command) => command === 'read',
    isRead: (command) => command === 'read' || command === 'begin',
    activate: 'begin',
  }
  const wakeQueue = new WakeQueue(clock)
  const partition = new CoordinatedPartition(replica, kind, {
    clock,
    log,
    wakeQueue,
    commitTimeoutMs: 5_000,
    loadChunkBytes: 1,
    leaseUntil: () => lease.until,
    onDiskError: () => void lines.push('disk-error'),
  })
  const replies: Reply[] = []
  const ask = (command: Command): void => partition.submit(command, (reply) => replies.push(reply))
  const lead = async (epoch: number): Promise<void> => {
    replica.isLeader = true
    replica.replica.leaderEpoch = epoch
    partition.look()
    await clock.advance(100)
  }
  const commit = (): void => {
    replica.replica.highWatermark = replica.log.logEndOffset
    partition.look()
  }
  return {
    lease,
    limits,
    clock,
    replica,
    lines,
    partition,
    replies,
    ask,
    lead,
    commit,
    ledger: () => ledgers.at(-1) ?? assert.fail('no ledger'),
    wakeQueue,
  }
}

test('who does not lead says so, who is still reading says that, and then all that the log holds is known', async () => {
  const { replica, ask, replies, lead, commit, partition, ledger } = setUp()
  replica.holds(1, 2, 3)
  ask('read')
  replica.isLeader = true
  partition.look()
  ask('read')
  assert.deepEqual(replies, ['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS'])
  await lead(0)
  assert.equal(ledger().begun, true)
  commit()
  ask('read')
  assert.deepEqual(replies.slice(2), [6])
})

test('nothing leaves before the high watermark has passed all that was seen, a tail of the leader before included', async () => {
  const { replica, ask, replies, lead, commit } = setUp()
  replica.holds(1, 2)
  replica.replica.highWatermark = 1
  await lead(3)
  ask('read')
  assert.deepEqual(replies, [])
  commit()
  assert.deepEqual(replies, [3])
  ask({ add: 4 })
  assert.deepEqual(replies, [3])
  commit()
  assert.deepEqual(replies, [3, 7])
})

test('who leads no more refuses at once, before it has been told so, and lets go all who wait when it is', async () => {
  const { replica, ask, replies, lead, commit, partition, wakeQueue } = setUp()
  await lead(0)
  commit()
  ask('park')
  ask({ add: 1 })
  replica.isLeader = false
  ask('read')
  assert.deepEqual(replies, ['NOT_COORDINATOR'])
  partition.look()
  assert.deepEqual(replies, ['NOT_COORDINATOR', 'NOT_COORDINATOR', 'NOT_COORDINATOR'])
  assert.equal(partition.isIdle, true)
  assert.equal(partition.waiting, 0)
  assert.equal(wakeQueue.size, 0)
})

test('who may have been replaced without knowing it tells nothing, and what it writes is not acknowledged', async () => {
  const { ask, replies, lead, commit, lease, clock } = setUp()
  await lead(0)
  commit()
  lease.until = clock.mono() + 10
  ask('read')
  await clock.advance(10)
  ask('read')
  ask({ add: 1 })
  assert.deepEqual(replies, [0, 'NOT_COORDINATOR'])
})

test('in a new epoch everything is read anew, though the leader stayed the same', async () => {
  const { replica, ask, replies, lead, commit } = setUp()
  await lead(0)
  commit()
  ask({ add: 1 })
  commit()
  replica.isLeader = false
  replica.holds(10)
  await lead(1)
  commit()
  ask('read')
  assert.deepEqual(replies, [1, 11])
})

test('a reading that is overtaken by another epoch is dropped, and begun again', async () => {
  const { replica, ask, replies, lead, commit, partition } = setUp()
  replica.holds(1, 2, 3)
  replica.isLeader = true
  partition.look()
  await lead(5)
  commit()
  ask('read')
  assert.deepEqual(replies, [6], 'no record was counted twice')
})

test('while too few replicas are in sync nothing is written, what is known is told, and what is due waits', async () => {
  const { replica, ask, replies, lead, commit, ledger, clock, partition } = setUp()
  replica.holds(1)
  await lead(0)
  commit()
  replica.inSync = false
  ledger().alarm = clock.mono()
  ask({ add: 1 })
  ask('park')
  ask('read')
  assert.deepEqual(replies, ['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE', 1])
  await clock.advance(1_000)
  assert.equal(replica.log.logEndOffset, 1)
  replica.inSync = true
  await clock.advance(200)
  assert.equal(replica.log.logEndOffset, 2, 'the alarm came through')
  assert.equal(partition.isActive, true)
})

test('an answer whose records are not committed in time is given up', async () => {
  const { ask, replies, lead, clock, commit } = setUp()
  await lead(0)
  commit()
  ask({ add: 1 })
  await clock.advance(4_999)
  assert.deepEqual(replies, [])
  await clock.advance(2)
  assert.deepEqual(replies, ['COORDINATOR_NOT_AVAILABLE'])
})

test('a log that cannot be read is coordinated by nobody here: better no answer than a wrong one', async () => {
  const { replica, ask, replies, lead, lines } = setUp()
  replica.holds(1, Number.NaN)
  await lead(0)
  ask('read')
  assert.deepEqual(replies, ['COORDINATOR_NOT_AVAILABLE'])
  assert.deepEqual(lines, ['coordinator-load-failed'])
})

test('a batch whose checksum is wrong makes the log unreadable', async () => {
  const { replica, lead, lines } = setUp()
  const bytes = batch([5])
  replica.appendAsLeader(bytes)
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 2) ^ 1, bytes.length - 2)
  await lead(0)
  assert.deepEqual(lines, ['coordinator-load-failed'])
})

test('a failing disk refuses the command, changes nothing and is reported', async () => {
  const { replica, ask, replies, lead, commit, lines, ledger } = setUp()
  await lead(0)
  commit()
  replica.disk = new DiskError('ENOSPC', 'groups-0', 'append to')
  ask({ add: 1 })
  assert.deepEqual(replies, ['NOT_COORDINATOR'])
  assert.ok(lines.includes('disk-error'))
  assert.equal(ledger().sum, 0)
})

test('a ledger whose write has failed is thrown away, for it has changed what no log holds; the log is read anew after a while', async () => {
  const { replica, ask, replies, lead, commit, ledger, clock, partition } = setUp()
  replica.holds(3)
  await lead(0)
  commit()
  const first = ledger()
  replica.disk = new DiskError('EIO', 'groups-0', 'append to')
  ask({ add: 1 })
  ask('read')
  assert.deepEqual(replies, ['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'])
  replica.disk = null
  await clock.advance(1_000)
  assert.ok(partition.isActive)
  assert.notEqual(ledger(), first)
  ask('read')
  assert.deepEqual(replies.slice(2), [3])
})

test('a deadline whose write fails is due again', async () => {
  const { replica, lead, commit, ledger, clock, ask } = setUp()
  await lead(0)
  commit()
  const first = ledger()
  first.alarm = clock.mono() + 10
  ask('read')
  replica.disk = new DiskError('ENOSPC', 'groups-0', 'append to')
  await clock.advance(100)
  assert.equal(replica.log.logEndOffset, 0)
  await clock.advance(1_000)
  assert.notEqual(ledger(), first)
})

test('a batch that is too large is refused as Kafka does, and what comes next is written', async () => {
  const { ask, replies, lead, commit, limits, replica, lines } = setUp()
  await lead(0)
  commit()
  limits.batchBytes = 10
  ask({ add: 1 })
  assert.deepEqual(replies, ['UNKNOWN_SERVER_ERROR'])
  assert.ok(lines.includes('coordinator-batch-too-large'))
  assert.equal(replica.log.logEndOffset, 0)
  limits.batchBytes = 1_000
  ask({ add: 1 })
  replica.isLeader = false
  ask('read')
  assert.deepEqual(replies.slice(1), ['NOT_COORDINATOR'])
})

test('who stops lets go all who wait', async () => {
  const { ask, replies, lead, partition } = setUp()
  await lead(0)
  ask('park')
  partition.stop()
  assert.deepEqual(replies, ['NOT_COORDINATOR'])
})
