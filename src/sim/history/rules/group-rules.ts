import type { Offset } from '../../../base/units.ts'
import { type RegisterOp, whyNotLinearizable } from '../../groups/register.ts'
import type { Findings } from '../findings.ts'
import { type History, none } from '../history.ts'
import type { Key, OperationId } from '../operation.ts'
import type { Reading } from '../reading.ts'

/** A register with more operations than this is not judged: the search takes a time that grows with their square. */
const registerOpsMax = 10_000

/** What was said of one group's offset in one partition. */
interface Committed {
  readonly group: string
  readonly key: Key
  readonly register: RegisterOp[]
  readonly operations: OperationId[]
  /** Acknowledged, the farthest. */
  highest: Offset
  highestBy: OperationId
}

export function judgeGroups(reading: Reading, findings: Findings): void {
  const committed = findCommitted(reading.history)
  judgeOwners(reading.history, findings)
  for (const one of committed) judgeRegister(reading.history, one, findings)
  judgeGroupSkips(reading, committed, findings)
}

function isCommit(history: History, op: OperationId): boolean {
  const kind = history.kindOf(op)
  return kind === 'commit' || (kind === 'txn' && history.detailsOf(op).group !== undefined)
}

function findCommitted(history: History): readonly Committed[] {
  const found = new Map<string, Committed>()
  for (let op = 0; op < history.size; op += 1) {
    const kind = history.kindOf(op)
    if (kind !== 'commit' && kind !== 'committed' && kind !== 'txn') continue
    const { group, positions = [] } = history.detailsOf(op)
    const outcome = history.outcomeOf(op)
    if (group === undefined || outcome === 'fail' || (kind === 'committed' && outcome !== 'ok')) continue
    for (const { key, offset } of positions) {
      const name = JSON.stringify([group, key])
      let one = found.get(name)
      if (one === undefined) found.set(name, (one = { group, key, register: [], operations: [], highest: none, highestBy: none }))
      one.operations.push(op)
      one.register.push({
        kind: kind === 'committed' ? 'read' : 'write',
        value: offset < 0 ? null : offset,
        start: history.invokedAt(op),
        end: outcome === 'ok' ? history.completedAt(op) : Infinity,
      })
      if (kind === 'committed' || outcome !== 'ok' || offset <= one.highest) continue
      one.highest = offset
      one.highestBy = op
    }
  }
  return [...found.values()]
}

/** G-2, G-3: a group's offset is one copy that is written and read one operation at a time, whoever coordinates the group. */
function judgeRegister(history: History, { group, key, register, operations }: Committed, findings: Findings): void {
  const name = `commits of group ${group} for ${key}`
  if (!register.some(({ kind }) => kind === 'read')) return
  if (register.length > registerOpsMax) {
    findings.unjudged.push(`${name}: ${register.length} operations are more than ${registerOpsMax}`)
    return
  }
  try {
    const stuck = whyNotLinearizable(register, null)
    if (stuck === null) return
    const op = operations[register.indexOf(stuck)] ?? none
    findings.error('commit-register', () => ({ kind: 'commit-register', group, key, operation: history.operation(op) }))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    findings.unjudged.push(`${name}: ${error.message}`)
  }
}

/** G-1: in one generation, or member epoch, commits for a partition are acknowledged to one process. */
function judgeOwners(history: History, findings: Findings): void {
  const owners = new Map<string, OperationId>()
  for (let op = 0; op < history.size; op += 1) {
    if (!isCommit(history, op) || history.outcomeOf(op) !== 'ok') continue
    const { group = '', generation, positions = [] } = history.detailsOf(op)
    if (generation === undefined || generation < 0) continue
    for (const { key } of positions) {
      const name = JSON.stringify([group, key, generation])
      const owner = owners.get(name)
      if (owner === undefined) owners.set(name, op)
      else if (history.processOf(owner) !== history.processOf(op))
        findings.error('commit-owner', () => ({
          kind: 'commit-owner',
          group,
          key,
          generation,
          operations: [history.operation(owner), history.operation(op)],
        }))
    }
  }
}

/** What lies before an offset that a group has committed was given to one of its members; unless one of them begins at the end. */
function judgeGroupSkips(reading: Reading, committed: readonly Committed[], findings: Findings): void {
  const { history } = reading
  for (const group of new Set(committed.map((one) => one.group))) {
    const members = membersOf(history, group)
    if (members.length === 0 || members.some((process) => history.declarationOf(process).startsAt === 'latest')) continue
    const given = givenTo(reading, members)
    for (const one of committed) if (one.group === group && one.highestBy !== none) judgeGroupSkip(reading, one, given, findings)
  }
}

function membersOf(history: History, group: string): number[] {
  return Array.from({ length: history.processCount }, (_, process) => process).filter(
    (process) => history.declarationOf(process).group === group,
  )
}

function givenTo(reading: Reading, members: readonly number[]): Uint8Array {
  const { history } = reading
  const given = new Uint8Array(history.valueCount)
  for (const process of members) {
    for (const op of reading.operationsOf(process)) {
      for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record))
        if (history.isPolled(record)) given[history.valueOf(record)] = 1
    }
  }
  return given
}

function judgeGroupSkip(reading: Reading, { group, key, highest, highestBy }: Committed, given: Uint8Array, findings: Findings): void {
  const { history } = reading
  const number = history.keyNumber(key)
  if (number === none || reading.isExpiring(number)) return
  const log = reading.log(number)
  for (let position = 0; position < log.length && log.offsetAt(position) < highest; position += 1) {
    const values = log.valuesAt(position)
    const missing = values.find((value) => reading.isSure(value))
    if (missing === undefined || values.some((value) => given[value] === 1)) continue
    findings.error('group-skip', () => ({
      kind: 'group-skip',
      group,
      key,
      value: history.valueName(missing),
      offset: log.offsetAt(position),
      commit: history.operation(highestBy),
    }))
  }
}
