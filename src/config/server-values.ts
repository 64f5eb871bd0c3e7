import { assert } from '../base/assert.ts'
import { brokerConfigs } from './broker-configs.ts'
import { brokerText } from './layers.ts'
import type { ConfigLayer } from './server-config.ts'
import { keyOf } from './topic-configs.ts'
import { asList, asNumber, type ConfigValue, parseValue } from './values.ts'

/** Reads typed values out of a layer whose values are known to be good (or fall back to the default when one is not). */
export class ServerValues {
  readonly layer: ConfigLayer

  constructor(layer: ConfigLayer) {
    this.layer = layer
  }

  has(name: string): boolean {
    return this.layer.has(name)
  }

  value(name: string): ConfigValue | null {
    const key = keyOf(brokerConfigs, name)
    const text = brokerText(this.layer, name)
    if (text === null) return null
    const parsed = parseValue(key, text)
    if ('value' in parsed) return parsed.value
    const fallback = key.default ?? null
    const last = fallback === null ? null : parseValue(key, fallback)
    return last !== null && 'value' in last ? last.value : null
  }

  number(name: string): number {
    const value = this.value(name)
    assert(value !== null, `${name} has a value`)
    return asNumber(value)
  }

  boolean(name: string): boolean {
    return this.value(name) === true
  }

  /** Null when not set, or empty. */
  text(name: string): string | null {
    const value = this.value(name)
    return value === null || value === '' ? null : String(value)
  }

  list(name: string): readonly string[] {
    const value = this.value(name)
    return value === null ? [] : asList(value).filter((item) => item !== '')
  }

  /** Of several names the first that is given, with its value; the last name's default otherwise. */
  first(names: readonly string[]): { readonly name: string; readonly value: ConfigValue } | undefined {
    for (const name of names) {
      const value = this.value(name)
      if (value !== null) return { name, value }
    }
    return undefined
  }
}
