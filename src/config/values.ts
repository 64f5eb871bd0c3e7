import { unreachable } from '../base/assert.ts'
import type { ConfigKey, ConfigType, Validator } from './config-key.ts'

/**
 * Reading values as Kafka's ConfigDef does: blanks around a value do not count, numbers are Java's, a list is cut at commas. A long is a
 * bigint here so that nothing is rounded; `asNumber` turns it into the nearest safe integer.
 */
export type ConfigValue = boolean | number | bigint | string | readonly string[]

export type Parsed = { readonly value: ConfigValue } | { readonly problem: string }

/** Reads and validates. The problem is Kafka's sentence, which names the configuration and the value (never a password's). */
export function parseValue(key: ConfigKey, text: string): Parsed {
  const parsed = parseType(key.type, text)
  if ('expected' in parsed) {
    return { problem: `Invalid value ${shown(key, text)} for configuration ${key.name}: ${parsed.expected}` }
  }
  const validator = key.validator
  if (validator === undefined) return { value: parsed.value }
  const value = validator.kind === 'list' || validator.kind === 'listOf' ? asList(parsed.value) : parsed.value
  return verdict(key, validator, value) ?? { value }
}

/** Null when the value may stand. */
export function validateValue(key: ConfigKey, text: string): string | null {
  const parsed = parseValue(key, text)
  return 'problem' in parsed ? parsed.problem : null
}

function shown(key: ConfigKey, text: string): string {
  return key.type === 'password' ? '[hidden]' : text
}

type Typed = { readonly value: ConfigValue } | { readonly expected: string }

function parseType(type: ConfigType, text: string): Typed {
  const trimmed = text.trim()
  switch (type) {
    case 'boolean':
      return parseBoolean(trimmed)
    case 'int':
      return parseWhole(trimmed, 'INT', 32n)
    case 'short':
      return parseWhole(trimmed, 'SHORT', 16n)
    case 'long':
      return parseWhole(trimmed, 'LONG', 64n)
    case 'double':
      return parseDouble(trimmed)
    case 'list':
      return { value: trimmed === '' ? [] : trimmed.split(/\s*,\s*/) }
    case 'password':
      return { value: text }
    case 'string':
    case 'class':
      return { value: trimmed }
    default:
      return unreachable(type)
  }
}

function parseBoolean(text: string): Typed {
  const lower = text.toLowerCase()
  if (lower === 'true') return { value: true }
  if (lower === 'false') return { value: false }
  return { expected: 'Expected value to be either true or false' }
}

const digitsMax = 40

function parseWhole(text: string, type: 'INT' | 'SHORT' | 'LONG', bits: bigint): Typed {
  const expected = `Not a number of type ${type}`
  if (!/^[+-]?\d+$/.test(text) || text.length > digitsMax) return { expected }
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  const limit = 1n << (bits - 1n)
  if (value < -limit || value >= limit) return { expected }
  return { value: type === 'LONG' ? value : Number(value) }
}

/** Java's Double.parseDouble takes a trailing `d` or `f`. */
function parseDouble(text: string): Typed {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/.test(text)) return { expected: 'Not a number of type DOUBLE' }
  return { value: Number(text.replace(/[dDfF]$/, '')) }
}

type Problem = { readonly problem: string } | undefined

function verdict(key: ConfigKey, validator: Validator, value: ConfigValue): Problem {
  switch (validator.kind) {
    case 'range':
      return rangeVerdict(key, validator, value)
    case 'gzipLevel':
      if (value === -1 || (typeof value === 'number' && value >= 1 && value <= 9)) return undefined
      return wrong(key, value, 'Value must be between 1 and 9 or equal to -1')
    case 'oneOf':
      return oneOfVerdict(key, validator, String(value))
    case 'list':
    case 'listOf':
      return listVerdict(key, validator, asList(value))
    case 'nonEmpty':
      return String(value) === '' ? wrong(key, value, 'String must be non-empty') : undefined
    case 'throttledReplicas':
      return throttledReplicasVerdict(key, Array.isArray(value) ? value : [])
    case 'offsetReset':
      return offsetResetVerdict(key, String(value))
    default:
      return unreachable(validator)
  }
}

