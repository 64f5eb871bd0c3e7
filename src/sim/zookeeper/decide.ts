import type { Timestamp } from '../../base/units.ts'
import { pathProblem } from '../../zookeeper/connect-string.ts'
import type { Answer } from '../../zookeeper/wire/answers.ts'
import { numberOf, RUNTIME_INCONSISTENCY } from '../../zookeeper/wire/errors.ts'
import type { MultiResult, Operation, OperationResult } from '../../zookeeper/wire/operations.ts'
import type { ZooKeeperErrorCode } from '../../zookeeper/zookeeper.ts'
import { type Identity, may, settledAcl } from './rights.ts'
import { type Effect, type Leaf, parentOf, type Tree } from './tree.ts'

/** Of whom, and when. */
export interface Asker {
  readonly session: bigint
  readonly identities: readonly Identity[]
  readonly zxid: bigint
  readonly time: Timestamp
}

export interface Decision {
  readonly effects: readonly Effect[]
  /** 0, or the number of the error; then nothing is done, and there is an answer for a multi only. */
  readonly error: number
  readonly answer: Answer | null
}

/** Thrown and caught in here. */
class Refusal extends Error {
  readonly code: ZooKeeperErrorCode
  constructor(code: ZooKeeperErrorCode) {
    super(code)
    this.code = code
  }
}

/** What the leader makes of one operation, carried out on its tree (org.apache.zookeeper.server.PrepRequestProcessor). */
export function decideOne(tree: Tree, operation: Operation, asker: Asker): Decision {
  const effects: Effect[] = []
  try {
    return { effects, error: 0, answer: carryOut(tree, operation, asker, effects) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { effects: [], error: numberOf(error.code), answer: null }
  }
}

/** All or nothing. */
export function decideAll(tree: Tree, operations: readonly Operation[], asker: Asker): Decision {
  const results: MultiResult[] = []
  const effects: Effect[] = []
  let refused = -1
  tree.attempt(() => {
    for (const [at, operation] of operations.entries()) {
      const decision = decideOne(tree, operation, asker)
      if (decision.error !== 0) {
        refused = at
        results.push({ op: 'error', error: decision.error })
        return false
      }
      effects.push(...decision.effects)
      if (decision.answer !== null && 'op' in decision.answer) results.push(resultOf(decision.answer))
    }
    return true
  })
  if (refused === -1) return { effects, error: 0, answer: { op: 'multi', results } }
  const failed = operations.map((_, at): MultiResult => {
    const own = results[at]
    return at === refused && own !== undefined ? own : { op: 'error', error: at < refused ? 0 : RUNTIME_INCONSISTENCY }
  })
  return { effects: [], error: 0, answer: { op: 'multi', results: failed } }
}

function resultOf(answer: Answer): OperationResult {
  if (answer.op === 'create' || answer.op === 'set' || answer.op === 'delete' || answer.op === 'check') return answer
  throw new RangeError(`${answer.op} in a multi`)
}

function carryOut(tree: Tree, operation: Operation, asker: Asker, effects: Effect[]): OperationResult {
  const run = (effect: Effect): void => {
    effects.push(effect)
    tree.apply(effect, asker.zxid, asker.time)
  }
  switch (operation.op) {
    case 'create':
      return create(tree, operation, asker, run)
    case 'set':
      checkNode(tree, operation, asker, 'write')
      run({ type: 'set', path: operation.path, data: operation.data })
      return { op: 'set', stat: tree.statOf(operation.path) }
    case 'check':
      checkNode(tree, operation, asker, 'read')
      return { op: 'check' }
    case 'delete':
      checkDelete(tree, operation, asker)
      run({ type: 'delete', path: operation.path })
      return { op: 'delete' }
  }
}

function create(tree: Tree, operation: Operation & { op: 'create' }, asker: Asker, run: (effect: Effect) => void): OperationResult {
  const isSequential = operation.mode.endsWith('Sequential')
  if (pathProblem(operation.path + (isSequential ? '1' : '')) !== null || operation.path === '/')
    throw new Refusal(operation.path === '/' ? 'nodeExists' : 'badArguments')
  const acl = settledAcl(operation.acl, asker.identities)
  if (acl === null) throw new Refusal('invalidAcl')
  const parent = nodeAt(tree, parentOf(operation.path))
  if (!may(asker.identities, 'create', parent.acl)) throw new Refusal('noAuth')
  const path = isSequential ? operation.path + `${parent.made}`.padStart(10, '0') : operation.path
  if (tree.get(path) !== undefined) throw new Refusal('nodeExists')
  if (parent.owner !== 0n) throw new Refusal('noChildrenForEphemerals')
  const owner = operation.mode.startsWith('ephemeral') ? asker.session : 0n
  run({ type: 'create', path, data: Buffer.from(operation.data), acl, owner })
  return { op: 'create', path, stat: operation.withStat ? tree.statOf(path) : null }
}

function checkDelete(tree: Tree, { path, version }: { readonly path: string; readonly version: number }, asker: Asker): void {
  if (path === '/') throw new Refusal('badArguments')
  const node = nodeAt(tree, path)
  if (!may(asker.identities, 'delete', nodeAt(tree, parentOf(path)).acl)) throw new Refusal('noAuth')
  if (version !== -1 && version !== node.version) throw new Refusal('badVersion')
  if (tree.childrenOf(path).length > 0) throw new Refusal('notEmpty')
}

function checkNode(
  tree: Tree,
  { path, version }: { readonly path: string; readonly version: number },
  asker: Asker,
  permission: 'read' | 'write',
): void {
  const node = nodeAt(tree, path)
  if (!may(asker.identities, permission, node.acl)) throw new Refusal('noAuth')
  if (version !== -1 && version !== node.version) throw new Refusal('badVersion')
}

function nodeAt(tree: Tree, path: string): Leaf {
  const node = tree.get(path)
  if (node === undefined) throw new Refusal(pathProblem(path) === null ? 'noNode' : 'badArguments')
  return node
}
