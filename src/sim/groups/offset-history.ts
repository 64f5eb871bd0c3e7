import type { Millis, Offset } from '../../base/units.ts'
import { type RegisterOp, type RegisterValue, whyNotLinearizable } from './register.ts'
import type { PartitionKey } from './shadow.ts'
import { hold } from './violation.ts'

interface Op {
  readonly kind: 'read' | 'write'
  readonly value: RegisterValue
  readonly start: Millis
  end: Millis
  /** Certain not to have happened. */
  failed: boolean
}

/** One operation while its outcome is awaited. */
export interface PendingOp {
  readonly op: Op
}

function shown({ kind, value, start, end }: RegisterOp): string {
  return `${kind} ${value ?? 'none'} from ${start.toFixed(0)} to ${end === Infinity ? 'unknown' : end.toFixed(0)}`
}

/**
 * What clients asked and were told of committed offsets: each (group, partition) is a register (G-2), whose values are written once each. Every copy of
 * a commit is an operation of its own; deletions are writes of none, which are seen in the log.
 *
 * A deposed coordinator that has not heard of it yet answers reads from what it knew: such a read counts as asked for when it was deposed, if it was
 * asked later. It may be old, as in Kafka, but by no more than that; nothing is ever committed by one.
 */
export class OffsetHistory {
  private readonly ops = new Map<string, Op[]>()
  private readonly acked = new Map<string, Offset>()
  private readonly everDeleted = new Set<string>()

  private opsOf(groupId: string, partition: PartitionKey): Op[] {
    const key = `${groupId} ${partition}`
    let ops = this.ops.get(key)
    if (ops === undefined) this.ops.set(key, (ops = []))
    return ops
  }

  write(groupId: string, partition: PartitionKey, offset: Offset, now: Millis): PendingOp {
    const op: Op = { kind: 'write', value: offset, start: now, end: Infinity, failed: false }
    this.opsOf(groupId, partition).push(op)
    return { op }
  }

  acknowledged({ op }: PendingOp, groupId: string, partition: PartitionKey, now: Millis): void {
    op.end = now
    if (op.value !== null) this.acked.set(`${groupId} ${partition}`, op.value)
  }

  failed({ op }: PendingOp): void {
    op.failed = true
  }

  /** Seen in the log: the offset is gone. `committed` when that stands. */
  deleted(groupId: string, partition: PartitionKey, now: Millis): PendingOp {
    this.everDeleted.add(`${groupId} ${partition}`)
    const op: Op = { kind: 'write', value: null, start: now, end: Infinity, failed: false }
    this.opsOf(groupId, partition).push(op)
    return { op }
  }

  /** Whether a read that begins now must not say that there is no offset (G-3). */
  mustBeThere(groupId: string, partition: PartitionKey): boolean {
    const key = `${groupId} ${partition}`
    return this.acked.has(key) && !this.everDeleted.has(key)
  }

  read(groupId: string, partition: PartitionKey, value: RegisterValue, start: Millis, end: Millis): void {
    this.opsOf(groupId, partition).push({ kind: 'read', value, start, end, failed: false })
  }

  get size(): number {
    let size = 0
    for (const ops of this.ops.values()) size += ops.length
    return size
  }

  /** @throws Violation */
  judge(): void {
    for (const [key, ops] of this.ops) {
      const history = ops.filter(({ failed }) => !failed)
      const stuck = whyNotLinearizable(history, null)
      hold(stuck === null, 'G-2', () => {
        const around = history.filter(({ start, end }) => stuck !== null && start <= stuck.end + 500 && end >= stuck.start - 2000)
        return `${key} is no register: ${stuck === null ? '' : shown(stuck)}; around it: ${around.map(shown).join('; ')}`
      })
    }
  }
}