function wrong(key: ConfigKey, value: ConfigValue, why: string): { readonly problem: string } {
  const shown = Array.isArray(value) ? `[${value.join(', ')}]` : canonical(value, key.type)
  return { problem: `Invalid value ${shown} for configuration ${key.name}: ${why}` }
}

function rangeVerdict(key: ConfigKey, range: { readonly min?: number; readonly max?: number }, value: ConfigValue): Problem {
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
  if (range.min !== undefined && value < range.min) return wrong(key, value, `Value must be at least ${range.min}`)
  if (range.max !== undefined && value > range.max) return wrong(key, value, `Value must be no more than ${range.max}`)
  return undefined
}

function oneOfVerdict(key: ConfigKey, validator: { readonly values: readonly string[]; readonly anyCase?: true }, value: string): Problem {
  const { values, anyCase } = validator
  if (values.includes(value)) return undefined
  if (anyCase === true) {
    const upper = value.toUpperCase()
    if (values.some((it) => it.toUpperCase() === upper)) return undefined
    return wrong(key, value, `String must be one of (case insensitive): ${values.join(', ')}`)
  }
  return wrong(key, value, `String must be one of: ${values.join(', ')}`)
}

function listVerdict(
  key: ConfigKey,
  validator: { readonly kind: 'list' | 'listOf'; readonly values?: readonly string[]; readonly empty: boolean },
  items: readonly string[],
): Problem {
  if (items.length === 0) {
    const values = validator.values === undefined ? 'any non-empty value' : `[${validator.values.join(', ')}]`
    return validator.empty ? undefined : { problem: `Configuration '${key.name}' must not be empty. Valid values include: ${values}` }
  }
  const { values } = validator
  const stranger = items.find((item) => item === '' || values?.includes(item) === false)
  if (stranger === undefined) return undefined
  if (stranger === '') return { problem: `Configuration '${key.name}' values must not be empty.` }
  return wrong(key, stranger, `String must be one of: ${values?.join(', ') ?? ''}`)
}

function throttledReplicasVerdict(key: ConfigKey, items: readonly string[]): Problem {
  if (items.every((item) => /^\d+:\d+$/.test(item)) || (items.length === 1 && items[0] === '*')) return undefined
  const form = `the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`
  return wrong(key, items, `${key.name} must be ${form}`)
}

const duration = /^by_duration:[+]?P(?!$)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/

function offsetResetVerdict(key: ConfigKey, value: string): Problem {
  if (value === 'latest' || value === 'earliest' || duration.test(value)) return undefined
  const form = `The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`
  return wrong(key, value, `Invalid value \`${value}\` for configuration ${key.name}. ${form}`)
}

/** The text in which Kafka returns a value (ConfigDef.convertToString). */
export function canonical(value: ConfigValue, type: ConfigType): string {
  if (Array.isArray(value)) return value.join(',')
  return type === 'double' && typeof value === 'number' ? javaDouble(value) : String(value)
}

/** Java's Double.toString: always a fraction; an exponent below 10^-3 and from 10^7. */
export function javaDouble(value: number): string {
  const magnitude = Math.abs(value)
  if (value === 0 || (magnitude >= 1e-3 && magnitude < 1e7)) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [digits = '', exponent = '0'] = value.toExponential().split('e')
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
}

/** A long beyond the safe integers becomes the nearest safe one: 285 thousand years, or 8 PiB, are as good as for ever. */
export function asNumber(value: ConfigValue): number {
  if (typeof value === 'bigint') {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER
    if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER
    return Number(value)
  }
  return Number(value)
}

/** A list without its repeats, as Kafka stores lists that are sets. */
export function asList(value: ConfigValue): readonly string[] {
  return Array.isArray(value) ? [...new Set<string>(value)] : [String(value)]
}
