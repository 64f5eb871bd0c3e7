import type { ZooKeeperErrorCode } from '../zookeeper.ts'

/** org.apache.zookeeper.KeeperException.Code, as far as a server sends it. */
const codes: readonly (readonly [number, ZooKeeperErrorCode])[] = [
  [-1, 'systemError'],
  [-4, 'connectionLoss'],
  [-5, 'marshallingError'],
  [-6, 'unimplemented'],
  [-7, 'operationTimeout'],
  [-8, 'badArguments'],
  [-101, 'noNode'],
  [-102, 'noAuth'],
  [-103, 'badVersion'],
  [-108, 'noChildrenForEphemerals'],
  [-110, 'nodeExists'],
  [-111, 'notEmpty'],
  [-112, 'sessionExpired'],
  [-114, 'invalidAcl'],
  [-115, 'authFailed'],
  [-118, 'sessionMoved'],
  [-119, 'notReadOnly'],
  [-122, 'requestTimeout'],
  // SESSIONCLOSEDREQUIRESASLAUTH
  [-124, 'authFailed'],
]

const byNumber = new Map(codes)
const byCode = new Map([...codes].reverse().map(([number, code]) => [code, number]))

/** Of an operation of a failed multi that comes after the one that was refused. */
export const RUNTIME_INCONSISTENCY = -2

/** A number that is not known (an inconsistency of the server, a quota, a server that throttles) is a `systemError`. */
export function errorCodeOf(number: number): ZooKeeperErrorCode {
  return byNumber.get(number) ?? 'systemError'
}

export function numberOf(code: ZooKeeperErrorCode): number {
  return byCode.get(code) ?? -1
}
