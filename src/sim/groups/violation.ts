/** Something happened that must never happen. The rule's name stands first: G-1 to G-8 as the README of the simulation lists them. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly rule: Rule

  constructor(rule: Rule, text: string) {
    super(`${rule}: ${text}`)
    this.rule = rule
  }
}

export type Rule = 'G-1' | 'G-2' | 'G-3' | 'G-4' | 'G-5' | 'G-6' | 'G-7' | 'G-8' | 'fold' | 'answers'

export function hold(condition: boolean, rule: Rule, text: () => string): asserts condition {
  if (!condition) throw new Violation(rule, text())
}
