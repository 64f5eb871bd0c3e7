import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js'
import { stepsOf } from './regex-steps.ts'

/** An expression that can be matched against names in time linear in their length. */
export interface TopicRegex {
  readonly expression: string
  /** Whether it matches the whole name, as RE2J's `matches()`. */
  matches(name: string): boolean
}

export interface InvalidRegex {
  /** Kafka's message, for INVALID_REGULAR_EXPRESSION. */
  readonly errorMessage: string
}

/**
 * What an expression may be: longer ones, or ones that become more than this many steps when repetitions are written out, are refused as invalid. Kafka
 * has no such limits; it compiles and matches on a thread of its own.
 */
export const regexCharactersMax = 16_384
export const regexStepsMax = 10_000

/** Compiled expressions that are kept, least recently used first: what all groups of a broker subscribe to is seldom more. */
const cachedMax = 256
const cache = new Map<string, TopicRegex | InvalidRegex>()

/** Compiles an expression in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax), or says why it is none. Results are kept and shared. */
export function compileRegex(expression: string): TopicRegex | InvalidRegex {
  if (expression.length > regexCharactersMax) return invalid(`${expression.slice(0, 64)}…`, `longer than ${regexCharactersMax} characters`)
  const found = cache.get(expression) ?? compile(expression)
  cache.delete(expression)
  cache.set(expression, found)
  if (cache.size > cachedMax) {
    for (const eldest of cache.keys()) {
      cache.delete(eldest)
      break
    }
  }
  return found
}

export function isInvalid(regex: TopicRegex | InvalidRegex): regex is InvalidRegex {
  return 'errorMessage' in regex
}

/** Of these names, the ones that match as a whole, in their order; none when the expression is invalid. Internal topics match like others (TopicRegexResolver). */
export function matchingTopics(regex: TopicRegex | InvalidRegex, names: Iterable<string>): string[] {
  if (isInvalid(regex)) return []
  const matching: string[] = []
  for (const name of names) if (regex.matches(name)) matching.push(name)
  return matching
}

function compile(expression: string): TopicRegex | InvalidRegex {
  if (stepsOf(expression) > regexStepsMax) return invalid(expression, `more than ${regexStepsMax} steps`)
  try {
    const compiled = RE2JS.compile(expression)
    return { expression, matches: (name) => compiled.testExact(name) }
  } catch (error) {
    if (error instanceof RE2JSException) return invalid(expression, descriptionOf(error))
    throw error
  }
}

function invalid(expression: string, description: string): InvalidRegex {
  return { errorMessage: `SubscribedTopicRegex \`${expression}\` is not a valid regular expression: ${description}.` }
}

function descriptionOf(error: RE2JSException): string {
  return error instanceof RE2JSSyntaxException ? error.getDescription() : error.message
}
