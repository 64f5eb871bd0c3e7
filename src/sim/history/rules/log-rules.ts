import type { Findings } from '../findings.ts'
import { none } from '../history.ts'
import type { Operation, OperationId } from '../operation.ts'
import type { Reading } from '../reading.ts'

const operationsMax = 6

/** H-1: no offset of a key holds two values. */
export function judgeOffsets(reading: Reading, findings: Findings): void {
  const { history, logs } = reading
  logs.forEach((log, key) => {
    for (const position of [...log.conflicts.keys()].sort((a, b) => a - b)) {
      findings.error('inconsistent-offsets', () => {
        const values = log.valuesAt(position)
        return {
          kind: 'inconsistent-offsets',
          key: history.keyName(key),
          offset: log.offsetAt(position),
          values: values.map((value) => history.valueName(value)),
          operations: concerning(reading, values),
        }
      })
    }
  })
}

function concerning(reading: Reading, values: readonly number[]): Operation[] {
  const ids = new Set(values.flatMap((value) => [reading.writerOf(value), reading.readerOf(value)]).filter((op) => op !== none))
  return [...ids].slice(0, operationsMax).map((op) => reading.history.operation(op))
}

/** H-2: a value is at no more offsets than operations may have sent it. Legal for a producer that is not idempotent. */
export function judgeDuplicates(reading: Reading, findings: Findings): void {
  const { history } = reading
  for (let value = 0; value < history.valueCount; value += 1) {
    const sentTimes = reading.mayBeWrittenBy(value)
    if (sentTimes === 0 || reading.appearancesOf(value) <= sentTimes) continue
    const writer = reading.writerOf(value)
    const { isIdempotent } = history.declarationOf(history.processOf(writer))
    findings.found('duplicate', isIdempotent || history.kindOf(writer) === 'txn', () => ({
      kind: 'duplicate',
      key: history.keyName(history.keyOf(value)),
      value: history.valueName(value),
      offsets: offsetsOf(reading, value),
      sentTimes,
      writer: history.operation(writer),
    }))
  }
}

export function offsetsOf(reading: Reading, value: number): number[] {
  const log = reading.logOf(value)
  const found: number[] = []
  for (let position = reading.firstPosition(value); position !== none && position <= reading.lastPosition(value); position += 1) {
    if (log.valuesAt(position).includes(value)) found.push(log.offsetAt(position))
  }
  return found
}

/** How far a key was read by those who begin at its beginning, and by whom. */
interface Bound {
  position: number
  reader: OperationId
}

/**
 * H-3: what lies before something that was read was read by somebody, if it is in the log for sure. Of a value that is at several offsets the first one
 * says how far was read, and the last one whether it should have been.
 */
export function judgeLostWrites(reading: Reading, findings: Findings): ReadonlySet<number> {
  const lost = new Set<number>()
  const { history } = reading
  findBounds(reading).forEach((bound, key) => {
    if (reading.isExpiring(key)) return
    const log = reading.log(key)
    for (let position = 0; position <= bound.position; position += 1) {
      for (const value of log.valuesAt(position)) {
        if (reading.readerOf(value) !== none || !reading.isSure(value) || reading.lastPosition(value) > bound.position || lost.has(value))
          continue
        lost.add(value)
        findings.error('lost-write', () => ({
          kind: 'lost-write',
          key: history.keyName(key),
          value: history.valueName(value),
          offset: log.offsetAt(position),
          writer: history.operation(reading.writerOf(value)),
          boundOffset: log.offsetAt(bound.position),
          boundReader: history.operation(bound.reader),
        }))
      }
    }
  })
  return lost
}

function findBounds(reading: Reading): Bound[] {
  const { history } = reading
  const jumped = findJumps(reading)
  const bounds = reading.logs.map((): Bound => ({ position: none, reader: none }))
  for (let op = 0; op < history.size; op += 1) {
    const process = history.processOf(op)
    const fromStart = history.declarationOf(process).startsAt === 'earliest'
    for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
      if (!history.isPolled(record)) continue
      const value = history.valueOf(record)
      const key = history.keyOf(value)
      const bound = bounds[key]
      const position = reading.firstPosition(value)
      if (bound === undefined || position <= bound.position || !fromStart || jumped.has(process * history.keyCount + key)) continue
      bound.position = position
      bound.reader = op
    }
  }
  return bounds
}

/** Processes and keys (as one number) where something may have been left out on purpose. */
function findJumps({ history }: Reading): ReadonlySet<number> {
  const jumped = new Set<number>()
  for (let op = 0; op < history.size; op += 1) {
    if (history.kindOf(op) !== 'seek') continue
    for (const { key, offset } of history.detailsOf(op).positions ?? []) {
      const number = history.keyNumber(key)
      if (offset !== 0 && number !== none) jumped.add(history.processOf(op) * history.keyCount + number)
    }
  }
  return jumped
}
