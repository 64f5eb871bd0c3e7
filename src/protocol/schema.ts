import type { Uuid } from '../base/units.ts'

/**
 * The language in which messages are written down: one value describes a message in all its versions, and the TypeScript type is
 * inferred from that value. The vocabulary is that of Kafka's message definitions (versions, nullable, tagged, ignorable, default),
 * so that a definition of Kafka's and one of ours can be held side by side.
 *
 * Versions are written as Kafka writes them: '3+', '2-5', '7'.
 */
export type VersionText = `${number}+` | `${number}-${number}` | `${number}`

export interface Versions {
  readonly from: number
  /** Inclusive; Infinity for an open end. */
  readonly to: number
}

export function versions(text: VersionText): Versions {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new SyntaxError(`'${text}' is not a range of versions`)
  const from = Number(match[1])
  return { from, to: match[2] === '+' ? Infinity : match[3] === undefined ? from : Number(match[3]) }
}

export function within(range: Versions | undefined, version: number): boolean {
  return range !== undefined && version >= range.from && version <= range.to
}

/** The primitive types by Kafka's names, and what they are in TypeScript. */
export interface Primitives {
  bool: boolean
  int8: number
  int16: number
  uint16: number
  int32: number
  uint32: number
  int64: number
  float64: number
  uuid: Uuid
  string: string
  bytes: Buffer
  records: Buffer
}
export type Primitive = keyof Primitives

export interface FieldOptions<T> {
  /** Versions in which null may be sent. */
  readonly nullable?: VersionText
  /** The value of a field that is absent; without one Kafka's implicit default: 0, false, '', [], an empty struct. */
  readonly default?: T | null
  readonly tag?: number
  /** Versions in which the field is tagged; without it, all versions in which it is there. */
  readonly tagged?: VersionText
  /** A value that this version cannot carry is dropped instead of being an error. */
  readonly ignorable?: true
  /** 'none': lengths as in inflexible versions whatever the message's version (the client id of the request header). */
  readonly flexible?: 'none'
}

export type Shape =
  | { readonly kind: 'primitive'; readonly type: Primitive }
  | { readonly kind: 'array'; readonly element: Primitive }
  | { readonly kind: 'structs'; readonly fields: Fields }
  | { readonly kind: 'struct'; readonly fields: Fields }

/** `T` is what decoding gives; `In` what encoding takes; `Optional` whether encoding may leave it out. */
export interface Field<T, In = T, Optional extends boolean = boolean> {
  readonly shape: Shape
  readonly versions: VersionText
  readonly options: FieldOptions<unknown>
  readonly typeOut?: T
  readonly typeIn?: In
  readonly typeOptional?: Optional
}

// The element type of Fields has to accept every Field<…>, whatever its parameters.
export type Fields = Readonly<Record<string, Field<unknown>>>

type OrNull<T, O> = O extends { readonly nullable: VersionText } ? T | null : T
type IsOptional<V, O> = O extends { readonly default: unknown }
  ? true
  : O extends { readonly tag: number }
    ? true
    : V extends '0+'
      ? false
      : true
type InOf<P extends Primitive> = P extends 'records' ? Buffer | readonly Buffer[] : Primitives[P]

/** A tagged field that this schema does not know; kept when decoding and written back when encoding. */
export interface UnknownTag {
  readonly tag: number
  readonly bytes: Buffer
}

export type StructOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T, infer _In, infer _O> ? T : never } & {
  readonly unknownTags?: readonly UnknownTag[]
}
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends { readonly typeOptional?: true } ? K : never }[keyof F]
type InputOf<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: F[K] extends Field<infer _T, infer In, infer _O> ? In : never
} & {
  readonly [K in OptionalKeys<F>]?: F[K] extends Field<infer _T, infer In, infer _O> ? In : never
} & { readonly unknownTags?: readonly UnknownTag[] }

function primitive<P extends Primitive>(type: P) {
  return <V extends VersionText, const O extends FieldOptions<Primitives[P]> = Record<never, never>>(
    at: V,
    options?: O,
  ): Field<OrNull<Primitives[P], O>, OrNull<InOf<P>, O>, IsOptional<V, O>> => ({
    shape: { kind: 'primitive', type },
    versions: at,
    options: options ?? {},
  })
}

export const bool = primitive('bool')
export const int8 = primitive('int8')
export const int16 = primitive('int16')
export const uint16 = primitive('uint16')
export const int32 = primitive('int32')
export const uint32 = primitive('uint32')
export const int64 = primitive('int64')
export const float64 = primitive('float64')
export const uuid = primitive('uuid')
export const string = primitive('string')
export const bytes = primitive('bytes')
export const records = primitive('records')

/** An array of primitives. */
export function array<
  P extends Primitive,
  V extends VersionText,
  const O extends FieldOptions<readonly Primitives[P][]> = Record<never, never>,
>(at: V, element: P, options?: O): Field<OrNull<readonly Primitives[P][], O>, OrNull<readonly Primitives[P][], O>, IsOptional<V, O>> {
  return { shape: { kind: 'array', element }, versions: at, options: options ?? {} }
}

/** An array of structs. */
export function structs<F extends Fields, V extends VersionText, const O extends FieldOptions<never> = Record<never, never>>(
  at: V,
  fields: F,
  options?: O,
): Field<OrNull<readonly StructOf<F>[], O>, OrNull<readonly InputOf<F>[], O>, IsOptional<V, O>> {
  return { shape: { kind: 'structs', fields }, versions: at, options: options ?? {} }
}

export function struct<F extends Fields, V extends VersionText, const O extends FieldOptions<never> = Record<never, never>>(
  at: V,
  fields: F,
  options?: O,
): Field<OrNull<StructOf<F>, O>, OrNull<InputOf<F>, O>, IsOptional<V, O>> {
  return { shape: { kind: 'struct', fields }, versions: at, options: options ?? {} }
}

export interface Schema<F extends Fields = Fields> {
  readonly name: string
  /** API key of a request or response, type number of a record; -1 where there is none (headers, control record values). */
  readonly apiKey: number
  readonly validVersions: Versions
  readonly flexibleVersions: Versions | undefined
  readonly fields: F
}

export function message<F extends Fields>(
  name: string,
  apiKey: number,
  at: { readonly versions: VersionText; readonly flexible: VersionText | 'none' },
  fields: F,
): Schema<F> {
  return {
    name,
    apiKey,
    validVersions: versions(at.versions),
    flexibleVersions: at.flexible === 'none' ? undefined : versions(at.flexible),
    fields,
  }
}

/** What decoding a message gives. */
export type Message<S> = S extends Schema<infer F> ? StructOf<F> : never
/** What encoding a message takes: fields with a default, tagged fields and fields that not every version has may be left out. */
export type Draft<S> = S extends Schema<infer F> ? InputOf<F> : never
