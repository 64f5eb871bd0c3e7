import { type Anomaly, type CycleStep, anomalyRules } from './anomaly.ts'
import type { Verdict } from './judge.ts'
import type { HistoryRecord, Operation } from './operation.ts'

const shownMax = 8

/** The anomaly in words, with its rule, and the operations that a person has to look at. */
export function describeAnomaly(anomaly: Anomaly): string {
  return `${anomalyRules[anomaly.kind]} ${anomaly.kind}: ${sentence(anomaly)}`
}

function sentence(anomaly: Anomaly): string {
  switch (anomaly.kind) {
    case 'inconsistent-offsets':
      return `${anomaly.key} offset ${anomaly.offset} holds ${list(anomaly.values)}; ${anomaly.operations.map(operation).join('; ')}`
    case 'duplicate':
      return `${anomaly.key} has ${anomaly.value} at offsets ${list(anomaly.offsets)}, which was sent ${times(anomaly.sentTimes)}; ${operation(anomaly.writer)}`
    case 'lost-write':
      return `${anomaly.key} offset ${anomaly.offset} held ${anomaly.value} and was read by nobody, though offset ${anomaly.boundOffset} was; sent by ${operation(anomaly.writer)}; read on by ${operation(anomaly.boundReader)}`
    case 'unseen':
      return `${place(anomaly)} was ${anomaly.wasReadBefore ? 'read before and is gone' : 'never read and is not there'} at the end; sent by ${operation(anomaly.writer)}; drained by ${operation(anomaly.drain)}`
    case 'aborted-read':
      return `${place(anomaly)} was read though it failed; sent by ${operation(anomaly.writer)}; read by ${operation(anomaly.reader)}`
    case 'unwritten-read':
      return `${place(anomaly)} was read though nobody sent it; ${operation(anomaly.reader)}`
    case 'precommitted-read':
      return `${place(anomaly)} was read by the transaction that sends it; ${operation(anomaly.operation)}`
    case 'int-poll-skip':
    case 'poll-skip':
      return `after ${before(anomaly.from)} came ${place(anomaly.to)}, without ${records(anomaly.skipped, anomaly.skippedCount)}; ${anomaly.operations.map(operation).join('; ')}`
    case 'int-nonmonotonic-poll':
    case 'nonmonotonic-poll':
      return `after ${before(anomaly.from)} came ${place(anomaly.to)}; ${anomaly.operations.map(operation).join('; ')}`
    case 'int-nonmonotonic-send':
    case 'nonmonotonic-send':
      return `${place(anomaly.to)} was sent after ${before(anomaly.from)}; ${anomaly.operations.map(operation).join('; ')}`
    case 'G1c':
      return anomaly.steps.map(cycleStep).join('; ')
    case 'torn-transaction':
      return `at the end there is ${records(anomaly.seen, anomaly.seen.length)}, but not ${records(anomaly.missing, anomaly.missing.length)}; ${operation(anomaly.operation)}`
    case 'realtime-lag':
      return `${anomaly.key} lagged by ${anomaly.lagMs} ms (no more than ${anomaly.lagMsMax} ms are allowed); ${operation(anomaly.operation)}`
    case 'consume-once':
      return `copy ${anomaly.copy}: ${anomaly.value} is ${spots('in its inputs', anomaly.inputs)} and ${spots('in its outputs', anomaly.outputs)}`
    case 'copy-order':
      return `copy ${anomaly.copy}: ${place(anomaly.to)} follows ${place(anomaly.from)}, in the input it comes before`
    case 'money':
      return `balances sum up to ${anomaly.sum}, not ${anomaly.total}: ${anomaly.balances.map(({ key, amount }) => `${key} ${amount}`).join(', ')}; ${operation(anomaly.operation)}`
    case 'list-offsets':
      return `${anomaly.key} ended at ${anomaly.offset}, though it was known to reach ${anomaly.knownOffset}; listed by ${operation(anomaly.operation)}; known from ${operation(anomaly.known)}`
    case 'commit-owner':
      return `group ${anomaly.group}, ${anomaly.key}: two have committed in generation ${anomaly.generation}; ${anomaly.operations.map(operation).join('; ')}`
    case 'commit-register':
      return `group ${anomaly.group}, ${anomaly.key}: no order of commits and fetches explains what was answered; the first that fits nowhere is ${operation(anomaly.operation)}`
    case 'group-skip':
      return `group ${anomaly.group} has committed past ${place(anomaly)}, which none of its members was given; ${operation(anomaly.commit)}`
  }
}

/** `operation 12 (send by c1, ok, 3 to 5 ms)` */
function operation({ id, f, process, outcome, invokedAt, completedAt, details }: Operation): string {
  const end = completedAt === null ? 'never over' : `to ${completedAt} ms`
  return `operation ${id} (${f} by ${process}, ${outcome}${details.error === undefined ? '' : ` "${details.error}"`}, ${invokedAt} ${end})`
}

function place({ key, offset, value }: HistoryRecord): string {
  return `${value} of ${key}${offset === null ? '' : ` at ${offset}`}`
}

function before(from: HistoryRecord | null): string {
  return from === null ? 'the place that was sought' : place(from)
}

function cycleStep({ key, value, writer, reader }: CycleStep): string {
  return `${operation(reader)} has read ${value} of ${key}, which ${operation(writer)} sends`
}

function list(things: readonly (number | string)[]): string {
  return `${things.slice(0, shownMax).join(', ')}${things.length > shownMax ? ` and ${things.length - shownMax} more` : ''}`
}

function records(shown: readonly HistoryRecord[], count: number): string {
  const told = shown.slice(0, shownMax)
  return `${told.map(place).join(', ')}${count > told.length ? ` and ${count - told.length} more` : ''}`
}

function spots(where: string, found: readonly HistoryRecord[]): string {
  return found.length === 0 ? `nowhere ${where}` : `${where} ${times(found.length)} (${list(found.map(place))})`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

/** The whole verdict, a line each: what is wrong, what a weaker promise allows for, what could not be said. */
export function describeVerdict(verdict: Verdict): string[] {
  const { errors, errorCounts, allowedCounts, unjudged, worstRealtimeLag: worst } = verdict
  return [
    `${verdict.operations} operations, ${verdict.records} records: ${errors.length === 0 ? 'nothing is wrong' : counts(errorCounts)}`,
    ...errors.map(describeAnomaly),
    ...(allowedCounts.size === 0 ? [] : [`allowed for by what the clients promise: ${counts(allowedCounts)}`]),
    ...unjudged.map((what) => `not judged: ${what}`),
    worst === null ? 'no poll lagged' : `the longest lag is ${worst.lagMs} ms: ${worst.key} as ${worst.process} saw it at ${worst.at} ms`,
  ]
}

function counts(byKind: ReadonlyMap<string, number>): string {
  return [...byKind].map(([kind, count]) => `${kind} ${times(count)}`).join(', ')
}
