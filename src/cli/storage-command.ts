import { failureOf } from '../node/failures.ts'
import { logLinesFromEnvironment } from '../node/log-lines.ts'
import { systemPorts } from '../node/ports.ts'
import { loadServerConfig } from '../node/server-properties.ts'
import { describeStorage, formatStorage } from '../node/storage-format.ts'

export interface FormatFlags {
  readonly clusterId: string
  readonly config: string
  readonly ignoreFormatted: boolean
  readonly releaseVersion?: string
}

/** A new cluster id, as `kafka-storage random-uuid`. */
export function randomUuid(): void {
  process.stdout.write(`${systemPorts(logLinesFromEnvironment()).entropy.uuid()}\n`)
}

/** As `kafka-storage format`. Ends the process with a message that says what to do when it cannot. */
export function format(flags: FormatFlags): void {
  attempt(() => {
    const log = logLinesFromEnvironment()
    const config = loadServerConfig(flags.config, [], log)
    const done = formatStorage(systemPorts(log), config, flags)
    for (const { directory, what, metadataVersion } of done) {
      process.stdout.write(
        what === 'formatted'
          ? `Formatted ${directory} with metadata.version ${metadataVersion}.\n`
          : `${directory} was formatted already.\n`,
      )
    }
  })
}

export function info(configFile: string): void {
  attempt(() => {
    const log = logLinesFromEnvironment()
    const { lines, ok } = describeStorage(systemPorts(log).disk, loadServerConfig(configFile, [], log))
    process.stdout.write(`${lines.join('\n')}\n`)
    if (!ok) process.exitCode = 1
  })
}

function attempt(work: () => void): void {
  try {
    work()
  } catch (error) {
    const { exitCode, message } = failureOf(error)
    process.stderr.write(`${message}\n`)
    process.exit(exitCode)
  }
}
