import type { Ports, Timer } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'

const lookEveryMs: Millis = 250

/** Tells when a thread's event loop stood still for longer than `gapMsMax`: a stopped process, a starved machine, or work that is too long. */
export function watchLoop(ports: Pick<Ports, 'clock' | 'log'>, thread: string, gapMsMax: Millis): { stop(): void } {
  let expected = ports.clock.mono() + lookEveryMs
  let timer: Timer
  const look = (): void => {
    const now = ports.clock.mono()
    const gap = now - expected
    if (gap > gapMsMax) {
      ports.log.write('warn', 'event-loop-gap', `The ${thread} thread stood still for ${Math.round(gap)} ms.`, {
        thread,
        gapMs: Math.round(gap),
      })
    }
    expected = now + lookEveryMs
    timer = ports.clock.after(lookEveryMs, look)
  }
  timer = ports.clock.after(lookEveryMs, look)
  return { stop: () => timer.cancel() }
}
