import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { Properties } from 'properties-file/parser'
import type { Log } from '../base/ports.ts'
import { parseServerConfig } from '../config/parse-server-config.ts'
import type { ConfigProblem, PropertyEntry, ServerConfig } from '../config/server-config.ts'
import { exitCodes, StartProblem } from './exit-codes.ts'

/** The entries of a properties file in Java's syntax, each with its line; repeated names are kept. */
export function readProperties(text: string): readonly PropertyEntry[] {
  const { nodes } = new Properties(text)
  return nodes.flatMap((node) =>
    node.type === 'property' ? [{ name: node.key, value: node.value.trim(), line: node.startingLineNumber }] : [],
  )
}

/**
 * Reads and checks a `server.properties`; `overrides` are `name=value` and go before the file. Warnings go to the log. @throws StartProblem that
 * names all that is wrong, each with its line
 */
export function loadServerConfig(path: string, overrides: readonly string[], log: Log): ServerConfig {
  const over = overrides.map((text): PropertyEntry => {
    const at = text.indexOf('=')
    return { name: text.slice(0, at).trim(), value: text.slice(at + 1).trim(), line: 0 }
  })
  const overridden = new Set(over.map((it) => it.name))
  const entries = [...readProperties(readText(path)).filter((it) => !overridden.has(it.name)), ...over]
  const parsed = parseServerConfig(entries)
  warn(path, parsed.warnings, log)
  if ('config' in parsed) return withHostName(parsed.config, hostname())
  const lines = parsed.problems.map((it) => `  ${place(path, it)}: ${it.name} ${it.message}`)
  throw new StartProblem(exitCodes.usage, [`The configuration of this node is wrong:`, ...lines].join('\n'))
}

/** A listener without a host is bound to every address; others are told this machine's name for it, as Kafka does. */
export function withHostName(config: ServerConfig, name: string): ServerConfig {
  const named = (listeners: ServerConfig['listeners']): ServerConfig['listeners'] =>
    listeners.map((it) => (it.host === '' ? { ...it, host: name } : it))
  return {
    ...config,
    advertisedListeners: named(config.advertisedListeners),
    controllerAdvertisedListeners: named(config.controllerAdvertisedListeners),
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new StartProblem(exitCodes.usage, `The configuration cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
  }
}

function place(path: string, problem: ConfigProblem): string {
  return problem.line === 0 ? path : `${path}:${problem.line}`
}

/** What is known from Kafka and has no effect here is told in one line, the rest one by one. */
function warn(path: string, warnings: readonly ConfigProblem[], log: Log): void {
  const withoutEffect = warnings.filter((it) => it.message.includes('no effect'))
  if (withoutEffect.length > 0) {
    const names = withoutEffect.map((it) => (it.line === 0 ? it.name : `${it.name} (line ${it.line})`)).join(', ')
    log.write('warn', 'properties-without-effect', `${path}: known from Kafka, but without effect here: ${names}.`)
  }
  for (const it of warnings) {
    if (!withoutEffect.includes(it)) log.write('warn', 'property-warning', `${place(path, it)}: ${it.name} ${it.message}.`)
  }
}
