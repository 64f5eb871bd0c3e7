import { addTo } from '../../../base/grouped.ts'
import type { LastDrain } from './drain-rules.ts'
import type { Findings } from '../findings.ts'
import { none } from '../history.ts'
import type { Copy } from '../judge-options.ts'
import type { HistoryRecord, Value } from '../operation.ts'
import type { Reading } from '../reading.ts'

/**
 * H-14: of an exactly-once copy, the outputs hold every value as often as the inputs do, which is once unless a producer has doubled it, and nothing else; and
 * one partition copied to one partition is in the same order. That nothing is missing is judged where inputs and outputs were drained.
 */
export function judgeCopy(reading: Reading, last: LastDrain, copy: Copy, findings: Findings): void {
  const inputs = findPlaces(reading, copy.inputs)
  const outputs = findPlaces(reading, copy.outputs)
  for (const [value, placed] of outputs) {
    const places = inputs.get(value) ?? []
    if (placed.length > places.length) tell(copy, value, places, placed, findings)
  }
  const isDrained = [...copy.inputs, ...copy.outputs].every(
    (key) => last.drainOf(reading.history.keyNumber(key)) !== none || !hasLog(reading, key),
  )
  if ((copy.isComplete ?? true) && isDrained && !last.isEmpty) {
    for (const [value, places] of inputs) {
      const placed = outputs.get(value) ?? []
      if (placed.length < places.length) tell(copy, value, places, placed, findings)
    }
  }
  if (copy.inputs.length === 1 && copy.outputs.length === 1) judgeSameOrder(copy, inputs, outputs, findings)
}

interface Place {
  readonly position: number
  readonly record: HistoryRecord
}

function hasLog(reading: Reading, key: string): boolean {
  return reading.history.keyNumber(key) !== none
}

/** By value, all places in these keys that hold it for sure, in the order of their logs. */
function findPlaces(reading: Reading, keys: readonly string[]): Map<Value, Place[]> {
  const { history } = reading
  const found = new Map<Value, Place[]>()
  for (const key of keys) {
    const number = history.keyNumber(key)
    if (number === none) continue
    const log = reading.log(number)
    for (let position = 0; position < log.length; position += 1) {
      for (const value of log.valuesAt(position)) {
        if (!reading.isSure(value)) continue
        const name = history.valueName(value)
        const place = { position, record: history.placed(value, log.offsetAt(position)) }
        addTo(found, name, place)
      }
    }
  }
  return found
}

function tell(copy: Copy, value: Value, inputs: readonly Place[], outputs: readonly Place[], findings: Findings): void {
  findings.error('consume-once', () => ({
    kind: 'consume-once',
    copy: copy.name,
    value,
    inputs: inputs.map(({ record }) => record),
    outputs: outputs.map(({ record }) => record),
  }))
}

function judgeSameOrder(
  copy: Copy,
  inputs: ReadonlyMap<Value, readonly Place[]>,
  outputs: ReadonlyMap<Value, readonly Place[]>,
  findings: Findings,
): void {
  const sorted = [...outputs.values()].flatMap((places) => places.slice(0, 1)).sort((a, b) => a.position - b.position)
  let before: { readonly input: number; readonly record: HistoryRecord } | null = null
  for (const { record } of sorted) {
    const input = inputs.get(record.value)?.[0]?.position
    if (input === undefined) continue
    const from = before
    if (from !== null && input < from.input)
      findings.error('copy-order', () => ({ kind: 'copy-order', copy: copy.name, from: from.record, to: record }))
    before = { input, record }
  }
}
