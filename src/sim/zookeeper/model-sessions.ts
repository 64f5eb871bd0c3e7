import type { Prng } from '../../base/prng.ts'
import type { Millis } from '../../base/units.ts'
import { passwordBytes } from '../../zookeeper/wire/handshake.ts'

interface SessionRecord {
  readonly password: Buffer
  readonly timeoutMs: Millis
  /** The server where it is; -1 when a new leader has not heard of it yet. */
  owner: number
  expiresAt: Millis
  isClosing: boolean
}

/** The sessions, as the leader keeps them (org.apache.zookeeper.server.SessionTrackerImpl). */
export class ModelSessions {
  private readonly records = new Map<bigint, SessionRecord>()
  private readonly tickMs: Millis
  private readonly prng: Prng
  private made = 0n

  constructor(tickMs: Millis, prng: Prng) {
    this.tickMs = tickMs
    this.prng = prng
  }

  get ids(): readonly bigint[] {
    return [...this.records.keys()]
  }

  create(at: number, timeoutMs: Millis, now: Millis): bigint {
    this.made += 1n
    const id = (BigInt(at + 1) << 56n) | (BigInt(this.prng.uint32()) << 16n) | this.made
    const password = Buffer.alloc(passwordBytes)
    for (let from = 0; from < passwordBytes; from += 4) password.writeUInt32BE(this.prng.uint32(), from)
    this.records.set(id, { password, timeoutMs, owner: at, expiresAt: this.roundUp(now + timeoutMs), isClosing: false })
    return id
  }

  close(id: bigint): void {
    this.records.delete(id)
  }

  passwordOf(id: bigint): Buffer {
    return this.records.get(id)?.password ?? Buffer.alloc(passwordBytes)
  }

  touch(id: bigint, now: Millis): void {
    const record = this.records.get(id)
    if (record !== undefined && !record.isClosing) record.expiresAt = Math.max(record.expiresAt, this.roundUp(now + record.timeoutMs))
  }

  /** The session is at that server from now on. Its timeout; 0 when there is no such session. */
  move(id: bigint, password: Buffer, at: number, now: Millis): Millis {
    const record = this.records.get(id)
    if (record === undefined || record.isClosing || !record.password.equals(password)) return 0
    record.owner = at
    this.touch(id, now)
    return record.timeoutMs
  }

  /** Whether a request of this session may come from there. */
  check(id: bigint, at: number): 'ok' | 'sessionExpired' | 'sessionMoved' {
    const record = this.records.get(id)
    if (record === undefined) return 'sessionExpired'
    if (record.owner === -1) record.owner = at
    return record.owner === at ? 'ok' : 'sessionMoved'
  }

  /** A new leader gives all of them their time anew, as it does not know when they were last heard of. */
  startAnew(now: Millis): void {
    for (const record of this.records.values()) {
      record.owner = -1
      record.isClosing = false
      record.expiresAt = this.roundUp(now + record.timeoutMs)
    }
  }

  /** Those that have to be closed now; each is given once. */
  takeExpired(now: Millis): readonly bigint[] {
    const expired = [...this.records].filter(([, it]) => it.expiresAt <= now && !it.isClosing)
    for (const [, record] of expired) record.isClosing = true
    return expired.map(([id]) => id)
  }

  /** Expiry is looked at in ticks. */
  private roundUp(time: Millis): Millis {
    return (Math.floor(time / this.tickMs) + 1) * this.tickMs
  }
}
