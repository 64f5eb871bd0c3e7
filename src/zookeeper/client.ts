import type { Millis } from '../base/units.ts'
import { parseConnectString, pathProblem, ZooKeeperSettingError } from './connect-string.ts'
import type { ZooKeeperOptions, ZooKeeperPorts } from './options.ts'
import { Session } from './session.ts'
import { type Answer, expectOp } from './wire/answers.ts'
import { errorCodeOf } from './wire/errors.ts'
import type { MultiResult, Operation } from './wire/operations.ts'
import { type Acl, creatorAll, worldAll, worldRead } from './wire/records.ts'
import type { Request } from './wire/requests.ts'
import {
  type CreateMode,
  type ZNode,
  type ZNodeStat,
  type ZooKeeper,
  ZooKeeperError,
  type ZooKeeperErrorCode,
  type ZooKeeperListener,
  type ZooKeeperOperation,
  type ZooKeeperResult,
} from './zookeeper.ts'

export { ZooKeeperSettingError } from './connect-string.ts'
export type { ZooKeeperOptions, ZooKeeperPorts } from './options.ts'

/**
 * A client of a ZooKeeper ensemble, 3.6 or later: requests of the port as those of the wire, below the chroot.
 *
 * `expiresAt` takes the time of the last request or ping that was answered for the beginning of the session's time, and so does the server that answered.
 * But only the leader of the ensemble expires sessions: it hears of that moment up to half a tick later, never when that server dies in between, and a
 * server that is cut off from its leader goes on answering pings for `syncLimit` ticks. So the ensemble may have expired a session earlier, by up
 * to those ticks and a third of the timeout: `expiresAt` says when to stop at the latest, and what must be safe is fenced by epoch and version.
 */
export class ZooKeeperClient implements ZooKeeper {
  private readonly options: ZooKeeperOptions
  private readonly chroot: string
  private readonly session: Session
  private listener: ZooKeeperListener | null = null

  /** @throws ZooKeeperSettingError for options that cannot be used */
  constructor(ports: ZooKeeperPorts, options: ZooKeeperOptions) {
    checkOptions(options)
    const { servers, chroot } = parseConnectString(options.connect)
    this.options = options
    this.chroot = chroot
    this.session = new Session(ports, options, servers, {
      onSession: (state) => this.listener?.onSession(state),
      onWatch: ({ type, path }) => this.onWatch(type, path),
      prepare: (ready) => this.prepare(ready),
    })
  }

  start(listener: ZooKeeperListener): void {
    this.listener ??= listener
    this.session.start()
  }

  close(): Promise<void> {
    return this.session.close()
  }

  get sessionId(): bigint {
    return this.session.sessionId
  }

  get sessionTimeoutMs(): Millis {
    return this.session.timeoutMs
  }

  get expiresAt(): Millis {
    return this.session.expiresAt
  }

  /** Rejects with the code of the operation that was refused first, and its place in `at`; then none of them was carried out. */
  multi(operations: readonly ZooKeeperOperation[]): Promise<readonly ZooKeeperResult[]> {
    for (const [at, it] of operations.entries()) {
      if (pathProblem(sampleOf(it)) !== null) return Promise.reject(new ZooKeeperError('badArguments', it.path, at))
    }
    const request: Request = { op: 'multi', operations: operations.map((it) => this.operationOf(it)) }
    return this.ask('', request, (answer) => this.resultsOf(operations, expectOp(answer, 'multi').results))
  }

  create(path: string, data: Buffer, mode: CreateMode): Promise<string> {
    const operation: ZooKeeperOperation = { op: 'create', path, data, mode }
    if (pathProblem(sampleOf(operation)) !== null) return Promise.reject(new ZooKeeperError('badArguments', path))
    return this.ask(path, this.operationOf(operation), (answer) => this.below(expectOp(answer, 'create').path))
  }

  set(path: string, data: Buffer, version: number): Promise<ZNodeStat> {
    return this.askAt(path, { op: 'set', path: this.full(path), data, version }, (answer) => expectOp(answer, 'set').stat)
  }

  delete(path: string, version: number): Promise<void> {
    return this.askAt(path, { op: 'delete', path: this.full(path), version }, () => undefined)
  }

  /** The bytes are the caller's, and keep no more than themselves and their frame. */
  get(path: string): Promise<ZNode> {
    return this.askAt(path, { op: 'get', path: this.full(path), watch: false }, (answer) => {
      const { data, stat } = expectOp(answer, 'get')
      return { data, stat }
    })
  }

  exists(path: string): Promise<ZNodeStat | null> {
    const request: Request = { op: 'exists', path: this.full(path), watch: false }
    const read = (answer: Answer): ZNodeStat | null => expectOp(answer, 'exists').stat
    return this.askAt(path, request, read, (code) => (code === 'noNode' ? null : undefined))
  }

