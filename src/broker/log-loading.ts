import { DiskError, isOutOfSpace, type Log, type Ports } from '../base/ports.ts'
import type { Millis, Offset } from '../base/units.ts'
import type { LogConfig } from '../log/log-config.ts'
import type { LogDirectory } from '../log/log-directory.ts'

/** While logs are opened for longer than this, it is said how far it has come. */
const progressEveryMs: Millis = 1_000

/**
 * Opens what is in all directories, the directories at the same time. A directory that fails meanwhile is left out, as one that fails later, while there are
 * others. Resolves with the broker epoch under which all that is there now was there; -1 when something may have been lost since. Rejects with DiskError.
 */
export async function openAllLogs(
  { clock, log }: Pick<Ports, 'clock' | 'log'>,
  directories: readonly LogDirectory[],
  configOf: (topic: string) => LogConfig,
): Promise<Offset> {
  const started = clock.mono()
  let told = started
  const onOpened = (path: string) => (done: number, all: number) => {
    const now = clock.mono()
    if (done === all || now - told < progressEveryMs) return
    told = now
    log.write('info', 'logs-loading', `${path}: ${done} of ${all} logs are open after ${Math.round(now - started)} ms`, { done, all })
  }
  const allOpen = await Promise.all(
    directories.map((directory) => openOne(directory, directories, configOf, log, onOpened(directory.path))),
  )
  const ms = Math.round(clock.mono() - started)
  const count = directories.reduce((sum, directory) => sum + directory.logs.size, 0)
  log.write('info', 'logs-loaded', `${count} logs are open after ${ms} ms`, { logs: count, ms })
  return allOpen.every(Boolean) ? commonEpoch(directories) : -1
}

/** Whether all that was found in it is there: open, or left for a moment when there is room to open it. */
async function openOne(
  directory: LogDirectory,
  all: readonly LogDirectory[],
  configOf: (topic: string) => LogConfig,
  log: Log,
  onOpened: (done: number, all: number) => void,
): Promise<boolean> {
  try {
    const { failed } = await directory.openAll(configOf, onOpened)
    for (const { topic, partition, error } of failed) {
      log.write('error', 'partition-not-opened', `${topic}-${partition} cannot be opened and is left as it is: ${error.message}`)
    }
    return failed.every(({ error }) => isOutOfSpace(error))
  } catch (error) {
    if (!(error instanceof DiskError) || all.every((it) => it.failure !== null)) throw error
    return false
  }
}

/**
 * As in Kafka (LogManager.readBrokerEpochFromCleanShutdownFiles) all directories have to agree, and one that is new, or was replaced, does not; but of a
 * broker that was killed some may not have noted its last epoch yet.
 */
function commonEpoch(directories: readonly LogDirectory[]): Offset {
  const epochs = directories.map((it) => it.previousBrokerEpoch)
  const wasKilled = directories.every((it) => !it.cleanShutdown)
  return wasKilled || epochs.every((it) => it === epochs[0]) ? Math.min(...epochs) : -1
}
