import type { Ports } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { LogConfig } from '../log/log-config.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import { reportFailed } from './directories.ts'

/** While logs are opened for longer than this, it is said how far it has come. */
const progressEveryMs: Millis = 1000

/**
 * Opens all logs of all directories, the directories at the same time. Rejects with DiskError when a directory cannot be used.
 *
 * To be called when the metadata has been caught up with (as Kafka's LogManager.startup): a log that is opened under another configuration than its topic's
 * is not only retained or rolled wrongly; its recovery would take a gap that compaction made for the end of the log.
 */
export async function loadLogs(
  { clock, log }: Pick<Ports, 'clock' | 'log'>,
  directories: readonly LogDirectory[],
  configOf: (topic: string) => LogConfig,
): Promise<void> {
  const started = clock.mono()
  let told = started
  const onOpened = (path: string) => (done: number, all: number) => {
    const now = clock.mono()
    if (done === all || now - told < progressEveryMs) return
    told = now
    log.write('info', 'logs-loading', `${path}: ${done} of ${all} logs are open after ${Math.round(now - started)} ms`, { done, all })
  }
  await Promise.all(
    directories.map(async (directory) => reportFailed(log, (await directory.openAll(configOf, onOpened(directory.path))).failed)),
  )
  const ms = Math.round(clock.mono() - started)
  const count = directories.reduce((sum, directory) => sum + directory.logs.size, 0)
  log.write('info', 'logs-loaded', `${count} logs are open after ${ms} ms`, { logs: count, ms })
}
