import type { Connection } from '../../base/ports.ts'
import { FrameAssembler } from '../../protocol/frame-assembler.ts'
import { type Answer, type WatchEvent, writeAnswer, writeEvent } from '../../zookeeper/wire/answers.ts'
import { numberOf } from '../../zookeeper/wire/errors.ts'
import { type ConnectRequest, passwordBytes, readConnectRequest, writeConnectResponse } from '../../zookeeper/wire/handshake.ts'
import { readRequest, type Request, xids } from '../../zookeeper/wire/requests.ts'
import type { ZooKeeperErrorCode } from '../../zookeeper/zookeeper.ts'
import { digestIdentity, type Identity, may } from './rights.ts'
import type { Origin, Transaction } from './transaction.ts'
import type { Tree } from './tree.ts'
import { ConnectionWatches } from './watches.ts'

/** What a connection asks of the server that it is at. */
export interface ServerSide {
  readonly tree: Tree
  readonly lastZxid: bigint
  /** Through the leader into the order of all. */
  propose(origin: Origin, session: bigint, identities: readonly Identity[], request: Request): void
  createSession(origin: Origin, timeoutMs: number): void
  /** Asks the leader whether it has this session, which is here from now on. Its timeout; 0 when it has not. */
  revalidate(session: bigint, password: Buffer, done: (timeoutMs: number) => void): void
  /** `done` when all is carried out here that the leader had committed when it heard of this. */
  sync(done: () => void): void
  onHeard(session: bigint): void
  passwordOf(session: bigint): Buffer
  grant(timeoutMs: number): number
  /** Ends the connections on which this session has been here until now (ZooKeeperServer.processConnectRequest). */
  displace(session: bigint): void
  forget(connection: ModelConnection): void
}

interface Pending {
  readonly xid: number
  readonly request: Request
  done: { readonly error: number; readonly answer: Answer | null } | null
}

const frameBytesMax = 0xf_ffff

/** A client's connection at a server of the model: requests are answered in their order, those that only read when all before them are answered. */
export class ModelConnection implements Origin {
  readonly server: ServerSide
  private readonly connection: Connection
  private readonly assembler = new FrameAssembler(frameBytesMax)
  private readonly watches = new ConnectionWatches()
  private identities: readonly Identity[] = []
  private state: 'new' | 'asking' | 'open' | 'closed' = 'new'
  session = 0n
  private timeoutMs = 0
  private pending: Pending[] = []

  constructor(server: ServerSide, connection: Connection) {
    this.server = server
    this.connection = connection
    connection.start({ onData: (bytes) => this.onData(bytes), onDrain: () => {}, onClose: () => this.onClose() })
  }

  /** The server ends it. */
  drop(): void {
    this.connection.destroy()
    this.onClose()
  }

  onCarriedOut(transaction: Transaction): void {
    if (this.state === 'asking' && transaction.kind === 'createSession') return this.open(transaction.session)
    const waiting = this.pending.find((it) => it.done === null && isOrdered(it.request))
    if (this.state !== 'open' || waiting === undefined) return
    waiting.done = { error: transaction.error, answer: transaction.answer }
    this.answer()
  }

  /** The session is closed: this ends once it is said. */
  onSessionClosed(): void {
    this.answer()
    if (this.state === 'closed') return
    this.connection.end()
    this.onClose()
  }

  tell(event: WatchEvent): void {
    if (this.state === 'open' && this.watches.take(event)) this.connection.write([writeEvent(event)])
  }

  private onClose(): void {
    this.state = 'closed'
    this.pending = []
    this.server.forget(this)
  }

  private onData(bytes: Buffer): void {
    if (this.state === 'closed') return
    this.assembler.push(bytes)
    for (let frame = this.assembler.next(); frame !== null && this.isThere(); frame = this.assembler.next()) {
      if (this.state === 'new') this.onHandshake(readConnectRequest(frame))
      else this.onRequest(readRequest(frame))
    }
  }

  private isThere(): boolean {
    return this.state !== 'closed'
  }

