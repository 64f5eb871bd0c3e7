import { type Network, NetworkError } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'

/**
 * Whether anything listens at an address. 'refused' is positive proof from the host's kernel that nothing does (ECONNREFUSED);
 * 'unknown' proves nothing: a lost packet, a frozen host, no route.
 */
export type Probe = 'listening' | 'refused' | 'unknown'

/** Dials and hangs up. Never rejects. */
export async function probe(network: Network, host: string, port: number, timeoutMs: Millis): Promise<Probe> {
  try {
    const connection = await network.dial(host, port, { timeoutMs })
    connection.start({ onData: () => {}, onDrain: () => {}, onClose: () => {} })
    connection.destroy()
    return 'listening'
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    return error.code === 'ECONNREFUSED' ? 'refused' : 'unknown'
  }
}
