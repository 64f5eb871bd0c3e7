import type { Millis, Offset } from '../../../base/units.ts'
import type { Findings } from '../findings.ts'
import { none } from '../history.ts'
import type { OperationId } from '../operation.ts'
import type { Reading } from '../reading.ts'

/** H-15: at every point between transactions the balances sum up to what they always do. */
export function judgeMoney({ history }: Reading, findings: Findings): void {
  for (let op = 0; op < history.size; op += 1) {
    if (history.kindOf(op) !== 'audit' || history.outcomeOf(op) !== 'ok') continue
    const { total = 0, balances = [] } = history.detailsOf(op)
    const sum = balances.reduce((so, { amount }) => so + amount, 0)
    if (sum === total) continue
    findings.error('money', () => ({ kind: 'money', operation: history.operation(op), total, sum, balances }))
  }
}

/**
 * H-16: the latest offset lies behind all that its process knew of before it asked. What it knows of is what it polled and what it was told to be the
 * latest before, and for who reads uncommitted what was acknowledged to it as well: an open transaction of somebody else keeps committed records back.
 */
export function judgeListedOffsets(reading: Reading, findings: Findings): void {
  const { history } = reading
  for (let process = 0; process < history.processCount; process += 1) {
    const ops = [...reading.operationsOf(process)]
    const lists = ops.filter((op) => history.kindOf(op) === 'list' && history.outcomeOf(op) === 'ok')
    if (lists.length > 0) judgeLists(reading, ops, lists, findings)
  }
}

interface Known {
  /** The end of the log lies here, or behind. */
  readonly end: Offset
  readonly op: OperationId
}

function judgeLists(reading: Reading, ops: OperationId[], lists: readonly OperationId[], findings: Findings): void {
  const { history } = reading
  const known = new Map<string, Known>()
  const ended = ops.sort((a, b) => history.completedAt(a) - history.completedAt(b))
  let at = 0
  const learnBefore = (time: Millis): void => {
    for (; at < ended.length; at += 1) {
      const op = ended[at] ?? none
      if (history.completedAt(op) >= time) return
      learn(reading, op, known)
    }
  }
  for (const list of lists) {
    learnBefore(history.invokedAt(list))
    for (const { key, offset } of history.detailsOf(list).positions ?? []) {
      const before = known.get(key)
      if (before === undefined || before.op === list || offset >= before.end) continue
      findings.error('list-offsets', () => ({
        kind: 'list-offsets',
        key,
        operation: history.operation(list),
        offset,
        known: history.operation(before.op),
        knownOffset: before.end,
      }))
    }
  }
}

function learn(reading: Reading, op: OperationId, known: Map<string, Known>): void {
  const { history } = reading
  const raise = (key: string, end: Offset): void => {
    if (end > (known.get(key)?.end ?? none)) known.set(key, { end, op })
  }
  if (history.kindOf(op) === 'list' && history.outcomeOf(op) === 'ok')
    for (const { key, offset } of history.detailsOf(op).positions ?? []) raise(key, offset)
  const countsSends = !reading.readsCommitted(op) && reading.outcomeOf(op) === 'ok'
  for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
    if (!history.isPolled(record) && !countsSends) continue
    const offset = history.offsetOf(record)
    if (offset >= 0) raise(history.keyName(history.keyOf(history.valueOf(record))), offset + 1)
  }
}
