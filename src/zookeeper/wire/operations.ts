import type { CreateMode } from '../zookeeper.ts'
import { type JuteReader, type JuteWriter, malformed } from './jute.ts'
import { type Acl, readAcl, readMode, readStat, type Stat, writeAcl, writeMode, writeStat } from './records.ts'

/** What can stand by itself or in a multi. */
export type Operation =
  | {
      readonly op: 'create'
      readonly path: string
      readonly data: Buffer
      readonly acl: readonly Acl[]
      readonly mode: CreateMode
      /** create2, whose answer has the node's stat; create has none. */
      readonly withStat: boolean
    }
  | { readonly op: 'set'; readonly path: string; readonly data: Buffer; readonly version: number }
  | { readonly op: 'delete'; readonly path: string; readonly version: number }
  | { readonly op: 'check'; readonly path: string; readonly version: number }

export type OperationResult =
  | { readonly op: 'create'; readonly path: string; readonly stat: Stat | null }
  | { readonly op: 'set'; readonly stat: Stat }
  | { readonly op: 'delete' }
  | { readonly op: 'check' }

/** In the answer of a multi that failed each operation has an error: 0 before the one that was refused, RUNTIME_INCONSISTENCY after it. */
export type MultiResult = OperationResult | { readonly op: 'error'; readonly error: number }

/** org.apache.zookeeper.ZooDefs.OpCode */
const types = { create: 1, delete: 2, set: 5, check: 13, create2: 15, error: -1 } as const

export function typeOf(operation: Operation): number {
  return operation.op === 'create' && operation.withStat ? types.create2 : types[operation.op]
}

export function writeOperation(to: JuteWriter, operation: Operation): void {
  to.text(operation.path)
  if (operation.op === 'create' || operation.op === 'set') to.buffer(operation.data)
  if (operation.op === 'create') {
    to.vector(operation.acl, (acl) => writeAcl(to, acl))
    writeMode(to, operation.mode)
  } else to.int(operation.version)
}

/** Null: not an operation of these. */
export function readOperation(type: number, from: JuteReader): Operation | null {
  switch (type) {
    case types.create:
    case types.create2:
      return {
        op: 'create',
        path: from.text(),
        data: from.buffer() ?? Buffer.alloc(0),
        acl: from.vector(() => readAcl(from)),
        mode: readMode(from),
        withStat: type === types.create2,
      }
    case types.set:
      return { op: 'set', path: from.text(), data: from.buffer() ?? Buffer.alloc(0), version: from.int() }
    case types.delete:
      return { op: 'delete', path: from.text(), version: from.int() }
    case types.check:
      return { op: 'check', path: from.text(), version: from.int() }
    default:
      return null
  }
}

/** The answer of one operation by itself; a create's has a stat when there is one. */
export function writeResult(to: JuteWriter, result: OperationResult): void {
  if (result.op === 'create') to.text(result.path)
  if ((result.op === 'create' || result.op === 'set') && result.stat !== null) writeStat(to, result.stat)
}

export function readResult(type: number, from: JuteReader): OperationResult {
  switch (type) {
    case types.create:
      return { op: 'create', path: from.text(), stat: null }
    case types.create2:
      return { op: 'create', path: from.text(), stat: readStat(from) }
    case types.set:
      return { op: 'set', stat: readStat(from) }
    case types.delete:
      return { op: 'delete' }
    case types.check:
      return { op: 'check' }
    default:
      throw malformed()
  }
}

/** org.apache.zookeeper.proto.MultiHeader */
function writeMultiHeader(to: JuteWriter, type: number, isDone: boolean, error: number): void {
  to.int(type).bool(isDone).int(error)
}

function readMultiHeader(from: JuteReader): { readonly type: number; readonly isDone: boolean } {
  const type = from.int()
  const isDone = from.bool()
  from.int()
  return { type, isDone }
}

export function writeOperations(to: JuteWriter, operations: readonly Operation[]): void {
  for (const operation of operations) {
    writeMultiHeader(to, typeOf(operation), false, -1)
    writeOperation(to, operation)
  }
  writeMultiHeader(to, -1, true, -1)
}

export function readOperations(from: JuteReader): Operation[] {
  const operations: Operation[] = []
  for (let header = readMultiHeader(from); !header.isDone; header = readMultiHeader(from)) {
    const operation = readOperation(header.type, from)
    if (operation === null) throw malformed()
    operations.push(operation)
  }
  return operations
}

function resultTypeOf(result: MultiResult): number {
  return result.op === 'create' && result.stat !== null ? types.create2 : types[result.op]
}

export function writeResults(to: JuteWriter, results: readonly MultiResult[]): void {
  for (const result of results) {
    writeMultiHeader(to, resultTypeOf(result), false, result.op === 'error' ? result.error : 0)
    if (result.op === 'error') to.int(result.error)
    else writeResult(to, result)
  }
  writeMultiHeader(to, -1, true, -1)
}

export function readResults(from: JuteReader): MultiResult[] {
  const results: MultiResult[] = []
  for (let header = readMultiHeader(from); !header.isDone; header = readMultiHeader(from))
    results.push(header.type === types.error ? { op: 'error', error: from.int() } : readResult(header.type, from))
  return results
}
