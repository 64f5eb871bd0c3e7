/** What must never be, was. `rule` is the number of the invariant, or a word. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly rule: string

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`)
    this.rule = rule
  }
}

/** @throws Violation */
export function hold(isSo: boolean, rule: string, message: () => string): asserts isSo {
  if (!isSo) throw new Violation(rule, message())
}
