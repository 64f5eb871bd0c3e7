import { randomFillSync, randomUUID } from 'node:crypto'
import type { Entropy } from '../base/ports.ts'
import type { Uuid } from '../base/units.ts'

/** The operating system's randomness. */
export class SystemEntropy implements Entropy {
  private readonly pool = new Uint32Array(256)
  private next = this.pool.length

  uint32(): number {
    if (this.next === this.pool.length) {
      randomFillSync(this.pool)
      this.next = 0
    }
    const value = this.pool[this.next] ?? 0
    this.next += 1
    return value
  }

  /** A version 4 UUID in Kafka's text form, none that starts with '-', which command lines take for an option (Uuid.randomUuid). */
  uuid(): Uuid {
    for (;;) {
      const text = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
      if (!text.startsWith('-')) return text
    }
  }
}
