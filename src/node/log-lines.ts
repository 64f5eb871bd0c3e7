import type { Log, LogLevel } from '../base/ports.ts'

type Fields = Readonly<Record<string, string | number | boolean | null>>

export interface LogLinesOptions {
  readonly format: 'text' | 'json'
  /** What is less than this is left out. */
  readonly level: LogLevel
  /** A parent that asked for events gets each line from `info` on as `{ level, event, message, fields }` through its channel. */
  readonly toParent: boolean
}

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Lines on standard output: `[2026-01-31 12:00:00.123] WARN message (event)`, or one JSON object each. Survives a reader that has gone. */
export class LogLines implements Log {
  private readonly options: LogLinesOptions
  private parentIsBehind = false

  constructor(options: LogLinesOptions) {
    this.options = options
    // Without a listener a closed pipe would end the process.
    process.stdout.on('error', () => {})
    process.stderr.on('error', () => {})
  }

  write(level: LogLevel, event: string, message: string, fields: Fields = {}): void {
    if (order[level] < order[this.options.level]) return
    const now = new Date().toISOString()
    const line =
      this.options.format === 'json'
        ? JSON.stringify({ time: now, level, event, message, ...fields })
        : `[${now.slice(0, 10)} ${now.slice(11, 23)}] ${level.toUpperCase()} ${oneLine(message)} (${event})`
    if (process.stdout.writable) process.stdout.write(`${line}\n`)
    if (this.options.toParent && order[level] >= order.info) this.tellParent(level, { level, event, message, fields })
  }

  /** A parent that does not read must not make us keep what it does not take: until it has caught up only errors are sent. */
  private tellParent(level: LogLevel, message: { readonly event: string } & Record<string, unknown>): void {
    if (process.send === undefined || !process.connected || (this.parentIsBehind && level !== 'error')) return
    const taken = process.send(message, undefined, undefined, () => (this.parentIsBehind = false))
    this.parentIsBehind = !taken
  }
}

/** Text of others may hold line breaks: a line of the log is one line, but for the stack of a bug. */
function oneLine(message: string): string {
  // eslint-disable-next-line no-control-regex
  return message.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

export function logLinesFromEnvironment(): LogLines {
  const level = process.env['ODRADEK_LOG_LEVEL'] ?? 'info'
  return new LogLines({
    format: process.env['ODRADEK_LOG_FORMAT'] === 'json' ? 'json' : 'text',
    level: level in order ? (level as LogLevel) : 'info',
    toParent: process.env['ODRADEK_EVENTS'] === 'ipc',
  })
}
