import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../base/units.ts'
import { type HostedLedger, LedgerHost } from './ledger-host.ts'

type Command = { readonly add: number } | { readonly read: true } | { readonly park: true } | { readonly releaseParked: true }
type Reply = number | 'refused' | 'late'

/** Sums numbers; replies with the sum after the command. Odd alarms: due once at `alarm`. */
class Sum implements HostedLedger<Command, number, Reply> {
  sum = 0
  next = 0
  alarm = NEVER
  private readonly parked: number[] = []

  expectOffset(next: number): void {
    this.next = next
  }
  decide(_now: number, ticket: number, command: Command) {
    if ('add' in command) return { records: [command.add], answers: [{ to: ticket, reply: this.sum + command.add }] }
    if ('park' in command) {
      this.parked.push(ticket)
      return { records: [], answers: [] }
    }
    if ('read' in command) return { records: [], answers: [{ to: ticket, reply: this.sum }] }
    const answers = [...this.parked.splice(0), ticket].map((to) => ({ to, reply: this.sum }))
    return { records: [], answers }
  }
  replay(fact: number): void {
    this.sum += fact
    this.alarm = NEVER
  }
  wakeAt(): number {
    return this.alarm
  }
  wake(now: number) {
    assert.ok(now >= this.alarm)
    return { records: [100], answers: [] }
  }
}

function setUp(options: { readonly commitTimeoutMs?: number } = {}) {
  const ledgers: Sum[] = []
  const host = new LedgerHost<Command, number, Reply>({
    make: () => {
      const ledger = new Sum()
      ledgers.push(ledger)
      return ledger
    },
    refuse: () => 'refused',
    ...(options.commitTimeoutMs === undefined ? {} : { commitTimeout: { afterMs: options.commitTimeoutMs, answer: () => 'late' } }),
  })
  const log: number[] = []
  let leads = true
  const end = {
    nextOffset: () => log.length,
    append: (facts: readonly number[]) => (leads ? log.push(...facts) - 1 : null),
  }
  const replies: Reply[] = []
  const submit = (command: Command): void => host.submit(0, command, (reply) => replies.push(reply))
  return { host, log, end, replies, submit, ledgers, current: () => host.ledger as Sum, depose: () => (leads = false) }
}

test('a standby refuses commands and replays what is committed', () => {
  const { host, submit, replies, current } = setUp()
  submit({ read: true })
  assert.deepEqual(replies, ['refused'])
  host.onCommitted(0, 1, () => [3, 4])
  assert.equal(current().sum, 7)
  assert.equal(host.appliedOffset, 2)
  assert.equal(host.wakeAt(), NEVER)
})

test('an answer leaves when its records are committed, and not before', () => {
  const { host, end, submit, replies, current } = setUp()
  host.lead(end)
  submit({ add: 5 })
  assert.equal(current().sum, 5, 'replayed at once')
  assert.deepEqual(replies, [])
  host.onCommitted(0, 0, () => assert.fail('it has been replayed'))
  assert.deepEqual(replies, [5])
})

test('a read waits for what it has seen', () => {
  const { host, end, submit, replies } = setUp()
  host.lead(end)
  submit({ read: true })
  assert.deepEqual(replies, [0], 'nothing to wait for')
  submit({ add: 1 })
  submit({ add: 2 })
  submit({ read: true })
  host.onCommitted(0, 0, () => [])
  assert.deepEqual(replies, [0, 1])
  host.onCommitted(1, 1, () => [])
  assert.deepEqual(replies, [0, 1, 3, 3])
})

test('a decision may answer nobody, or many', () => {
  const { host, end, submit, replies } = setUp()
  host.lead(end)
  submit({ park: true })
  submit({ park: true })
  assert.equal(host.waiting, 2)
  submit({ releaseParked: true })
  assert.deepEqual(replies, [0, 0, 0])
  assert.equal(host.waiting, 0)
})

test('who resigns with uncommitted records is folded again from the beginning, and every answer is refused', () => {
  const { host, end, submit, replies, current, ledgers } = setUp()
  host.onCommitted(0, 0, () => [10])
  host.lead({ ...end, nextOffset: () => 1, append: (facts) => facts.length })
  submit({ add: 5 })
  submit({ park: true })
  assert.deepEqual(host.resign(), { mustRefold: true })
  assert.deepEqual(replies, ['refused', 'refused'])
  assert.equal(ledgers.length, 2)
  host.onSnapshot(0, [])
  host.onCommitted(0, 0, () => [10])
  host.onCommitted(1, 1, () => [7])
  assert.equal(current().sum, 17, 'another leader wrote 7 where this one had written 5')
})