  children(path: string): Promise<readonly string[]> {
    return this.askAt(path, { op: 'children', path: this.full(path), watch: false }, (answer) => expectOp(answer, 'children').children)
  }

  sync(path: string): Promise<void> {
    return this.askAt(path, { op: 'sync', path: this.full(path) }, () => undefined)
  }

  watch(path: string): Promise<void> {
    return this.askAt(path, { op: 'addWatch', path: this.full(path), recursive: true }, () => undefined)
  }

  private askAt<T>(
    path: string,
    request: Request,
    read: (answer: Answer) => T,
    forgive?: (code: ZooKeeperErrorCode) => T | undefined,
  ): Promise<T> {
    if (pathProblem(path) !== null) return Promise.reject(new ZooKeeperError('badArguments', path))
    return this.ask(path, request, read, forgive)
  }

  /** `forgive`: an error that is an answer. What `read` throws rejects. */
  private ask<T>(
    path: string,
    request: Request,
    read: (answer: Answer) => T,
    forgive: (code: ZooKeeperErrorCode) => T | undefined = () => undefined,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAnswer = (answer: Answer): void => {
        try {
          resolve(read(answer))
        } catch (error) {
          reject(error instanceof Error ? error : new ZooKeeperError('systemError', path))
        }
      }
      const onError = (code: ZooKeeperErrorCode): void => {
        const answer = forgive(code)
        if (answer === undefined) reject(new ZooKeeperError(code, path))
        else resolve(answer)
      }
      this.session.ask(request, { onAnswer, onError })
    })
  }

  private operationOf(operation: ZooKeeperOperation): Operation {
    const path = this.full(operation.path)
    if (operation.op !== 'create') return { ...operation, path }
    return { ...operation, path, acl: this.aclOf(operation.path), withStat: true }
  }

  private aclOf(path: string): readonly Acl[] {
    if (this.options.digest === undefined) return [worldAll]
    return this.options.isSensitive?.(path) === true ? [creatorAll] : [creatorAll, worldRead]
  }

  private resultsOf(operations: readonly ZooKeeperOperation[], results: readonly MultiResult[]): readonly ZooKeeperResult[] {
    const at = results.findIndex((it) => it.op === 'error' && it.error !== 0)
    const refused = results[at]
    if (refused?.op === 'error') throw new ZooKeeperError(errorCodeOf(refused.error), operations[at]?.path ?? '', at)
    if (results.length !== operations.length) throw new ZooKeeperError('marshallingError', '')
    return results.map((it) => this.resultOf(it))
  }

  private resultOf(result: MultiResult): ZooKeeperResult {
    if (result.op === 'error') throw new ZooKeeperError('systemError', '')
    return result.op === 'create' ? { ...result, path: this.below(result.path) } : result
  }

  private full(path: string): string {
    return this.chroot === '' ? path : path === '/' ? this.chroot : this.chroot + path
  }

  private below(path: string): string {
    return path.slice(this.chroot.length) || '/'
  }

  private onWatch(type: 'created' | 'deleted' | 'changed' | 'childrenChanged', path: string): void {
    this.listener?.onWatch({ type, path: this.below(path) })
  }

  /** Makes the chroot, from the top down. Where that is refused it shows in what is asked below it. */
  private prepare(ready: () => void): void {
    if (this.chroot === '') return ready()
    const onError = (code: ZooKeeperErrorCode): void => {
      if (code === 'noNode') this.makeChroot(ready)
      else if (code !== 'connectionLoss') ready()
    }
    this.session.askFirst({ op: 'exists', path: this.chroot, watch: false }, { onAnswer: ready, onError })
  }

  private makeChroot(ready: () => void): void {
    const parts = this.chroot.slice(1).split('/')
    parts.forEach((_, at) => {
      const path = `/${parts.slice(0, at + 1).join('/')}`
      const isLast = at === parts.length - 1
      const onError = (code: ZooKeeperErrorCode): void => {
        if (isLast && code !== 'connectionLoss') ready()
      }
      const acl = this.aclOf('/')
      const request: Request = { op: 'create', path, data: Buffer.alloc(0), acl, mode: 'persistent', withStat: true }
      this.session.askFirst(request, { onAnswer: () => (isLast ? ready() : undefined), onError })
    })
  }
}

function checkOptions(options: ZooKeeperOptions): void {
  if (options.tls === true) throw new ZooKeeperSettingError('TLS to the ensemble is not there: its connections are plain TCP')
  if (!(options.sessionTimeoutMs > 0)) throw new ZooKeeperSettingError('the session timeout must be more than 0 ms')
  if (options.digest !== undefined && !/^[^:]+:/.test(options.digest)) throw new ZooKeeperSettingError("the digest must be 'user:password'")
}

/** The path that is looked at: a sequential node's name may end with a slash, as a number is put after it. */
function sampleOf(operation: ZooKeeperOperation): string {
  return operation.op === 'create' && operation.mode.endsWith('Sequential') ? `${operation.path}1` : operation.path
}
