import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { NodePlace } from './layout.ts'

/** What a node says through its channel to the process that started it (see node/log-lines.ts). */
export interface NodeEvent {
  readonly level: string
  readonly event: string
  readonly message: string
  readonly fields: Readonly<Record<string, string | number | boolean | null>>
}

export type NodeState = 'starting' | 'running' | 'paused' | 'stopping' | 'down'

export interface NodeProcessEvents {
  onEvent(node: NodeProcess, event: NodeEvent): void
  /** `how` is the signal or the exit status; `wanted` when it was told to. */
  onExit(node: NodeProcess, end: { readonly how: string; readonly wanted: boolean }): void
}

/** Keeps the heap of a node small; what holds records lies outside of the heap. */
const nodeFlags = ['--max-semi-space-size=2', '--max-old-space-size=512', '--disable-proto=throw']

/** One node as an operating-system process. It stops by itself when this process is gone: its channel closes. */
export class NodeProcess {
  readonly place: NodePlace
  state: NodeState = 'down'
  private child: ChildProcess | null = null
  private exited: Promise<void> = Promise.resolve()
  private readonly program: string
  private readonly events: NodeProcessEvents

  /** `program`: the file of the command line, bundled or not. */
  constructor(place: NodePlace, program: string, events: NodeProcessEvents) {
    this.place = place
    this.program = program
    this.events = events
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Nothing while it runs. */
  start(): void {
    if (this.child !== null) return
    const log = openSync(this.place.logFile, 'a')
    const child = spawn(process.execPath, [...nodeFlags, this.program, 'server', this.place.propertiesFile], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ODRADEK_EVENTS: 'ipc' },
      // A group of its own: a Ctrl-C in the terminal reaches this process only, which then stops the nodes in order.
      detached: true,
    })
    closeSync(log)
    this.child = child
    this.state = 'starting'
    child.on('message', (message) => {
      const event = message as NodeEvent
      if (event.event === 'broker-ready' && this.state === 'starting') this.state = 'running'
      this.events.onEvent(this, event)
    })
    this.exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        if (this.child !== child) return
        const wanted = this.state === 'stopping'
        this.state = 'down'
        this.child = null
        this.events.onExit(this, { how, wanted })
        resolve()
      }
      // 'error' is also told of a signal that could not be sent: only a process that never was has no pid
      child.on('error', (error) => (child.pid === undefined ? ended(error.message) : undefined))
      child.once('exit', (code, signal) => ended(signal ?? `exit status ${code}`))
    })
  }

  kill(): void {
    if (this.child === null) return
    this.state = 'stopping'
    this.child.kill('SIGKILL')
  }

  pause(): void {
    if (this.child === null || this.state === 'paused') return
    this.child.kill('SIGSTOP')
    this.state = 'paused'
  }

  resume(): void {
    if (this.child === null || this.state !== 'paused') return
    this.child.kill('SIGCONT')
    this.state = 'running'
  }

  /** An orderly stop; resolves when the process is gone. */
  async stop(): Promise<void> {
    if (this.child !== null) {
      const paused = this.state === 'paused'
      this.state = 'stopping'
      this.child.kill('SIGTERM')
      if (paused) this.child.kill('SIGCONT')
    }
    await this.exited
  }
}
