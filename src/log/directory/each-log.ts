import type { LogPorts } from '../options.ts'
import type { PartitionLog } from '../partition-log.ts'
import { logsPerTurn, nextTurn } from './opening-logs.ts'

type IsOpen = (log: PartitionLog) => boolean

/** Flushes what rolls left unsynced. Rejects with DiskError; the directory is then offline. */
export async function flushRolledOf(logs: readonly PartitionLog[], isOpen: IsOpen): Promise<void> {
  for (const log of logs) {
    if (!isOpen(log) || log.activeBaseOffset <= log.recoveryPoint) continue
    await log.flushRolled().catch((error: unknown) => {
      if (isOpen(log)) throw error
    })
  }
}

/** Throws DiskError. */
export async function saveEpochsOf(ports: LogPorts, logs: readonly PartitionLog[], isOpen: IsOpen): Promise<void> {
  for (const [i, log] of logs.entries()) {
    if (isOpen(log)) log.saveEpochs()
    if (i % logsPerTurn === logsPerTurn - 1) await nextTurn(ports)
  }
}
