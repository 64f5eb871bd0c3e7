import type { ReadStream } from 'node:tty'

/** One command of a person: what, and to which node (0 where it concerns all). */
export interface KeyCommand {
  readonly action: 'kill' | 'pause' | 'stop' | 'restart' | 'status' | 'help' | 'quit'
  readonly node: number
}

const needsNode: Readonly<Record<string, KeyCommand['action']>> = { k: 'kill', p: 'pause', t: 'stop', r: 'restart' }
const alone: Readonly<Record<string, KeyCommand['action']>> = { s: 'status', h: 'help', '?': 'help', q: 'quit' }
const controlC = '\u0003'
const controlD = '\u0004'

export const keyHelp = 'keys: k 1 kill · p 1 pause or resume · t 1 stop · r 1 restart (then the number of the node) · s status · q quit'

/** A letter, then for most the number of a node. Anything else forgets the letter. */
export class KeyReader {
  private pending: KeyCommand['action'] | null = null
  private readonly nodes: number

  constructor(nodes: number) {
    this.nodes = nodes
  }

  press(key: string): KeyCommand | null {
    if (key === controlC || key === controlD) return { action: 'quit', node: 0 }
    const node = Number(key)
    if (this.pending !== null && node >= 1 && node <= this.nodes) {
      const command: KeyCommand = { action: this.pending, node }
      this.pending = null
      return command
    }
    this.pending = needsNode[key] ?? null
    const action = alone[key]
    return action === undefined ? null : { action, node: 0 }
  }
}

/** Takes single keys from a terminal until the returned function is called. */
export function takeKeys(input: ReadStream, nodes: number, onCommand: (command: KeyCommand) => void): () => void {
  const reader = new KeyReader(nodes)
  const onData = (bytes: Buffer): void => {
    for (const key of bytes.toString('utf8')) {
      const command = reader.press(key)
      if (command !== null) onCommand(command)
    }
  }
  input.setRawMode(true)
  input.on('data', onData)
  input.resume()
  return () => {
    input.off('data', onData)
    input.setRawMode(false)
    input.pause()
  }
}
