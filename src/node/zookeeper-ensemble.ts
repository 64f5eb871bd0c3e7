import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, closeSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../base/assert.ts'
import type { Millis } from '../base/units.ts'
import { findZooKeeperHere, onPath, type ZooKeeperInstall } from './zookeeper-install.ts'

export interface EnsembleMember {
  readonly clientPort: number
  readonly quorumPort: number
  readonly electionPort: number
}

export interface EnsembleOptions {
  /** Made when it is not there. Holds a folder for each server, with its data and what it says. */
  readonly folder: string
  readonly members: readonly EnsembleMember[]
  /** `tickTime`: sessions are granted from 2 to 20 of it. 500 when left out. */
  readonly tickMs?: Millis
  /** What the servers run on; looked for in the usual places when left out. */
  readonly install?: ZooKeeperInstall
  /** A server has ended that nobody had killed; `at` counts from 0. */
  readonly onEnd?: (at: number) => void
}

/** What a server says of itself; one that is alone is `standalone`. */
export type ServerMode = 'leader' | 'follower' | 'standalone'

/**
 * The servers of a ZooKeeper ensemble on the loopback, each a process of its own that does not outlive this one (elsewhere than on Linux: not when this one ends
 * in order). For development and for tests: three servers on one machine survive the death of a process, not that of the machine.
 */
export class ZooKeeperEnsemble {
  private readonly options: EnsembleOptions
  private readonly processes: (ChildProcess | null)[]
  private readonly killed = new Set<ChildProcess>()

  constructor(options: EnsembleOptions) {
    this.options = options
    this.processes = options.members.map(() => null)
  }

  /** For `zookeeper.connect`. */
  get connect(): string {
    return this.options.members.map((it) => `127.0.0.1:${it.clientPort}`).join(',')
  }

  get size(): number {
    return this.processes.length
  }

  /** Starts all of them; resolves when each serves. Rejects with the place of what it said when one does not. */
  async start(timeoutMs: Millis = 60_000): Promise<void> {
    this.processes.forEach((_, at) => this.launch(at))
    await this.serve(timeoutMs)
  }

  /** Until all that run serve. */
  async serve(timeoutMs: Millis = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (const [at, launched] of this.processes.entries()) {
      while (launched !== null && (await this.mode(at)) === null) {
        const isLate = performance.now() > deadline
        if (isLate || this.processes[at] !== launched)
          throw new Error(`server ${at + 1} of the ensemble ${isLate ? 'does not serve' : 'has ended'}: see ${this.folderOf(at)}/out.log`)
        await sleep(25)
      }
    }
  }

  /** Starts one that was killed. Throws when this machine has none. */
  launch(at: number): void {
    if (this.processes[at] !== null) return
    const folder = this.folderOf(at)
    this.prepare(at, folder)
    const out = openSync(join(folder, 'out.log'), 'a')
    // In a group of its own: a Ctrl-C in the terminal is for those who stop it when it is needed no more
    const child = spawn(...this.command(folder), { stdio: ['ignore', out, out], detached: true })
    closeSync(out)
    const onExit = (): void => void child.kill('SIGKILL')
    process.on('exit', onExit)
    child.once('error', () => this.forget(at, child))
    child.once('exit', () => {
      process.off('exit', onExit)
      this.forget(at, child)
      if (!this.killed.delete(child)) this.options.onEnd?.(at)
    })
    this.processes[at] = child
  }