  private onHandshake(request: ConnectRequest): void {
    if (request.lastZxidSeen > this.server.lastZxid) return this.drop()
    this.state = 'asking'
    this.timeoutMs = this.server.grant(request.timeoutMs)
    if (request.sessionId === 0n) return this.server.createSession(this, this.timeoutMs)
    this.server.displace(request.sessionId)
    this.server.revalidate(request.sessionId, request.password, (timeoutMs) => {
      this.timeoutMs = timeoutMs
      if (timeoutMs > 0) this.open(request.sessionId)
      else this.refuse()
    })
  }

  private open(session: bigint): void {
    if (this.state !== 'asking') return
    this.state = 'open'
    this.session = session
    const password = this.server.passwordOf(session)
    this.connection.write([writeConnectResponse({ timeoutMs: this.timeoutMs, sessionId: session, password, readOnly: false })])
    this.server.onHeard(session)
  }

  private refuse(): void {
    if (this.state !== 'asking') return
    const nothing = { timeoutMs: 0, sessionId: 0n, password: Buffer.alloc(passwordBytes), readOnly: false }
    this.connection.write([writeConnectResponse(nothing)])
    this.connection.end()
    this.onClose()
  }

  private onRequest({ xid, request }: { readonly xid: number; readonly request: Request }): void {
    this.server.onHeard(this.session)
    if (request.op === 'auth') return this.authenticate(request.scheme, request.auth)
    const pending: Pending = { xid, request, done: null }
    this.pending.push(pending)
    if (isOrdered(request)) this.server.propose(this, this.session, this.identities, request)
    else if (request.op === 'sync') this.server.sync(() => this.onSynced(pending, request.path))
    else this.answer()
  }

  private onSynced(pending: Pending, path: string): void {
    pending.done = { error: 0, answer: { op: 'sync', path } }
    this.answer()
  }

  private authenticate(scheme: string, auth: Buffer): void {
    const identity = scheme === 'digest' ? digestIdentity(auth) : null
    const error = identity === null ? numberOf('authFailed') : 0
    this.connection.write([writeAnswer({ xid: xids.auth, zxid: 0n, error }, null)])
    if (identity === null) return this.drop()
    this.identities = [...this.identities, identity]
  }

  /** All that can be answered now. */
  private answer(): void {
    for (let next = this.pending[0]; next !== undefined && this.state === 'open'; next = this.pending[0]) {
      if (next.done === null && (isOrdered(next.request) || next.request.op === 'sync')) return
      this.pending.shift()
      const { error, answer } = next.done ?? this.read(next.request)
      this.connection.write([writeAnswer({ xid: next.xid, zxid: this.server.lastZxid, error }, answer)])
    }
  }

  private read(request: Request): { readonly error: number; readonly answer: Answer | null } {
    switch (request.op) {
      case 'get':
      case 'exists':
      case 'children':
        return this.readNode(request)
      case 'addWatch':
        this.watches.add(request.path, request.recursive)
        return { error: 0, answer: { op: 'addWatch' } }
      case 'setWatches':
        for (const event of this.watches.set(request.watches, this.server.tree)) this.connection.write([writeEvent(event)])
        return { error: 0, answer: { op: 'setWatches' } }
      case 'ping':
        return { error: 0, answer: { op: 'ping' } }
      default:
        return refused('unimplemented')
    }
  }

  private readNode({ op, path, watch }: Request & { op: 'get' | 'exists' | 'children' }): ReturnType<ModelConnection['read']> {
    const { tree } = this.server
    const node = tree.get(path)
    if (op === 'exists' && watch) this.watches.watchData(path)
    if (node === undefined) return refused('noNode')
    if (op !== 'exists' && !may(this.identities, 'read', node.acl)) return refused('noAuth')
    if (op === 'get' && watch) this.watches.watchData(path)
    if (op === 'children' && watch) this.watches.watchChildren(path)
    const stat = tree.statOf(path)
    if (op === 'get') return { error: 0, answer: { op, data: node.data, stat } }
    return { error: 0, answer: op === 'exists' ? { op, stat } : { op, children: tree.childrenOf(path), stat } }
  }
}

function refused(code: ZooKeeperErrorCode): { readonly error: number; readonly answer: null } {
  return { error: numberOf(code), answer: null }
}

/** Has a place in the order of all. */
function isOrdered({ op }: Request): boolean {
  return op === 'create' || op === 'set' || op === 'delete' || op === 'check' || op === 'multi' || op === 'closeSession'
}
