import { exitCodes } from './exit-codes.ts'
import { failureOf } from './failures.ts'
import { type LogLines, logLinesFromEnvironment } from './log-lines.ts'
import { NodeRun } from './node-run.ts'
import { loadServerConfig } from './server-properties.ts'

/**
 * Runs one node by its `server.properties` until it is told to stop; `overrides` are `name=value` and go before the file. Never returns before
 * the process ends, whose exit status is one of `exitCodes`.
 *
 * SIGTERM, SIGINT and SIGHUP stop it in order (a second one at once), as does the end of the parent that asked for events. Whatever nobody
 * caught ends the process loudly: all that was acknowledged is with the operating system by then.
 */
export async function runServer(propertiesPath: string, overrides: readonly string[]): Promise<void> {
  const log = logLinesFromEnvironment()
  process.on('uncaughtException', (error) => fail(log, error))
  process.on('unhandledRejection', (error) => fail(log, error))
  try {
    const config = loadServerConfig(propertiesPath, overrides, log)
    const run = new NodeRun(log, config, propertiesPath, (error) => fail(log, error))
    takeSignals(log, run)
    await run.start()
    log.write('info', 'node-started', `Node ${config.nodeId} serves as ${config.processRoles.join(' and ')}.`, {
      nodeId: config.nodeId,
      sinceProcessStartMs: Math.round(performance.now()),
    })
  } catch (error) {
    fail(log, error)
  }
  await new Promise<never>(() => {})
}

function fail(log: LogLines, error: unknown): never {
  const { exitCode, message } = failureOf(error)
  log.write('error', exitCode === exitCodes.failed ? 'node-failed' : 'node-cannot-start', message, { exitCode })
  process.exit(exitCode)
}

function takeSignals(log: LogLines, run: NodeRun): void {
  let asked = false
  const stop = (why: string): void => {
    if (asked) {
      log.write('warn', 'node-stopped', `Stopped at once (${why}).`)
      process.exit(exitCodes.failed)
    }
    asked = true
    log.write('info', 'node-stopping', `Stopping in order (${why}); the same again stops at once.`)
    void run.stop().then((orderly) => {
      if (orderly) log.write('info', 'node-stopped', 'Stopped in order.')
      else log.write('error', 'node-stopped', 'The orderly stop took too long and was broken off.')
      process.exit(orderly ? exitCodes.ok : exitCodes.failed)
    })
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal))
  if (process.env['ODRADEK_EVENTS'] === 'ipc' && process.connected) process.once('disconnect', () => stop('the parent process has gone'))
}
