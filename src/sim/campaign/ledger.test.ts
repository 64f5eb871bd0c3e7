import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addReport, emptySum, ledgerHead, ledgerRow, nextSeed } from './ledger.ts'

test('a campaign is a row, after which the next one begins with the seed that follows', () => {
  const sum = emptySum()
  const report = { digest: '', events: 10, operations: 4, healedMs: 50, acknowledged: 7, simulatedMs: 1_800_000 }
  addReport(sum, { ...report, seed: 11, faults: new Map([['kill', 2]]) })
  addReport(sum, {
    ...report,
    seed: 13,
    faults: new Map([
      ['freeze', 1],
      ['kill', 1],
    ]),
  })
  sum.findings.push({ seed: 12, rule: 'REP-2' })
  const row = ledgerRow(sum, { date: '2026-01-31', commit: 'abc1234', first: 11 })
  assert.equal(row, '| 2026-01-31 | abc1234 | 11 to 13 | 1.00 | 14 | freeze 1, kill 3 | 12 (REP-2) |\n')
  assert.equal(nextSeed(ledgerHead), 1)
  assert.equal(nextSeed(ledgerHead + row), 14)
})
