import { JuteReader, JuteWriter, malformed } from './jute.ts'
import { type Operation, readOperation, readOperations, typeOf, writeOperation, writeOperations } from './operations.ts'

/** What a server is asked to tell of again after the connection was made anew: what changed after `relativeZxid` it tells at once. */
export interface WatchesToSet {
  readonly relativeZxid: bigint
  /** Nodes that were there: `deleted`, or `changed`. */
  readonly data: readonly string[]
  /** Nodes that were not there: `created`. */
  readonly exist: readonly string[]
  readonly child: readonly string[]
  readonly persistent: readonly string[]
  readonly persistentRecursive: readonly string[]
}

export type Request =
  | Operation
  | { readonly op: 'get' | 'exists' | 'children'; readonly path: string; readonly watch: boolean }
  | { readonly op: 'sync'; readonly path: string }
  | { readonly op: 'multi'; readonly operations: readonly Operation[] }
  | { readonly op: 'auth'; readonly scheme: string; readonly auth: Buffer }
  | { readonly op: 'setWatches'; readonly watches: WatchesToSet }
  | { readonly op: 'addWatch'; readonly path: string; readonly recursive: boolean }
  | { readonly op: 'closeSession' }
  | { readonly op: 'ping' }

/** Of requests that are not numbered, and of events (org.apache.zookeeper.ClientCnxn). */
export const xids = { event: -1, ping: -2, auth: -4, setWatches: -8 } as const

/** org.apache.zookeeper.ZooDefs.OpCode; `children` is getChildren2, whose answer has a stat, `setWatches` is setWatches2. */
const types = {
  exists: 3,
  get: 4,
  sync: 9,
  ping: 11,
  children: 12,
  multi: 14,
  auth: 100,
  setWatches: 105,
  addWatch: 106,
  closeSession: -11,
} as const

const opOf: ReadonlyMap<number, keyof typeof types> = new Map(Object.entries(types).map(([op, type]) => [type, op as keyof typeof types]))

/** AddWatchMode */
const persistentRecursive = 1

/** A frame, its size included. */
export function writeRequest(xid: number, request: Request): Buffer {
  const to = new JuteWriter().int(xid)
  switch (request.op) {
    case 'create':
    case 'set':
    case 'delete':
    case 'check':
      writeOperation(to.int(typeOf(request)), request)
      break
    case 'get':
    case 'exists':
    case 'children':
      to.int(types[request.op]).text(request.path).bool(request.watch)
      break
    case 'sync':
      to.int(types.sync).text(request.path)
      break
    case 'multi':
      writeOperations(to.int(types.multi), request.operations)
      break
    case 'auth':
      to.int(types.auth).int(0).text(request.scheme).buffer(request.auth)
      break
    case 'setWatches':
      writeWatches(to.int(types.setWatches), request.watches)
      break
    case 'addWatch':
      to.int(types.addWatch)
        .text(request.path)
        .int(request.recursive ? persistentRecursive : 0)
      break
    case 'closeSession':
    case 'ping':
      to.int(types[request.op])
  }
  return to.frame()
}

function writeWatches(to: JuteWriter, watches: WatchesToSet): void {
  to.long(watches.relativeZxid)
  for (const paths of [watches.data, watches.exist, watches.child, watches.persistent, watches.persistentRecursive])
    to.vector(paths, (path) => void to.text(path))
}

function readWatches(from: JuteReader): WatchesToSet {
  const paths = (): string[] => from.vector(() => from.text())
  return {
    relativeZxid: from.long(),
    data: paths(),
    exist: paths(),
    child: paths(),
    persistent: paths(),
    persistentRecursive: paths(),
  }
}

/** What a server reads; the frame is without its size. @throws ZooKeeperError (`marshallingError`) */
export function readRequest(frame: Buffer): { readonly xid: number; readonly request: Request } {
  const from = new JuteReader(frame)
  const xid = from.int()
  const type = from.int()
  return { xid, request: readOperation(type, from) ?? readOther(type, from) }
}

function readOther(type: number, from: JuteReader): Request {
  const op = opOf.get(type)
  switch (op) {
    case 'get':
    case 'exists':
    case 'children':
      return { op, path: from.text(), watch: from.bool() }
    case 'sync':
      return { op, path: from.text() }
    case 'multi':
      return { op, operations: readOperations(from) }
    case 'auth':
      return readAuth(from)
    case 'setWatches':
      return { op, watches: readWatches(from) }
    case 'addWatch':
      return { op, path: from.text(), recursive: from.int() === persistentRecursive }
    case 'closeSession':
    case 'ping':
      return { op }
    case undefined:
      throw malformed()
  }
}

function readAuth(from: JuteReader): Request {
  from.int()
  return { op: 'auth', scheme: from.text(), auth: from.buffer() ?? Buffer.alloc(0) }
}
