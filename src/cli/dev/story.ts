import { styleText } from 'node:util'
import type { NodeEvent } from './node-process.ts'

type Paint = Parameters<typeof styleText>[0]

/** Events that a person watching the cluster wants to see, and how they are painted. All others stay in the nodes' log files. */
const worthSeeing: Readonly<Record<string, Paint>> = {
  'controller-elected': 'cyan',
  'broker-fenced': 'yellow',
  'broker-unfenced': 'green',
  'broker-leaving': 'yellow',
  'leaders-changed': 'magenta',
  'isr-shrunk': 'yellow',
  'isr-expanded': 'green',
  'log-directory-failed': 'red',
  'log-recovered': 'yellow',
}

/** Plain lines without a terminal, painted ones with it; the same words in both. */
export class Story {
  private readonly write: (line: string) => void
  private readonly painted: boolean

  constructor(write: (line: string) => void, painted: boolean) {
    this.write = write
    this.painted = painted
  }

  line(text: string): void {
    this.write(`${text}\n`)
  }

  note(text: string, paint: Paint = 'bold'): void {
    this.write(`${this.paint('dim', clockText())}  ${this.paint(paint, text)}\n`)
  }

  event(nodeId: number, event: NodeEvent): void {
    const paint = worthSeeing[event.event] ?? (event.level === 'error' || event.level === 'warn' ? 'yellow' : undefined)
    if (paint === undefined) return
    this.write(`${this.paint('dim', `${clockText()}  node ${nodeId}`)}  ${this.paint(paint, event.message)}\n`)
  }

  paint(paint: Paint, text: string): string {
    return this.painted ? styleText(paint, text) : text
  }
}

function clockText(): string {
  return new Date().toISOString().slice(11, 23)
}
