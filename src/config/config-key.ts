/** The types of Kafka's ConfigDef.Type, in lower case. */
export type ConfigType = 'boolean' | 'int' | 'long' | 'short' | 'double' | 'string' | 'list' | 'password' | 'class'

/** Who may change it while the broker runs: nobody, for one broker (or all), or for all (DynamicBrokerConfig.dynamicConfigUpdateModes). */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

export type Importance = 'high' | 'medium' | 'low'

/** What a value must satisfy beyond its type. A bound that is absent is open. */
export type Validator =
  | { readonly kind: 'range'; readonly min?: number; readonly max?: number }
  | { readonly kind: 'oneOf'; readonly values: readonly string[]; readonly anyCase?: true }
  | { readonly kind: 'listOf'; readonly values: readonly string[]; readonly empty: boolean }
  | { readonly kind: 'list'; readonly empty: boolean }
  | { readonly kind: 'nonEmpty' }
  | { readonly kind: 'gzipLevel' }
  | { readonly kind: 'throttledReplicas' }
  | { readonly kind: 'offsetReset' }

/** One configuration. Defaults are in the text form in which DescribeConfigs returns them; null is "not set". */
export interface ConfigKey {
  readonly name: string
  readonly type: ConfigType
  /** Ours. undefined: there is none, the value has to be given. */
  readonly default: string | null | undefined
  /** That of Kafka 4.3.1; differs from `default` only with a `because`. */
  readonly kafkaDefault: string | null | undefined
  readonly importance: Importance
  readonly mode: UpdateMode
  readonly validator: Validator | undefined
  /** Not listed by Kafka's documentation and not returned by DescribeConfigs unless set (ConfigDef's internalConfig). */
  readonly internal: boolean
  /** Whether a value has an effect today. */
  readonly acted: boolean
  /** What it does here, in a sentence; empty when it is not acted on. */
  readonly doc: string
  /** Why our default is not Kafka's. */
  readonly because: string | undefined
}

export interface RowOptions {
  readonly mode?: UpdateMode
  readonly valid?: Validator
  readonly internal?: true
  readonly does?: string
  readonly ours?: Default
  readonly because?: string
}

type Default = string | number | boolean | null | undefined

function row(type: ConfigType) {
  return (name: string, kafkaDefault: Default, importance: Importance, options: RowOptions = {}): ConfigKey => {
    const { mode = 'read-only', valid, internal = false, does = '', because } = options
    const theirs = text(kafkaDefault)
    const ours = 'ours' in options ? text(options.ours) : theirs
    return {
      name,
      type,
      default: ours,
      kafkaDefault: theirs,
      importance,
      mode,
      validator: valid,
      internal,
      acted: does !== '',
      doc: does,
      because,
    }
  }
}

function text(value: Default): string | null | undefined {
  return value === null || value === undefined ? value : String(value)
}

/** The default of a row without one: the value has to be given. */
export const required = undefined

export const boolean = row('boolean')
export const int = row('int')
export const long = row('long')
export const short = row('short')
export const double = row('double')
export const string = row('string')
export const list = row('list')
export const password = row('password')
export const className = row('class')

/** Java's Long.MAX_VALUE as text: "for ever" and "without limit" in many of Kafka's configurations. */
export const longMax = '9223372036854775807'
/** Java's Integer.MAX_VALUE. */
export const intMax = 2147483647

export function atLeast(min: number): Validator {
  return { kind: 'range', min }
}
export function between(min: number, max: number): Validator {
  return { kind: 'range', min, max }
}
export function oneOf(...values: readonly string[]): Validator {
  return { kind: 'oneOf', values }
}
export function oneOfAnyCase(...values: readonly string[]): Validator {
  return { kind: 'oneOf', values, anyCase: true }
}
/** Any items; repeats count once. */
export function anyList(options: { readonly empty: boolean }): Validator {
  return { kind: 'list', empty: options.empty }
}
export function listOf(values: readonly string[], options: { readonly empty: boolean }): Validator {
  return { kind: 'listOf', values, empty: options.empty }
}

/** A value of type password never leaves the broker, whatever is asked. */
export function isSensitive(key: ConfigKey): boolean {
  return key.type === 'password'
}
