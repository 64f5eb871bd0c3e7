import type { Log, Ports } from '../base/ports.ts'
import { SystemClock } from './clock.ts'
import { SystemDisk } from './disk.ts'
import { SystemEntropy } from './entropy.ts'
import { SystemNetwork } from './network.ts'
import { SendBuffers } from './send-buffers.ts'

export interface SystemPorts extends Ports {
  readonly disk: SystemDisk
}

/** The operating system. Each thread has ports of its own. `backlog`: connections that the system keeps waiting for each listener. */
export function systemPorts(log: Log, backlog?: number): SystemPorts {
  const buffers = new SendBuffers()
  const network = new SystemNetwork(log, { buffers, ...(backlog === undefined ? {} : { backlog }) })
  return { clock: new SystemClock(), entropy: new SystemEntropy(), disk: new SystemDisk(buffers), network, log }
}
