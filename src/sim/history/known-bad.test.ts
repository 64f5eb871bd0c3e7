import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnomalyKind, anomalyRules } from './anomaly.ts'
import { describeAnomaly } from './describe.ts'
import type { JudgeOptions } from './judge-options.ts'
import { examine } from './judge.ts'
import { HistoryScript } from './script.ts'

/** A history that has one thing wrong with it: exactly this kind must be found, so many times. */
interface KnownBad {
  readonly name: string
  readonly kind: AnomalyKind
  readonly times?: number
  readonly options?: JudgeOptions
  readonly write: (h: HistoryScript) => unknown
}

const copies = [{ name: 'in to out', inputs: ['in'], outputs: ['out'] }]

const knownBad: readonly KnownBad[] = [
  // H-1
  {
    name: 'two sends are acknowledged at one offset, and both are read there',
    kind: 'inconsistent-offsets',
    write: (h) => h.send('p', ['x:a@0']).send('q', ['x:b@0']).poll('c', ['x:a@0']).poll('d', ['x:b@0']),
  },
  {
    name: 'two sends are acknowledged at one offset, and nobody has read anything',
    kind: 'inconsistent-offsets',
    write: (h) => h.send('p', ['x:a@537']).send('q', ['x:b@537']),
  },
  {
    name: 'two consumers are given different records at one offset',
    kind: 'inconsistent-offsets',
    write: (h) => h.send('p', ['x:a', 'x:b'], 'info').poll('c', ['x:a@4']).poll('d', ['x:b@4']),
  },
  {
    name: 'a transaction of unknown outcome, of which one record was read, has another where somebody else has one',
    kind: 'inconsistent-offsets',
    write: (h) => h.txn('p', ['x:a@0', 'y:a'], [], 'info').send('q', ['x:b@0']).poll('c', ['y:a@5']),
  },
  // H-2
  {
    name: 'a record was acknowledged at one offset and is read at another',
    kind: 'duplicate',
    write: (h) => h.send('p', ['x:a@1']).send('q', ['x:b'], 'info').poll('c', ['x:b@2', 'x:a@3']).poll('d', ['x:a@1', 'x:b@2']),
  },
  {
    name: 'a record is read twice, at two offsets',
    kind: 'duplicate',
    write: (h) => h.send('p', ['x:a'], 'info').poll('c', ['x:a@0', 'x:a@1']),
  },
  {
    name: 'two operations have sent a record, and it is there three times',
    kind: 'duplicate',
    write: (h) => h.send('p', ['x:a'], 'info').send('p', ['x:a']).poll('c', ['x:a@0', 'x:a@1', 'x:a@2']),
  },
  {
    name: 'an aborted transaction has polled a record again, at another offset',
    kind: 'duplicate',
    write: (h) => h.send('p', ['x:a@1']).poll('c', ['x:a@1']).txn('d', [], ['x:a@11'], 'fail'),
  },
  // H-3
  {
    name: 'an acknowledged record is left out by all readers',
    kind: 'lost-write',
    write: (h) => h.send('p', ['x:a@0']).send('p', ['x:b@1']).poll('c', ['x:b@1']),
  },
  {
    name: 'two records before one of unknown outcome that was read were read by nobody',
    kind: 'lost-write',
    times: 2,
    write: (h) => h.send('p', ['x:a@0']).send('p', ['x:b@1', 'x:d@3']).send('q', ['x:c'], 'info').poll('c', ['x:c@2']),
  },
  {
    name: 'of a transaction of unknown outcome one record was read, so that the other is lost',
    kind: 'lost-write',
    write: (h) => h.txn('p', ['x:a', 'y:b@0'], [], 'info').send('q', ['y:c'], 'info').poll('c', ['x:a@0']).poll('d', ['y:c@1']),
  },
  // H-4
  {
    name: 'an acknowledged record is not there at the end, and no later one is',
    kind: 'unseen',
    write: (h) => h.send('p', ['x:a@0']).send('p', ['x:b@1']).drain('d', ['x'], ['x:a@0']),
  },
  {
    name: 'a record that was read before is gone at the end',
    kind: 'unseen',
    write: (h) => h.send('p', ['x:a@0', 'x:b@1']).poll('c', ['x:a@0', 'x:b@1']).drain('d', ['x'], ['x:a@0']),
  },
  {
    name: 'an acknowledged record of which no offset was told is not there at the end',
    kind: 'unseen',
    write: (h) => h.send('p', ['x:a']).send('p', ['x:b@1']).drain('d', ['x'], ['x:b@1']),
  },
  // H-5
  {
    name: 'a record of a failed send is read',
    kind: 'aborted-read',
    write: (h) => h.send('p', ['x:a', 'y:b'], 'fail').poll('c', ['x:a@0']),
  },
  {
    name: 'a record of an aborted transaction is read by who reads committed',
    kind: 'aborted-read',
    write: (h) => h.txn('p', ['x:a@0'], [], 'fail').send('q', ['x:b@2']).poll('c', ['x:a@0', 'x:b@2']),
  },
  {
    name: 'who reads uncommitted is given a record whose send has failed',
    kind: 'aborted-read',
    write: (h) => h.client('c', { isolation: 'read_uncommitted' }).send('p', ['x:a'], 'fail').poll('c', ['x:a@0']),
  },
  {
    name: 'a record is read that nobody has sent',
    kind: 'unwritten-read',
    write: (h) => h.send('p', ['x:a@0']).poll('c', ['x:a@0', 'x:z@1']),
  },
  {
    name: 'a record is read of another key than it was sent to',
    kind: 'unwritten-read',
    write: (h) => h.send('p', ['x:a@0']).poll('c', ['x:a@0']).poll('d', ['y:a@0']),
  },
  // H-6
  { name: 'a transaction has polled what it sends', kind: 'precommitted-read', write: (h) => h.txn('p', ['x:a@0'], ['x:a@0']) },
  {
    name: 'an aborted transaction has polled what it sends, after others',
    kind: 'precommitted-read',
    write: (h) => h.client('q', { isolation: 'read_uncommitted' }).send('o', ['x:z@0']).txn('p', ['x:a@1'], ['x:z@0', 'x:a@1'], 'info'),
  },
  // H-7
  {
    name: 'one poll leaves out a record that another reader was given',
    kind: 'int-poll-skip',
    write: (h) => h.send('p', ['x:a', 'x:b', 'x:d'], 'info').poll('c', ['x:a@1', 'x:d@4']).poll('d', ['x:b@2']),
  },
  {
    name: 'a transaction leaves out a record between two of its polls, under a subscription as well',
    kind: 'int-poll-skip',
    write: (h) =>
      h
        .send('p', ['x:a@0', 'x:b@1', 'x:c@2'])
        .op('c', { f: 'subscribe', keys: ['x'] })
        .txn('c', [], ['x:a@0', 'x:c@2'])
        .poll('d', ['x:b@1']),
  },
  {
    name: 'one poll goes back',
    kind: 'int-nonmonotonic-poll',
    write: (h) => h.send('p', ['x:a', 'x:c'], 'info').poll('c', ['x:c@3', 'x:a@1']),
  },
  {
    name: 'a transaction is given a record twice',
    kind: 'int-nonmonotonic-poll',
    write: (h) => h.send('p', ['x:b@2', 'x:c@3']).txn('c', [], ['x:b@2', 'x:c@3', 'x:c@3'], 'fail'),
  },
  // H-8
  {
    name: 'one operation sends two records that lie in the other order',
    kind: 'int-nonmonotonic-send',
    write: (h) => h.send('p', ['x:c@3', 'x:a@1']),
  },
  {
    name: 'a transaction of unknown outcome has two records that are read in the other order',
    kind: 'int-nonmonotonic-send',
    write: (h) => h.txn('p', ['y:d', 'y:b'], [], 'info').send('q', ['y:c'], 'info').poll('c', ['y:b@2', 'y:c@3', 'y:d@4']),
  },
  // H-9
  {
    name: 'between two polls of one process a record is left out',
    kind: 'poll-skip',
    times: 2,
    write: (h) =>
      h
        .send('q', ['x:a', 'x:b', 'x:c', 'x:d', 'x:g'], 'info')
        .poll('c', ['x:a@1', 'x:b@2'])
        .poll('d', ['x:c@3'])
        .poll('c', ['x:d@4'])
        .send('p', ['x:f@6'])
        .poll('c', ['x:g@7'])
        .client('e', { startsAt: 'latest' })
        .poll('e', ['x:f@6']),
  },
  {
    name: 'after a transaction that was aborted a process does not go back',
    kind: 'poll-skip',
    times: 2,
    write: (h) =>
      h
        .send('p', ['x:0@0', 'x:1@1', 'x:2@2', 'x:3@3', 'x:4@4', 'x:5@5'])
        .txn('c', [], ['x:0@0'])
        .txn('c', [], ['x:1@1', 'x:2@2'], 'fail')
        .txn('c', [], ['x:3@3', 'x:4@4'], 'info')
        .txn('c', [], ['x:5@5']),
  },
  {
    name: 'a process that has sought an offset is given what comes later',
    kind: 'poll-skip',
    write: (h) =>
      h
        .send('p', ['x:a@0', 'x:b@1', 'x:c@2'])
        .poll('d', ['x:a@0', 'x:b@1', 'x:c@2'])
        .op('c', { f: 'seek', positions: [{ key: 'x', offset: 1 }] })
        .poll('c', ['x:c@2']),
  },
  {
    name: 'a process is given again what it had',
    kind: 'nonmonotonic-poll',
    write: (h) => h.send('p', ['x:a', 'x:b', 'x:c', 'x:d']).poll('c', ['x:a@1', 'x:b@2', 'x:c@3']).poll('c', ['x:b@2', 'x:c@3', 'x:d@4']),
  },
  {
    name: 'a process that tells of its rebalances is given again what it had, though it has kept the partition',
    kind: 'nonmonotonic-poll',
    write: (h) =>
      h
        .client('c', { reportsRebalances: true })
        .send('p', ['x:a@0'])
        .op('c', { f: 'subscribe', keys: ['x', 'y'] })
        .op('c', { f: 'rebalance', keys: ['x', 'y'] })
        .poll('c', ['x:a@0'])
        .op('c', { f: 'rebalance', keys: ['y'] })
        .poll('c', ['x:a@0']),
  },
  // H-10
  {
    name: 'a later send lies before an earlier one',
    kind: 'nonmonotonic-send',
    write: (h) => h.send('p', ['x:c@3', 'x:d@4']).send('p', ['x:a@1', 'x:b@2']),
  },
  {
    name: 'a later send of unknown outcome is read before an earlier one that was acknowledged',
    kind: 'nonmonotonic-send',
    write: (h) => h.send('p', ['x:d@4']).send('p', ['x:a'], 'info').poll('c', ['x:a@1', 'x:d@4']),
  },
  // H-11
  {
    name: 'two transactions have each read what the other sends',
    kind: 'G1c',
    write: (h) => h.txn('p', ['x:a@0'], ['y:b@0']).txn('q', ['y:b@0'], ['x:a@0']),
  },
  {
    name: 'three transactions have read what the next one sends, one of unknown outcome',
    kind: 'G1c',
    write: (h) => h.txn('p', ['x:a@0'], ['y:b@0']).txn('q', ['y:b@0'], ['z:c@0'], 'info').txn('r', ['z:c@0'], ['x:a@0']),
  },
  // H-12
  {
    name: 'a committed transaction is there in part',
    kind: 'torn-transaction',
    write: (h) => h.txn('p', ['x:a@0', 'y:b@0']).drain('d', ['x', 'y'], ['x:a@0']),
  },
  {
    name: 'a transaction of unknown outcome is there in part',
    kind: 'torn-transaction',
    write: (h) =>
      h.txn('p', ['x:a', 'y:b', 'z:c'], [], 'info').send('q', ['y:e@0']).drain('d', ['x', 'y', 'z'], ['x:a@0', 'y:e@0', 'z:c@0']),
  },
  // H-13
  {
    name: 'a consumer is given nothing for a long time',
    kind: 'realtime-lag',
    times: 2,
    options: { realtimeLagMsMax: 5 },
    write: (h) => {
      h.send('p', ['x:a@0']).op('c', { f: 'assign', keys: ['x'] })
      h.poll('c', []).poll('c', []).poll('c', []).poll('c', []).poll('c', [])
      return h.poll('c', ['x:a@0'])
    },
  },
  {
    name: 'a consumer stays behind what another was given',
    kind: 'realtime-lag',
    options: { realtimeLagMsMax: 4, realtimeLagFrom: 6 },
    write: (h) => {
      h.send('p', ['x:a', 'x:b'], 'info')
      h.op('c', { f: 'assign', keys: ['x'] }).poll('d', ['x:a@0', 'x:b@1'])
      return h.poll('c', ['x:a@0']).poll('c', []).poll('c', []).poll('c', ['x:b@1'])
    },
  },
  // H-14
  {
    name: 'a copy has an input twice',
    kind: 'consume-once',
    options: { copies },
    write: (h) =>
      h
        .send('p', ['in:a@0'])
        .txn('c', ['out:a'], ['in:a@0'], 'info')
        .op('c', { f: 'crash' })
        .txn('c', ['out:a'], ['in:a@0'])
        .poll('d', ['out:a@0', 'out:a@2']),
  },
  {
    name: 'a copy leaves out an input',
    kind: 'consume-once',
    options: { copies },
    write: (h) =>
      h
        .send('p', ['in:a@0', 'in:b@1'])
        .txn('c', ['out:b@0'], ['in:a@0', 'in:b@1'])
        .drain('d', ['in', 'out'], ['in:a@0', 'in:b@1', 'out:b@0']),
  },
  {
    name: 'a copy has what was never in its input',
    kind: 'consume-once',
    options: { copies },
    write: (h) => h.send('p', ['in:a@0']).txn('c', ['out:a@0', 'out:z@1'], ['in:a@0']),
  },
  {
    name: 'a copy of one partition has turned two records round',
    kind: 'copy-order',
    options: { copies },
    write: (h) => h.send('p', ['in:a@0', 'in:b@1']).txn('c', ['out:b@0'], ['in:a@0', 'in:b@1']).txn('e', ['out:a@2'], []),
  },
  {
    name: 'a copy of one partition has turned round what was sent in two transactions',
    kind: 'copy-order',
    options: { copies },
    write: (h) =>
      h
        .send('p', ['in:a@0', 'in:b@1', 'in:c@2'])
        .txn('c', ['out:a@0', 'out:c@1'], ['in:a@0', 'in:b@1', 'in:c@2'])
        .txn('e', ['out:b@3'])
        .drain('d', ['in', 'out'], ['in:a@0', 'in:b@1', 'in:c@2', 'out:a@0', 'out:c@1', 'out:b@3']),
  },
  // H-15
  {
    name: 'an audit finds too little',
    kind: 'money',
    write: (h) => h.op('a', { f: 'audit', total: 100 }, { balances: [{ key: 'x', amount: 60 }, { key: 'y', amount: 30 }] }), // prettier-ignore
  },
  {
    name: 'an audit finds too much, and another one what it should',
    kind: 'money',
    write: (h) =>
      h
        .op('a', { f: 'audit', total: 10 }, { balances: [{ key: 'x', amount: 10 }] })
        .op('a', { f: 'audit', total: 10 }, { balances: [{ key: 'x', amount: 11 }] }),
  },
  // H-16
  {
    name: 'the latest offset lies before what was polled',
    kind: 'list-offsets',
    write: (h) => h.send('p', ['x:a@0', 'x:b@1']).poll('c', ['x:a@0', 'x:b@1']).list('c', 'x', 1),
  },
  {
    name: 'the latest offset lies before what was acknowledged, for who reads uncommitted',
    kind: 'list-offsets',
    write: (h) => h.client('p', { isolation: 'read_uncommitted' }).send('p', ['x:a@7']).list('p', 'x', 7),
  },
  { name: 'the latest offset goes back', kind: 'list-offsets', write: (h) => h.send('p', ['x:a@0']).list('c', 'x', 9).list('c', 'x', 8) },
  // Groups
  {
    name: 'two members commit for a partition in one generation',
    kind: 'commit-owner',
    write: (h) => h.commit('c', 'x', 1, 4).commit('d', 'x', 2, 4),
  },
  {
    name: 'two members commit for a partition in one generation, one of them with a transaction between',
    kind: 'commit-owner',
    write: (h) => h.commit('c', 'x', 1, 1).commit('d', 'x', 2, 2).commit('c', 'x', 3, 2),
  },
  { name: 'a committed offset is forgotten', kind: 'commit-register', write: (h) => h.commit('c', 'x', 5).committed('d', 'x', -1) },
  {
    name: 'an older offset comes back',
    kind: 'commit-register',
    write: (h) => h.commit('c', 'x', 5).commit('c', 'x', 9).committed('d', 'x', 9).committed('d', 'x', 5),
  },
  {
    name: 'an offset is read that nobody has committed',
    kind: 'commit-register',
    write: (h) => h.commit('c', 'x', 5, 1, 'fail').committed('d', 'x', 5),
  },
  {
    name: 'a group has committed past a record that only others were given',
    kind: 'group-skip',
    write: (h) =>
      h
        .client('c', { group: 'g' })
        .op('c', { f: 'subscribe', keys: ['x'] })
        .send('p', ['x:a@0', 'x:b@1'])
        .poll('d', ['x:a@0', 'x:b@1'])
        .poll('c', ['x:b@1'])
        .commit('c', 'x', 2),
  },
  {
    name: 'the second member of a group begins behind where the first has stopped',
    kind: 'group-skip',
    write: (h) =>
      h
        .client('c', { group: 'g' })
        .client('d', { group: 'g' })
        .send('p', ['x:a@0', 'x:b@1', 'x:c@2'])
        .poll('c', ['x:a@0'])
        .commit('c', 'x', 1, 1)
        .poll('d', ['x:c@2'])
        .commit('d', 'x', 3, 2)
        .poll('e', ['x:a@0', 'x:b@1', 'x:c@2']),
  },
]

for (const { name, kind, times = 1, options = {}, write } of knownBad) {
  test(`${anomalyRules[kind]} ${kind}: ${name}`, () => {
    const h = new HistoryScript()
    write(h)
    const { errors, errorCounts } = examine(h.history, options)
    assert.deepEqual([...errorCounts], [[kind, times]], errors.map(describeAnomaly).join('\n'))
    for (const error of errors) assert.match(describeAnomaly(error), new RegExp(`^${anomalyRules[kind]} ${kind}: .{10}`))
  })
}

test('every kind of anomaly has two histories at least', () => {
  for (const kind of Object.keys(anomalyRules)) assert.ok(knownBad.filter((bad) => bad.kind === kind).length >= 2, kind)
})
