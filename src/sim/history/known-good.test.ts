import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnomalyKind } from './anomaly.ts'
import { describeAnomaly } from './describe.ts'
import type { JudgeOptions } from './judge-options.ts'
import { examine } from './judge.ts'
import { HistoryScript } from './script.ts'

/** A history with nothing wrong in it, however it looks. `allowed`: what a stronger promise would have made an error. */
interface KnownGood {
  readonly name: string
  readonly allowed?: readonly AnomalyKind[]
  readonly options?: JudgeOptions
  readonly write: (h: HistoryScript) => unknown
}

const knownGood: readonly KnownGood[] = [
  { name: 'nothing has happened', write: (h) => h.op('c', { f: 'assign', keys: ['x'] }) },
  {
    name: 'a send of unknown outcome has no place in the log, even if it says so, as long as nobody has read it',
    write: (h) => h.send('p', ['x:a@0', 'y:a'], 'info').send('q', ['x:b@0']),
  },
  {
    name: 'of records without a transaction one may have been sent and the next not',
    write: (h) => h.send('p', ['x:a@0', 'y:a'], 'info').send('q', ['x:b@0']).poll('c', ['y:a@5']),
  },
  {
    name: 'a transaction of unknown outcome that only a reader of uncommitted records was given may have been aborted',
    write: (h) =>
      h
        .client('c', { isolation: 'read_uncommitted' })
        .txn('p', ['x:a@0', 'y:b@0'], [], 'info')
        .poll('c', ['x:a@0'])
        .drain('d', ['x', 'y'], []),
  },
  {
    name: 'who reads uncommitted is given records of aborted transactions, and others leave them out',
    allowed: ['aborted-read'],
    write: (h) =>
      h
        .client('u', { isolation: 'read_uncommitted' })
        .send('p', ['x:a@0'])
        .txn('q', ['x:b@1'], [], 'fail')
        .send('p', ['x:c@3'])
        .poll('u', ['x:a@0', 'x:b@1', 'x:c@3'])
        .poll('c', ['x:a@0', 'x:c@3']),
  },
  {
    name: 'what an aborted transaction has sent is nowhere, and what it has polled is told again',
    write: (h) =>
      h
        .send('p', ['x:0@0', 'x:1@1', 'x:2@2'])
        .txn('c', [], ['x:0@0'])
        .txn('c', ['y:a@0'], ['x:1@1', 'x:2@2'], 'fail')
        .txn('c', ['y:b@2'], ['x:1@1', 'x:2@2'], 'info')
        .txn('c', [], ['x:1@1', 'x:2@2'])
        .drain('d', ['x', 'y'], ['x:0@0', 'x:1@1', 'x:2@2']),
  },
  {
    name: 'a producer that is not idempotent has sent a record twice',
    allowed: ['duplicate'],
    write: (h) => h.client('p', { isIdempotent: false, inFlightMax: 1 }).send('p', ['x:a@1']).poll('c', ['x:a@0', 'x:a@1']),
  },
  {
    name: 'an application that has sent a record again, not knowing whether it is there, finds it twice',
    write: (h) => h.send('p', ['x:a'], 'info').send('p', ['x:a@4']).poll('c', ['x:a@3', 'x:a@4']),
  },
  {
    name: 'a producer that is not idempotent with requests in flight has its records in another order',
    allowed: ['nonmonotonic-send', 'int-nonmonotonic-send'],
    write: (h) => h.client('p', { isIdempotent: false }).send('p', ['x:a@1']).send('p', ['x:d@0', 'x:c@3', 'x:b@2']),
  },
  {
    name: 'a send of unknown outcome happens after the ones that follow it',
    write: (h) => h.send('p', ['x:a@0']).send('p', ['x:b'], 'info').send('p', ['x:c@1']).poll('c', ['x:a@0', 'x:c@1', 'x:b@2']),
  },
  {
    name: 'transactions of two producers lie between each other',
    write: (h) => h.txn('p', ['x:a@0', 'x:b@2']).txn('q', ['x:c@1', 'x:d@3']),
  },
  {
    name: 'two transactions have written to two keys in opposite orders',
    write: (h) => h.txn('p', ['x:a@0', 'y:a@1']).txn('q', ['x:b@1', 'y:b@0']),
  },
  {
    name: 'a transaction has read what another sends, and has its own record before the other one',
    write: (h) => h.txn('p', ['x:a@0', 'y:c@2']).txn('q', ['y:b@1'], ['x:a@0']),
  },
  {
    name: 'who reads uncommitted has read what is not committed yet, and the other way round',
    write: (h) => h.client('p', { isolation: 'read_uncommitted' }).txn('p', ['x:a@0'], ['y:b@0']).txn('q', ['y:b@0'], ['x:a@0']),
  },
  {
    name: 'under a subscription a process leaves out what another one was given, and is given again what it had',
    allowed: ['poll-skip', 'nonmonotonic-poll'],
    write: (h) =>
      h
        .send('p', ['x:a@0', 'x:b@1', 'x:c@2'])
        .op('c', { f: 'subscribe', keys: ['x'] })
        .poll('c', ['x:a@0'])
        .poll('d', ['x:a@0', 'x:b@1'])
        .poll('c', ['x:c@2'])
        .poll('c', ['x:a@0']),
  },
  {
    name: 'a partition that was given away comes back at another place',
    write: (h) =>
      h
        .client('c', { reportsRebalances: true })
        .send('p', ['x:a@0', 'x:b@1', 'x:c@2'])
        .op('c', { f: 'subscribe', keys: ['x'] })
        .poll('c', ['x:a@0'])
        .op('c', { f: 'rebalance', keys: ['x'] })
        .poll('d', ['x:a@0', 'x:b@1'])
        .poll('c', ['x:c@2'])
        .poll('c', ['x:a@0', 'x:c@2'], 'ok', ['x']),
  },
  {
    name: 'an assignment without a key forgets its place, one with it keeps it',
    write: (h) =>
      h
        .send('p', ['x:a@0', 'x:b@1'])
        .op('c', { f: 'assign', keys: ['x'] })
        .poll('c', ['x:a@0', 'x:b@1'])
        .op('c', { f: 'assign', keys: ['y'] }, {}, 'info')
        .op('c', { f: 'assign', keys: ['x', 'y'] })
        .poll('c', ['x:a@0', 'x:b@1']),
  },
  {
    name: 'a client that has crashed begins anew under its name',
    write: (h) => h.send('p', ['x:a@0']).poll('c', ['x:a@0']).op('c', { f: 'crash' }, {}, 'info').poll('c', ['x:a@0']),
  },
  {
    name: 'a key that loses old records is read from its new beginning',
    options: { expiring: ['x'] },
    write: (h) => h.send('p', ['x:a@0', 'x:b@1', 'x:c@2']).poll('c', ['x:a@0']).poll('c', ['x:c@2']).drain('d', ['x'], ['x:c@2']),
  },
  {
    name: 'who begins at the end has no part in what came before',
    write: (h) => h.client('c', { startsAt: 'latest' }).send('p', ['x:a@0', 'x:b@1']).poll('c', ['x:b@1']),
  },
  {
    name: 'who has sought another place has no part in what came before',
    write: (h) =>
      h
        .send('p', ['x:a@0', 'x:b@1'])
        .op('c', { f: 'seek', positions: [{ key: 'x', offset: 1 }] })
        .poll('c', ['x:b@1']),
  },
  {
    name: 'what is acknowledged by the leader alone may be lost',
    write: (h) => h.client('p', { acks: '1' }).send('p', ['x:a@0']).send('q', ['x:b@0']).drain('d', ['x'], ['x:b@0']),
  },
  {
    name: 'what is acknowledged after the drain has begun need not be in it, nor what fails or is never known of',
    write: (h) => {
      const drain = h.begin('d', { f: 'drain', keys: ['x'] })
      h.send('p', ['x:a@0']).send('p', ['x:b'], 'fail').send('p', ['x:c'], 'info').poll('d', [])
      return h.end(drain, 'ok', { positions: [{ key: 'x', offset: 0 }] })
    },
  },
  {
    name: 'a drain that was given up says nothing, and one of another key neither',
    write: (h) => {
      h.send('p', ['x:a@0'])
      h.end(h.begin('d', { f: 'drain', keys: ['x'] }), 'info')
      return h.drain('d', ['y'], [])
    },
  },
  {
    name: 'a consumer that has just begun does not lag',
    options: { realtimeLagMsMax: 3 },
    write: (h) => {
      h.send('p', ['x:a@0', 'x:b@1']).send('p', ['y:a@0']).send('p', ['y:b@1']).send('p', ['y:c@2'])
      return h
        .op('c', { f: 'assign', keys: ['x'] })
        .poll('c', ['x:a@0'])
        .poll('c', ['x:b@1'])
        .poll('c', [])
        .poll('c', [])
    },
  },
  {
    name: 'a copy that was tried again has everything once',
    options: { copies: [{ name: 'copy', inputs: ['in'], outputs: ['out'] }] },
    write: (h) =>
      h
        .send('p', ['in:a@0', 'in:b@1'])
        .txn('c', ['out:a@0', 'out:b@1'], ['in:a@0', 'in:b@1'], 'fail')
        .txn('c', ['out:a@3'], ['in:a@0'], 'info')
        .op('c', { f: 'crash' })
        .txn('c', ['out:a@5', 'out:b@6'], ['in:a@0', 'in:b@1'])
        .drain('d', ['in', 'out'], ['in:a@0', 'in:b@1', 'out:a@5', 'out:b@6']),
  },
  {
    name: 'the latest stable offset lies before what others keep open',
    write: (h) => h.send('p', ['x:a@7']).list('p', 'x', 3).list('p', 'x', 8),
  },
  {
    name: 'an offset that is asked for while records are on their way may leave them out',
    write: (h) => {
      h.client('p', { isolation: 'read_uncommitted' })
      const sent = h.begin('p', { f: 'send', sends: [{ key: 'x', value: 'a' }] })
      const listed = h.begin('p', { f: 'list', keys: ['x'] })
      return h.end(sent, 'ok', { offsets: [3] }).end(listed, 'ok', { positions: [{ key: 'x', offset: 3 }] })
    },
  },
  {
    name: 'a commit of unknown outcome may be read, or not',
    write: (h) =>
      h.commit('c', 'x', 5, 1, 'info').committed('d', 'x', -1).committed('d', 'x', 5).commit('c', 'x', 9, 1, 'info').committed('d', 'x', 5),
  },
  {
    name: 'a generation has one owner for each partition, and the next one others',
    write: (h) => h.commit('c', 'x', 1, 1).commit('d', 'y', 1, 1).commit('d', 'x', 2, 2).commit('c', 'x', 2, 1, 'fail'),
  },
  {
    name: 'a group has committed what one of its members was given that is gone',
    write: (h) =>
      h
        .client('c', { group: 'g' })
        .client('d', { group: 'g' })
        .send('p', ['x:a@0', 'x:b@1'])
        .poll('c', ['x:a@0'])
        .commit('c', 'x', 1, 1)
        .op('c', { f: 'crash' })
        .poll('d', ['x:b@1'])
        .commit('d', 'x', 2, 2),
  },
]