  /** `kill -9`. Resolves when it is gone. */
  kill(at: number): Promise<void> {
    const child = this.processes[at]
    if (child === null || child === undefined) return Promise.resolve()
    this.killed.add(child)
    return new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    })
  }

  /** SIGSTOP, and SIGCONT. */
  pause(at: number): void {
    this.processes[at]?.kill('SIGSTOP')
  }

  resume(at: number): void {
    this.processes[at]?.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((_, at) => this.kill(at)))
  }

  /** What a server is; null when it does not serve. */
  async mode(at: number): Promise<ServerMode | null> {
    const member = this.options.members[at]
    assert(member !== undefined, `the ensemble has no server ${at}`)
    const mode = /^Mode: (leader|follower|standalone)$/m.exec(await fourLetters(member.clientPort, 'srvr'))?.[1]
    return mode === 'leader' || mode === 'follower' || mode === 'standalone' ? mode : null
  }

  /** Which server leads, or is alone; -1 when none does. */
  async leader(): Promise<number> {
    const modes = await Promise.all(this.processes.map((process, at) => (process === null ? Promise.resolve(null) : this.mode(at))))
    return modes.findIndex((mode) => mode === 'leader' || mode === 'standalone')
  }

  private forget(at: number, child: ChildProcess): void {
    if (this.processes[at] === child) this.processes[at] = null
  }

  private folderOf(at: number): string {
    return join(this.options.folder, `server-${at + 1}`)
  }

  private prepare(at: number, folder: string): void {
    mkdirSync(join(folder, 'data'), { recursive: true })
    writeFileSync(join(folder, 'data', 'myid'), `${at + 1}\n`)
    writeFileSync(join(folder, 'zoo.cfg'), this.configOf(at, folder))
    writeFileSync(join(folder, 'log4j.properties'), log4j)
    writeFileSync(join(folder, 'logback.xml'), logback)
  }

  private configOf(at: number, folder: string): string {
    const { members, tickMs = 500 } = this.options
    return [
      `tickTime=${tickMs}`,
      'initLimit=20',
      'syncLimit=4',
      `dataDir=${join(folder, 'data')}`,
      `clientPort=${members[at]?.clientPort}`,
      'clientPortAddress=127.0.0.1',
      'maxClientCnxns=0',
      'admin.enableServer=false',
      'autopurge.snapRetainCount=3',
      'autopurge.purgeInterval=1',
      '4lw.commands.whitelist=srvr,mntr,stat,cons,dump,ruok',
      ...(members.length === 1 ? [] : members.map((it, of) => `server.${of + 1}=127.0.0.1:${it.quorumPort}:${it.electionPort}`)),
      '',
    ].join('\n')
  }

  private command(folder: string): [string, string[]] {
    const { classPath } = this.install()
    const jvm = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData']
    const args = [
      ...jvm,
      '-cp',
      `${folder}${delimiter}${classPath}`,
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      join(folder, 'zoo.cfg'),
    ]
    // Also should this process be killed outright
    const binds = process.platform === 'linux' && onPath('setpriv') !== undefined
    return binds ? ['setpriv', ['--pdeathsig', 'KILL', '--', 'java', ...args]] : ['java', args]
  }

  private install(): ZooKeeperInstall {
    const found = this.options.install ?? findZooKeeperHere()
    if ('problem' in found) throw new Error(found.problem)
    return found
  }
}

/** Servers up to 3.8 of some packages log through the one, later ones through the other. */
const log4j = [
  'log4j.rootLogger=WARN, OUT',
  'log4j.appender.OUT=org.apache.log4j.ConsoleAppender',
  'log4j.appender.OUT.layout=org.apache.log4j.PatternLayout',
  'log4j.appender.OUT.layout.ConversionPattern=%d{ISO8601} %p %c{1} %m%n',
  '',
].join('\n')

const logback = [
  '<configuration>',
  '<appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d{ISO8601} %p %c{1} %m%n</pattern></encoder></appender>',
  '<root level="WARN"><appender-ref ref="OUT"/></root>',
  '</configuration>',
  '',
].join('\n')

/** ZooKeeper's commands of four letters; '' when nobody answers. */
function fourLetters(port: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host: '127.0.0.1', port, timeout: 1_000 }, () => void socket.write(command))
    socket.on('data', (bytes) => (text += bytes.toString()))
    socket.on('timeout', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}
