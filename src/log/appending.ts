import { assert } from '../base/assert.ts'
import type { Epoch, Offset, Timestamp } from '../base/units.ts'
import type { AppendPlan } from './append.ts'
import { planFollowerAppend, planLeaderAppend, stamp } from './append.ts'
import { producerAppendOf } from './producers/end-marker.ts'
import type { LogState } from './log-state.ts'
import type { AppendOutcome, FollowerOutcome } from './outcomes.ts'
import { relativeOffsetMax, Segment } from './segments/segment.ts'

export function appendAsLeader(log: LogState, records: Buffer, leaderEpoch: Epoch, now: Timestamp): AppendOutcome {
  assert(leaderEpoch >= log.epochs.latestEpoch, `append under epoch ${leaderEpoch} after ${log.epochs.latestEpoch}`)
  const baseOffset = log.end
  const append = { records, leaderEpoch, now, logEndOffset: baseOffset, config: log.config }
  const plan = planLeaderAppend(append, log.producers)
  if (plan.kind !== 'plan') return plan
  commit(log, records, stamp(append, plan), now)
  const logAppendTime = log.config.timestampType === 'LogAppendTime' ? now : -1
  return { kind: 'appended', baseOffset, lastOffset: log.end - 1, logAppendTime, bytes: plan.bytes, recordCount: plan.recordCount }
}

export function appendAsFollower(log: LogState, records: Buffer, maxEpoch: Epoch, now: Timestamp): FollowerOutcome {
  const plan = planFollowerAppend(records, log.end, maxEpoch)
  if (plan.kind === 'refused') return plan
  if (plan.batches.length > 0) commit(log, plan.bytes === records.length ? records : records.subarray(0, plan.bytes), plan, now)
  return {
    kind: 'appended',
    batches: plan.batches.length,
    bytes: plan.bytes,
    baseOffset: plan.batches[0]?.baseOffset ?? log.end,
    lastOffset: log.end - 1,
    maxTimestamp: greatestTimestamp(plan),
    skippedBatches: plan.skippedBatches,
  }
}

/** The bytes first; only when they are written does anything else change. Throws DiskError, UndoError. */
function commit(log: LogState, records: Buffer, plan: AppendPlan, now: Timestamp): void {
  const first = plan.batches[0]
  const last = plan.batches.at(-1)
  assert(first !== undefined && last !== undefined && first.baseOffset >= log.end, 'an append goes to the end')
  if (log.active.shouldRoll(log.config, records.length, greatestTimestamp(plan), last.lastOffset, now)) {
    // Segments adjoin even where compaction left a gap between batches: recovery can then tell a lost end of a segment from such a gap.
    const tooFar = last.lastOffset - log.end > relativeOffsetMax
    roll(log, tooFar ? first.baseOffset : log.end, now)
  }
  if (log.active.size === 0) log.namesUnsynced = true
  log.active.append(records, plan.batches, log.config)
  log.tail.push(log.end, first.baseOffset, last.lastOffset, records)
  log.end = last.lastOffset + 1
  let at = 0
  for (const batch of plan.batches) {
    log.epochs.assign(batch.leaderEpoch, batch.baseOffset)
    const append = producerAppendOf(batch, batch.isControl ? records.subarray(at, at + batch.sizeBytes) : null)
    if (append !== null) log.producers.apply(append)
    at += batch.sizeBytes
  }
}

function greatestTimestamp(plan: AppendPlan): Timestamp {
  let greatest = -1
  for (const batch of plan.batches) if (batch.maxTimestamp > greatest) greatest = batch.maxTimestamp
  return greatest
}

/** Closes the active segment and opens one at `baseOffset`. Throws DiskError; the old one is then still the active one. */
export function roll(log: LogState, baseOffset: Offset, now: Timestamp): void {
  const { active, ports, options } = log
  assert(baseOffset >= log.end, 'a segment begins at the end of the log')
  if (active.size === 0) {
    replaceEmpty(log, active, baseOffset, now)
    return
  }
  active.finishIndexes()
  log.snapshots.write(baseOffset, log.producers.list())
  log.saveEpochs()
  log.segments.push(Segment.create(options.shared.files, options.directory, baseOffset, now, true))
  log.namesUnsynced = true
  ports.log.write('debug', 'log-rolled', `${options.directory}: new segment at ${baseOffset}`, { offset: baseOffset })
}

/** An empty segment whose base is too far below what comes next (or which is due) makes room for another. */
function replaceEmpty(log: LogState, active: Segment, baseOffset: Offset, now: Timestamp): void {
  if (active.baseOffset === baseOffset) return
  const replacement = Segment.create(log.options.shared.files, log.directory, baseOffset, now, true)
  active.remove(log.ports.disk)
  log.segments[log.segments.length - 1] = replacement
  log.namesUnsynced = true
}
