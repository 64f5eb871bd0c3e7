import type { Log, Ports } from '../base/ports.ts'
import { SystemClock } from './clock.ts'
import { SystemDisk } from './disk.ts'
import { SystemEntropy } from './entropy.ts'
import { SystemNetwork } from './network.ts'

export interface SystemPorts extends Ports {
  readonly disk: SystemDisk
}

/** The operating system. Each thread has ports of its own. `backlog`: connections that the system keeps waiting for each listener. */
export function systemPorts(log: Log, backlog?: number): SystemPorts {
  return { clock: new SystemClock(), entropy: new SystemEntropy(), disk: new SystemDisk(), network: new SystemNetwork(log, backlog), log }
}