test('who resigns with nothing uncommitted keeps what it has folded', () => {
  const { host, end, submit, current, ledgers } = setUp()
  host.lead(end)
  submit({ add: 5 })
  host.onCommitted(0, 0, () => [])
  assert.deepEqual(host.resign(), { mustRefold: false })
  assert.equal(ledgers.length, 1)
  host.onCommitted(1, 1, () => [2])
  assert.equal(current().sum, 7)
})

test('nothing is replayed when the append fails', () => {
  const { host, end, submit, replies, current, depose } = setUp()
  host.lead(end)
  depose()
  submit({ add: 5 })
  assert.equal(current().sum, 0)
  assert.deepEqual(replies, ['refused'])
  assert.deepEqual(host.resign(), { mustRefold: false })
})

test('nothing is replayed when the records cannot be written', () => {
  const { host, end, submit, current } = setUp()
  host.lead({
    ...end,
    append: () => {
      throw new RangeError('not sayable')
    },
  })
  assert.throws(() => submit({ add: 5 }), RangeError)
  assert.equal(current().sum, 0)
})

test('a batch that is the log’s own business takes up an offset and nothing else', () => {
  const { host, end, submit, replies, log } = setUp()
  log.push(0)
  host.lead(end)
  submit({ add: 5 })
  host.onCommitted(0, 0, () => assert.fail('below what was replayed'))
  assert.deepEqual(replies, [])
  host.onCommitted(1, 1, () => assert.fail('it has been replayed'))
  assert.deepEqual(replies, [5])
})

test('what a new leader read from its log is seen at once, and told when it is committed', () => {
  const { host, end, submit, replies, current, log } = setUp()
  log.push(3, 4)
  host.onTail(0, 1, [3, 4])
  host.commitTo(1)
  host.lead(end)
  assert.equal(current().sum, 7)
  submit({ read: true })
  assert.deepEqual(replies, [], 'the second record may yet be lost with this leader')
  host.commitTo(2)
  assert.deepEqual(replies, [7])
  assert.throws(() => host.onTail(2, 2, [5]), /the active node/)
})

test('who resigns before the tail it read is committed is folded again', () => {
  const { host, end, log } = setUp()
  log.push(3)
  host.onTail(0, 0, [3])
  host.lead(end)
  assert.deepEqual(host.resign(), { mustRefold: true })
})

test('an answer is given up when its records take too long, and the next ones are not held up by it', () => {
  const { host, end, submit, replies } = setUp({ commitTimeoutMs: 10 })
  host.lead(end)
  submit({ add: 1 })
  host.submit(5, { read: true }, (reply) => replies.push(reply))
  assert.equal(host.wakeAt(), 10)
  host.wake(9)
  assert.deepEqual(replies, [])
  host.giveUp(10)
  assert.deepEqual(replies, ['late'])
  assert.equal(host.wakeAt(), 15)
  host.commitTo(1)
  assert.deepEqual(replies, ['late', 1], 'the first was written all the same')
  assert.equal(host.waiting, 0)
})

test('a parked command is not given up: only what is decided waits for the log', () => {
  const { host, end, submit, replies } = setUp({ commitTimeoutMs: 10 })
  host.lead(end)
  submit({ park: true })
  host.wake(1000)
  assert.deepEqual(replies, [])
})

test('the ledger is woken when it is due, and told where its records will stand', () => {
  const { host, end, current, log } = setUp()
  host.lead(end)
  current().alarm = 50
  assert.equal(host.wakeAt(), 50)
  host.wake(49)
  assert.equal(log.length, 0)
  host.wake(50)
  assert.deepEqual(log, [100])
  assert.equal(host.wakeAt(), NEVER)
})

test('whoever is answered may submit the next command from within', () => {
  const { host, end } = setUp()
  const replies: Reply[] = []
  host.lead(end)
  host.submit(0, { add: 1 }, (reply) => {
    replies.push(reply)
    host.submit(0, { add: 2 }, (next) => replies.push(next))
  })
  host.onCommitted(0, 0, () => [])
  assert.deepEqual(replies, [1])
  host.onCommitted(1, 1, () => [])
  assert.deepEqual(replies, [1, 3])
})

test('a snapshot takes the place of what was folded before', () => {
  const { host, current } = setUp()
  host.onCommitted(0, 0, () => [1])
  host.onSnapshot(10, [20, 30])
  assert.equal(current().sum, 50)
  assert.equal(host.appliedOffset, 10)
  host.onCommitted(10, 10, () => [1])
  assert.equal(current().sum, 51)
})
