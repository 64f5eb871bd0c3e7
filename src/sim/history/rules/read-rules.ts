import type { Findings } from '../findings.ts'
import { none } from '../history.ts'
import type { OperationId } from '../operation.ts'
import type { Reading } from '../reading.ts'

/**
 * H-5: nobody is given what was never sent or whose sends have all failed; but for records of aborted transactions, which those who read uncommitted are
 * given. H-6: no transaction is given what it sends itself. Each value is told once.
 */
export function judgeReads(reading: Reading, findings: Findings): void {
  const { history } = reading
  const told = new Set<number>()
  for (let op = 0; op < history.size; op += 1) {
    for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
      if (!history.isPolled(record)) continue
      const value = history.valueOf(record)
      if (reading.isAborted(value) || reading.isUnwritten(value)) {
        if (!told.has(value)) judgeRead(reading, findings, op, record)
        told.add(value)
      }
    }
    if (history.kindOf(op) === 'txn' && reading.readsCommitted(op)) judgeOwnReads(reading, findings, op)
  }
}

function judgeRead(reading: Reading, findings: Findings, op: OperationId, record: number): void {
  const { history } = reading
  const value = history.valueOf(record)
  const told = { key: history.keyName(history.keyOf(value)), value: history.valueName(value), offset: history.offsetOf(record) }
  if (reading.isUnwritten(value)) {
    findings.error('unwritten-read', () => ({ kind: 'unwritten-read', ...told, reader: history.operation(op) }))
    return
  }
  const writer = reading.writerOf(value)
  findings.found('aborted-read', reading.readsCommitted(op) || history.kindOf(writer) !== 'txn', () => ({
    kind: 'aborted-read',
    ...told,
    writer: history.operation(writer),
    reader: history.operation(op),
  }))
}

function judgeOwnReads({ history }: Reading, findings: Findings, op: OperationId): void {
  const sent = new Set<number>()
  for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
    if (!history.isPolled(record)) sent.add(history.valueOf(record))
  }
  if (sent.size === 0) return
  for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
    const value = history.valueOf(record)
    if (!history.isPolled(record) || !sent.delete(value)) continue
    findings.error('precommitted-read', () => ({
      kind: 'precommitted-read',
      key: history.keyName(history.keyOf(value)),
      value: history.valueName(value),
      offset: history.offsetOf(record),
      operation: history.operation(op),
    }))
  }
}
