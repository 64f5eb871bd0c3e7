import { DiskError, NetworkError } from '../base/ports.ts'
import { type ExitCode, exitCodes, StartProblem } from './exit-codes.ts'

/** Why a node could not start or go on, in a form that passes between threads. */
export interface Failure {
  readonly exitCode: ExitCode
  readonly message: string
}

/** Errors of the cluster and of the ensemble, by name: what throws them is loaded only where it is needed. */
const saysAll: ReadonlySet<string> = new Set([
  'RegistrationRefusedError',
  'ForeignEnsembleError',
  'EnsembleUnreachableError',
  'ZooKeeperSettingError',
])

/** What a person is told, and the status with which the process ends. */
export function failureOf(error: unknown): Failure {
  if (error instanceof StartProblem) return { exitCode: error.exitCode, message: error.message }
  // Of broker/directories.ts, which is loaded only where there is a broker; its message says what to do.
  if (error instanceof Error && error.name === 'DirectoryProblem') return { exitCode: exitCodes.directory, message: error.message }
  if (error instanceof NetworkError) return { exitCode: exitCodes.port, message: networkAdvice(error) }
  if (error instanceof DiskError) return { exitCode: exitCodes.directory, message: diskAdvice(error) }
  if (error instanceof Error && error.name === 'DirectoryProblem') return { exitCode: exitCodes.directory, message: error.message }
  // What the cluster refuses is no bug of ours: the message says all, a stack would hide it.
  if (error instanceof Error && saysAll.has(error.name)) return { exitCode: exitCodes.failed, message: error.message }
  return { exitCode: exitCodes.failed, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

/** Messages of Network.listen begin with `listen host:port`. */
function networkAdvice(error: NetworkError): string {
  const [, address = 'the address', port = ''] = /^listen (\S*:(\d+)):/.exec(error.message) ?? []
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use. Stop what listens there (ss -ltnp 'sport = :${port}' names it), or give this node another port in 'listeners'.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${address} is not an address of this machine. Correct 'listeners' (an empty host stands for all addresses).`
    case 'EACCES':
      return `Port ${port} may not be taken by this user (ports below 1024 need rights). Choose another one in 'listeners'.`
    default:
      return `The network failed: ${error.message}.`
  }
}

function diskAdvice(error: DiskError): string {
  switch (error.code) {
    case 'EAGAIN':
      return `${error.path} is held by another process. Stop that one, or give this node other log.dirs.`
    case 'ENOSPC':
      return `The disk that holds ${error.path} is full. Free some space, then start again: nothing acknowledged was lost.`
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `${error.path} may not be written by this user (${error.code}). Correct its rights, or 'log.dirs'.`
    case 'EMFILE':
    case 'ENFILE':
      return `No more files can be opened (${error.code}). Raise the limit (ulimit -n) and start again.`
    default:
      return `The disk failed: ${error.message}.`
  }
}