for (const { name, allowed = [], options = {}, write } of knownGood) {
  test(name, () => {
    const h = new HistoryScript()
    write(h)
    const verdict = examine(h.history, options)
    assert.deepEqual(verdict.errors.map(describeAnomaly), [])
    assert.deepEqual([...verdict.allowedCounts.keys()].sort(), [...allowed].sort())
  })
}

test('how long a poll has lagged is measured from when there was more, and its process there to be given it', () => {
  const h = new HistoryScript()
  h.op('c', { f: 'assign', keys: ['x'] }).send('p', ['x:a@0']) // known at 4 ms
  h.poll('c', []) // asked for at 5 ms
  assert.deepEqual(examine(h.history).worstRealtimeLag, { lagMs: 1, process: 'c', key: 'x', at: 5 })
  h.send('p', ['x:c@2', 'x:d@3']) // known at 8 ms, as is that there was something between
  h.poll('c', ['x:a@0']) // asked for at 9 ms
  h.poll('c', ['x:b@1']).poll('c', []) // asked for at 13 ms
  assert.deepEqual(examine(h.history).worstRealtimeLag, { lagMs: 5, process: 'c', key: 'x', at: 13 })
})

test('what cannot be judged is said', () => {
  const h = new HistoryScript().send('p', ['x:a@0'])
  assert.deepEqual(examine(h.history).unjudged, ['H-4 and H-12: nothing was drained at the end'])
})

test('of each kind the first are told, and all are counted', () => {
  const h = new HistoryScript()
  for (let offset = 0; offset < 100; offset += 1) h.poll('c', [`x:${offset}@${offset}`])
  const verdict = examine(h.history, { toldMax: 3 })
  assert.equal(verdict.errors.length, 3)
  assert.equal(verdict.errorCounts.get('unwritten-read'), 100)
})
