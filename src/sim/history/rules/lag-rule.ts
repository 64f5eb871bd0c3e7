import type { Millis, Offset } from '../../../base/units.ts'
import { NumberColumn } from '../columns.ts'
import type { Findings } from '../findings.ts'
import { type History, none } from '../history.ts'
import type { RealtimeLag } from '../judge-options.ts'
import type { OperationId } from '../operation.ts'
import type { Reading } from '../reading.ts'

/** When it was first known of each key how far its log goes: offsets that only grow, and their times. */
class Frontier {
  private readonly times = new NumberColumn()
  private readonly offsets = new NumberColumn()

  add(time: Millis, offset: Offset): void {
    if (this.offsets.length > 0 && offset <= this.offsets.at(this.offsets.length - 1)) return
    this.times.push(time)
    this.offsets.push(offset)
  }

  /** Since when there is something behind `offset`; Infinity: nothing is known to be. */
  knownBehind(offset: Offset): Millis {
    let low = 0
    let high = this.offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offsets.at(middle) <= offset) low = middle + 1
      else high = middle
    }
    return low < this.times.length ? this.times.at(low) : Infinity
  }
}

interface Following {
  offset: Offset
  /** Since when this process stands there, and could have been given what follows, if it was there. */
  since: Millis
}

/**
 * H-13: for how long, at least, there had been more when a poll began that did not give it. It counts from when the process was there to be given it: who
 * has just begun to read an old log does not lag. Of subscriptions it counts for keys that the poll gave something of, unless every partition that is given
 * or lost is told of. A drain is not measured.
 */
export class LagRule {
  private readonly reading: Reading
  private readonly history: History
  private readonly from: Millis
  private readonly lagMsMax: Millis
  private readonly frontiers: readonly Frontier[]
  worst: RealtimeLag | null = null

  constructor(reading: Reading, from: Millis, lagMsMax: Millis) {
    this.reading = reading
    this.history = reading.history
    this.from = from
    this.lagMsMax = lagMsMax
    this.frontiers = reading.logs.map(() => new Frontier())
    this.findFrontiers()
  }

  judge(findings: Findings): void {
    for (let process = 0; process < this.history.processCount; process += 1) this.judgeProcess(process, findings)
  }

  private findFrontiers(): void {
    const { history } = this
    const over = Array.from({ length: history.size }, (_, op) => op).filter((op) => history.outcomeOf(op) === 'ok')
    over.sort((a, b) => history.completedAt(a) - history.completedAt(b))
    for (const op of over) {
      for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
        const offset = history.offsetOf(record)
        if (offset >= 0) this.frontiers[history.keyOf(history.valueOf(record))]?.add(history.completedAt(op), offset)
      }
    }
  }

  private judgeProcess(process: number, findings: Findings): void {
    const { history } = this
    const { reportsRebalances } = history.declarationOf(process)
    const follows = new Map<number, Following>()
    let measuresAll = true
    let drainEnd = -Infinity
    for (const op of this.reading.operationsOf(process)) {
      const kind = history.kindOf(op)
      const { keys = [] } = history.detailsOf(op)
      if (kind === 'drain') drainEnd = Math.max(drainEnd, history.completedAt(op))
      else if (kind === 'crash' || kind === 'seek') follows.clear()
      else if (history.outcomeOf(op) === 'fail') continue
      else if (kind === 'rebalance') for (const key of keys) follows.delete(history.keyNumber(key))
      else if (kind === 'assign' || kind === 'subscribe') {
        measuresAll = kind === 'assign' || reportsRebalances
        this.follow(follows, kind === 'assign' ? keys : [], op)
      } else if ((kind === 'poll' || kind === 'txn') && history.outcomeOf(op) === 'ok' && history.invokedAt(op) > drainEnd)
        this.takePolls(op, follows, measuresAll, findings)
    }
  }

  private follow(follows: Map<number, Following>, keys: readonly string[], op: OperationId): void {
    const numbers = new Set(keys.map((key) => this.history.keyNumber(key)))
    for (const key of [...follows.keys()]) if (!numbers.has(key)) follows.delete(key)
    for (const key of numbers)
      if (key !== none && !follows.has(key)) follows.set(key, { offset: none, since: this.history.completedAt(op) })
  }

  private takePolls(op: OperationId, follows: Map<number, Following>, measuresAll: boolean, findings: Findings): void {
    const { history } = this
    const given = new Set<number>()
    for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
      if (!history.isPolled(record)) continue
      const key = history.keyOf(history.valueOf(record))
      given.add(key)
      const before = follows.get(key)
      const offset = Math.max(before?.offset ?? none, history.offsetOf(record))
      if (before === undefined) follows.set(key, { offset, since: history.completedAt(op) })
      else before.offset = offset
    }
    for (const [key, following] of follows) if (measuresAll || given.has(key)) this.measure(op, key, following, findings)
  }

  private measure(op: OperationId, key: number, { offset, since }: Following, findings: Findings): void {
    const at = this.history.invokedAt(op)
    if (at < this.from) return
    const known = this.frontiers[key]?.knownBehind(offset) ?? Infinity
    const lagMs = Math.max(0, at - Math.max(known, since, this.from))
    const process = this.history.processName(this.history.processOf(op))
    if (lagMs > (this.worst?.lagMs ?? 0)) this.worst = { lagMs, process, key: this.history.keyName(key), at }
    if (lagMs <= this.lagMsMax) return
    findings.error('realtime-lag', () => ({
      kind: 'realtime-lag',
      key: this.history.keyName(key),
      process,
      operation: this.history.operation(op),
      lagMs,
      lagMsMax: this.lagMsMax,
    }))
  }
}
