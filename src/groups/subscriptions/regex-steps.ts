/**
 * How many steps an expression of RE2 becomes at most when its counted repetitions are written out, which is what compiling does: `(ab){50}` is a hundred.
 * Known before anything is compiled, in one pass. What is not an expression at all has some number, too.
 */
export function stepsOf(expression: string): number {
  const open: Level[] = []
  let level: Level = { steps: 0, last: 0 }
  for (let at = 0; at < expression.length;) {
    const character = expression[at]
    if (character === '(') {
      open.push(level)
      level = { steps: 0, last: 0 }
      at += 1
    } else if (character === ')') {
      const { steps } = level
      level = open.pop() ?? { steps: 0, last: 0 }
      append(level, steps + 2)
      at += 1
    } else if (character === '{') {
      at += repeat(level, expression, at)
    } else {
      append(level, 1)
      at = atomEnd(expression, at)
    }
  }
  return open.reduce((sum, { steps }) => sum + steps, level.steps)
}

/** Of a group that is being read: its steps so far, and those of what a repetition would repeat. */
interface Level {
  steps: number
  last: number
}

function append(level: Level, steps: number): void {
  level.steps += steps
  level.last = steps
}

const repetition = /\{(\d{1,9})(?:,(\d{0,9}))?\}/y

/** Returns the length of what was read: a repetition, or a brace that is just a brace. */
function repeat(level: Level, expression: string, at: number): number {
  repetition.lastIndex = at
  const match = repetition.exec(expression)
  if (match === null) {
    append(level, 1)
    return 1
  }
  const times = Math.max(1, Number(match[1]), Number(match[2] ?? 0))
  level.steps += level.last * (times - 1)
  level.last *= times
  return match[0].length
}

function atomEnd(expression: string, at: number): number {
  if (expression[at] === '\\') return at + 2
  return expression[at] === '[' ? classEnd(expression, at) : at + 1
}

function classEnd(expression: string, start: number): number {
  let at = start + 1
  if (expression[at] === '^') at += 1
  // A bracket that comes first is a member of the class
  if (expression[at] === ']') at += 1
  while (at < expression.length && expression[at] !== ']') at += expression[at] === '\\' ? 2 : 1
  return at + 1
}
