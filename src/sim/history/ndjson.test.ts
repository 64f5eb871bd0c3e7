import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeVerdict } from './describe.ts'
import { HistoryError } from './history.ts'
import { examine } from './judge.ts'
import { HistoryReader } from './ndjson.ts'
import { HistoryRecorder } from './recorder.ts'
import { HistoryScript } from './script.ts'

function readAll(lines: readonly string[]): HistoryReader {
  const reader = new HistoryReader()
  for (const line of lines) reader.readLine(line)
  return reader
}

/** One of everything. */
function writeAll(h: HistoryScript): void {
  h.client('p', { isIdempotent: false, inFlightMax: 3, acks: '1' })
  h.client(7, { isolation: 'read_uncommitted', startsAt: 'latest', group: 'g', reportsRebalances: true })
  h.send('p', ['x:a@0', 'x:b']).send('p', ['x:c'], 'fail').send('p', ['x:d'], 'info')
  h.op(7, { f: 'assign', keys: ['x', 'y'] })
  h.poll(7, ['x:a@0', 'x:b@1'], 'ok', ['y'])
  h.op(7, { f: 'subscribe', keys: ['x'] })
  h.op(7, { f: 'seek', positions: [{ key: 'x', offset: -1 }] })
  h.op(7, { f: 'rebalance', keys: ['x'] })
  h.op(7, { f: 'crash' }, {}, 'info')
  h.commit(7, 'x', 2, 3).commit(7, 'x', 2).committed(7, 'x', 2).list(7, 'x', 2).drain(8, ['x'], ['x:a@0'])
  h.op(9, { f: 'audit', total: 5 }, { balances: [{ key: 'x', amount: 4 }] })
  const txn = h.begin('t', { f: 'txn', group: 'g' })
  h.recorder.sending(txn, [{ key: 'z', value: 12 }])
  h.end(txn, 'ok', { offsets: [null], positions: [{ key: 'x', offset: 2 }] })
  h.begin('t', { f: 'txn', sends: [{ key: 'z', value: 'never over' }] })
}

test('what is written as lines is read as it was', () => {
  let text = ''
  const h = new HistoryScript(new HistoryRecorder((line) => (text += line)))
  writeAll(h)
  const { history } = readAll(text.split('\n'))
  assert.equal(history.size, h.history.size)
  for (let op = 0; op < history.size; op += 1) {
    assert.deepEqual(history.operation(op), h.history.operation(op))
    assert.deepEqual(history.declarationOf(history.processOf(op)), h.history.declarationOf(h.history.processOf(op)))
  }
  assert.deepEqual(describeVerdict(examine(history)), describeVerdict(examine(h.history)))
})

test('an operation that is never over has an unknown outcome, and what it was to send is known', () => {
  const h = new HistoryScript()
  writeAll(h)
  const last = h.history.operation(h.history.size - 1)
  assert.equal(last.outcome, 'info')
  assert.equal(last.completedAt, null)
  assert.deepEqual(last.sends, [{ key: 'z', value: 'never over', offset: null }])
})

test('several files have identifiers of their own', () => {
  const reader = new HistoryReader()
  const lines = ['{"type":"invoke","id":0,"process":"P","t":1,"f":"poll"}', '{"type":"ok","id":0,"t":2}']
  for (const process of ['a', 'b']) {
    reader.nextFile()
    for (const line of lines) reader.readLine(line.replace('P', process))
  }
  assert.equal(reader.history.size, 2)
  assert.equal(reader.history.operation(1).process, 'b')
})

const invoked = '{"type":"invoke","id":1,"process":"c","t":1,"f":"send","sends":[["x","a"]]}'
const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no JSON', ['{"type":'], /^line 1: /],
  ['no object', ['[]'], /^line 1: an event is an object/],
  ['an event that there is not', ['', '{"type":"end","id":0,"t":1}'], /^line 2: there is no event "end"/],
  ['an operation that there is not', ['{"type":"invoke","id":0,"process":1,"t":1,"f":"pray"}'], /there is no operation "pray"/],
  ['an end without a beginning', ['{"type":"ok","id":0,"t":1}'], /operation 0 has not begun/],
  ['a second end', [invoked, '{"type":"ok","id":1,"t":2}', '{"type":"ok","id":1,"t":2}'], /^line 3: operation 1 has not begun, or is over/],
  ['a second beginning', [invoked, invoked], /^line 2: operation 1 has begun already/],
  ['more offsets than sends', [invoked, '{"type":"ok","id":1,"t":2,"offsets":[1,2]}'], /1 sends and 2 offsets/],
  ['an offset that is none', [invoked, '{"type":"ok","id":1,"t":2,"offsets":[1.5]}'], /sent to offset 1.5/],
  ['a poll without an offset', [invoked, '{"type":"ok","id":1,"t":2,"polls":[["x","a",-1]]}'], /polled a of x at offset -1/],
  ['a poll with none at all', [invoked, '{"type":"ok","id":1,"t":2,"polls":[["x","a"]]}'], /an offset is a number/],
  ['a declaration that there is not', ['{"type":"client","process":1,"mood":"good"}'], /a client declares no mood/],
  ['a declaration out of its range', ['{"type":"client","process":1,"acks":"2"}'], /acks is one of all, 1, 0/],
]
for (const [name, lines, message] of refused) {
  test(`a line is refused with its number: ${name}`, () => {
    assert.throws(
      () => readAll(lines),
      (error) => error instanceof HistoryError && message.test(error.message),
    )
  })
}

test('a last line that breaks off is forgiven, a whole one is read', () => {
  const reader = new HistoryReader()
  assert.equal(reader.readLast(invoked.slice(0, 30)), false)
  assert.equal(reader.readLast(invoked), true)
  assert.equal(reader.readLast(''), true)
  assert.equal(reader.history.size, 1)
})
