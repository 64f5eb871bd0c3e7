import { type JuteReader, JuteWriter, malformed } from './jute.ts'
import { type MultiResult, type OperationResult, readResult, readResults, typeOf, writeResult, writeResults } from './operations.ts'
import { readStat, type Stat, writeStat } from './records.ts'
import { type Request, xids } from './requests.ts'

/** org.apache.zookeeper.proto.ReplyHeader: `zxid` is the last transaction that the server had carried out; `error` 0 when there was none. */
export interface ReplyHeader {
  readonly xid: number
  readonly zxid: bigint
  readonly error: number
}

export type Answer =
  | OperationResult
  | { readonly op: 'get'; readonly data: Buffer; readonly stat: Stat }
  | { readonly op: 'exists'; readonly stat: Stat }
  | { readonly op: 'children'; readonly children: readonly string[]; readonly stat: Stat }
  | { readonly op: 'sync'; readonly path: string }
  | { readonly op: 'multi'; readonly results: readonly MultiResult[] }
  | { readonly op: 'auth' | 'setWatches' | 'addWatch' | 'closeSession' | 'ping' }

export type WatchEventType = 'created' | 'deleted' | 'changed' | 'childrenChanged'

export interface WatchEvent {
  readonly type: WatchEventType
  readonly path: string
}

/** In the order of Watcher.Event.EventType, from 1. */
const eventTypes: readonly WatchEventType[] = ['created', 'deleted', 'changed', 'childrenChanged']
/** Watcher.Event.KeeperState.SyncConnected, which all events of nodes have. */
const syncConnected = 3

export function readReplyHeader(from: JuteReader): ReplyHeader {
  return { xid: from.int(), zxid: from.long(), error: from.int() }
}

/** The body of an answer without error. @throws ZooKeeperError (`marshallingError`) */
export function readAnswer(request: Request, from: JuteReader): Answer {
  switch (request.op) {
    case 'create':
    case 'set':
    case 'delete':
    case 'check':
      return readResult(typeOf(request), from)
    case 'get':
      return { op: 'get', data: from.buffer() ?? Buffer.alloc(0), stat: readStat(from) }
    case 'exists':
      return { op: 'exists', stat: readStat(from) }
    case 'children':
      return { op: 'children', children: from.vector(() => from.text()), stat: readStat(from) }
    case 'sync':
      return { op: 'sync', path: from.text() }
    case 'multi':
      return { op: 'multi', results: readResults(from) }
    default:
      return { op: request.op }
  }
}

/** Null: an event that is not of a node (the state of the session, a watch that was removed). */
export function readEvent(from: JuteReader): WatchEvent | null {
  const type = eventTypes[from.int() - 1]
  from.int()
  const path = from.text()
  return type === undefined ? null : { type, path }
}

/** A server's answer; without a body when there is an error. A frame, its size included. */
export function writeAnswer(header: ReplyHeader, answer: Answer | null): Buffer {
  const to = new JuteWriter().int(header.xid).long(header.zxid).int(header.error)
  switch (answer?.op) {
    case 'create':
    case 'set':
    case 'delete':
    case 'check':
      writeResult(to, answer)
      break
    case 'get':
      writeStat(to.buffer(answer.data), answer.stat)
      break
    case 'exists':
      writeStat(to, answer.stat)
      break
    case 'children':
      to.vector(answer.children, (name) => void to.text(name))
      writeStat(to, answer.stat)
      break
    case 'sync':
      to.text(answer.path)
      break
    case 'multi':
      writeResults(to, answer.results)
      break
    default:
  }
  return to.frame()
}

export function writeEvent(event: WatchEvent): Buffer {
  const to = new JuteWriter().int(xids.event).long(-1n).int(0)
  return to
    .int(eventTypes.indexOf(event.type) + 1)
    .int(syncConnected)
    .text(event.path)
    .frame()
}

/** Gives what an answer must be by its request. @throws ZooKeeperError (`marshallingError`) when it is another */
export function expectOp<Op extends Answer['op']>(answer: Answer, op: Op): Extract<Answer, { readonly op: Op }> {
  if (!isOf(answer, op)) throw malformed()
  return answer
}

function isOf<Op extends Answer['op']>(answer: Answer, op: Op): answer is Extract<Answer, { readonly op: Op }> {
  return answer.op === op
}
