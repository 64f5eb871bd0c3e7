import type { Anomaly, AnomalyKind } from './anomaly.ts'
import { judgeCopy } from './rules/copy-rule.ts'
import { judgeCycles } from './rules/cycle-rules.ts'
import { LastDrain, judgeTornTransactions, judgeUnseen } from './rules/drain-rules.ts'
import { Findings } from './findings.ts'
import { judgeGroups } from './rules/group-rules.ts'
import type { History } from './history.ts'
import type { JudgeOptions, RealtimeLag } from './judge-options.ts'
import { LagRule } from './rules/lag-rule.ts'
import { judgeDuplicates, judgeLostWrites, judgeOffsets } from './rules/log-rules.ts'
import { judgeListedOffsets, judgeMoney } from './rules/offset-rules.ts'
import { judgeOrder } from './rules/order-rules.ts'
import { judgeReads } from './rules/read-rules.ts'
import { Reading } from './reading.ts'

const toldMaxDefault = 8

export interface Verdict {
  /** What must not be. */
  readonly errors: readonly Anomaly[]
  /** What a weaker promise of the client allows for, and a stronger one would not. */
  readonly allowed: readonly Anomaly[]
  /** All of each kind, also those that are not told. */
  readonly errorCounts: ReadonlyMap<AnomalyKind, number>
  readonly allowedCounts: ReadonlyMap<AnomalyKind, number>
  /** Rules of which nothing could be said, and why. */
  readonly unjudged: readonly string[]
  readonly worstRealtimeLag: RealtimeLag | null
  readonly operations: number
  readonly records: number
}

/** What must not be in the history; empty for a good one. */
export function judge(history: History, options: JudgeOptions = {}): readonly Anomaly[] {
  return examine(history, options).errors
}

/** All that can be said of a history. */
export function examine(history: History, options: JudgeOptions = {}): Verdict {
  const reading = new Reading(history, options.expiring ?? [])
  const findings = new Findings(options.toldMax ?? toldMaxDefault)
  judgeOffsets(reading, findings)
  judgeDuplicates(reading, findings)
  judgeReads(reading, findings)
  judgeOrder(reading, findings)
  judgeCycles(reading, findings)
  judgeEnd(reading, options, findings)
  judgeMoney(reading, findings)
  judgeListedOffsets(reading, findings)
  judgeGroups(reading, findings)
  const lag = new LagRule(reading, options.realtimeLagFrom ?? -Infinity, options.realtimeLagMsMax ?? Infinity)
  lag.judge(findings)
  const { errors, allowed, errorCounts, allowedCounts, unjudged } = findings
  const { size: operations, recordCount: records } = history
  return { errors, allowed, errorCounts, allowedCounts, unjudged, worstRealtimeLag: lag.worst, operations, records }
}

/** What takes a last look at everything. */
function judgeEnd(reading: Reading, options: JudgeOptions, findings: Findings): void {
  const last = new LastDrain(reading)
  if (last.isEmpty) findings.unjudged.push('H-4 and H-12: nothing was drained at the end')
  const lost = judgeLostWrites(reading, findings)
  const torn = judgeTornTransactions(reading, last, findings)
  judgeUnseen(reading, last, [lost, torn], findings)
  for (const copy of options.copies ?? []) judgeCopy(reading, last, copy, findings)
}
