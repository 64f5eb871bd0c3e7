import type { Millis, Timestamp, Uuid } from './units.ts'

/**
 * All that a node may ask of the world. `node/` implements these with the operating system, `sim/` with one seeded scheduler;
 * everything above is the same code in both.
 */
export interface Ports {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly disk: Disk
  readonly network: Network
  readonly log: Log
}

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Monotonic milliseconds from an arbitrary start, with a fraction. All timeouts are measured with it. */
  mono(): Millis
  /** Wall-clock milliseconds since 1970: for record timestamps and retention only, never for timeouts. */
  wall(): Timestamp
  /** Calls `run` once, no earlier than `delay` milliseconds from now. Does not keep the process alive by itself. */
  after(delay: Millis, run: () => void): Timer
  /** Calls `run` at the end of the current turn of the event loop, before any more input is taken: where a turn's work is gathered. */
  endOfTurn(run: () => void): void
}

export interface Entropy {
  /** 0 .. 2^32-1 */
  uint32(): number
  uuid(): Uuid
}

/** The world failed on disk. `code` is the operating system's (`ENOSPC`, `EIO`, `ENOENT`, …). */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: string
  readonly path: string
  constructor(code: string, path: string, action: string) {
    super(`${action} ${path}: ${code}`)
    this.code = code
    this.path = path
  }
}

/** No bytes, no names or no quota left: nothing is wrong with what is on the disk, and it may pass. */
export function isOutOfSpace(error: unknown): error is DiskError & { readonly code: 'ENOSPC' | 'EDQUOT' } {
  return error instanceof DiskError && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

/**
 * A file system. Calls without a Promise complete in the page cache within the turn; those with one go through the thread pool.
 * All of them throw (or reject with) DiskError.
 */
export interface Disk {
  /** Opens for reading and writing. */
  open(path: string, options: { readonly create: boolean }): File
  exists(path: string): boolean
  /** Names in a directory, sorted; throws ENOENT when it is not there. */
  list(path: string): readonly string[]
  isDirectory(path: string): boolean
  /** Makes the directory and its parents; no error if it is there. */
  makeDirectory(path: string): void
  rename(from: string, to: string): void
  /** No error if the file is not there. */
  remove(path: string): void
  /** With all it holds; no error if it is not there. */
  removeTree(path: string): void
  /** A whole small file. */
  readSmall(path: string): Buffer
  /** A whole small file, replaced at once: temporary file, fsync, rename, fsync of the directory. Returns when it is durable. */
  replaceSmall(path: string, content: Buffer | string): Promise<void>
  /** As replaceSmall, blocking: for start-up, shutdown and votes. */
  replaceSmallSync(path: string, content: Buffer | string): void
  syncDirectory(path: string): Promise<void>
  /** As syncDirectory, blocking: for what is made before anything runs. */
  syncDirectoryNow(path: string): void
  /** Free and total bytes of the file system that holds `path`. */
  space(path: string): { readonly free: number; readonly total: number }
  /** Takes an exclusive lock for the life of this process; throws EAGAIN when another live process holds it. */
  lock(path: string): { release(): void }
  /**
   * Names the run of the machine (Linux: `/proc/sys/kernel/random/boot_id`): while it is the same, what a process has written is still to be read after
   * the process has died, synced or not. Null where the system does not tell.
   */
  bootId(): string | null
  /**
   * For what is read from a file to be sent: a connection of the same process that has sent it may give the memory out again. So it goes into one
   * `Connection.write` and nowhere else, or is dropped. Its content is arbitrary.
   */
  bufferToSend(bytes: number): Buffer
}

export interface File {
  readonly path: string
  size(): number
  /** Writes all of the buffers at `position`, or throws; a short write (a full disk) throws ENOSPC. */
  write(position: number, buffers: readonly Buffer[]): void
  /** As write, through the thread pool. */
  writeAsync(position: number, buffers: readonly Buffer[]): Promise<void>
  /** Fills `into` from `position`; returns the bytes read, fewer only at the end of the file. Blocks: for small or cached reads. */
  read(position: number, into: Buffer): number
  /** As read, through the thread pool: for data that may be cold. */
  readAsync(position: number, into: Buffer): Promise<number>
  truncate(size: number): void
  /** fdatasync. After it has failed once, the file must not be trusted again. */
  sync(): Promise<void>
  /** fdatasync, blocking: for votes and for metadata quorum appends, which live in a thread of their own. */
  syncNow(): void
  close(): void
}

export interface Network {
  /** Resolves when connected; rejects with NetworkError. */
  dial(host: string, port: number, options: { readonly timeoutMs: Millis }): Promise<Connection>
  /** Rejects with NetworkError (`EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`). */
  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener>
}

/** `code` is the operating system's: ECONNREFUSED is positive proof that nothing listens there; ETIMEDOUT proves nothing. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export interface Listener {
  readonly host: string
  readonly port: number
  /** Takes no more connections. */
  close(): Promise<void>
}

export interface ConnectionEvents {
  /** The bytes are the receiver's to keep. */
  onData(bytes: Buffer): void
  /** What was written has been taken by the peer's kernel after `write` had said false. */
  onDrain(): void
  /** Exactly once, and last. `code` is null for an orderly end. */
  onClose(code: string | null): void
}

export interface Connection {
  readonly remoteHost: string
  readonly remotePort: number
  readonly localPort: number
  /** Must be called once, in the turn in which the connection was handed over. */
  start(events: ConnectionEvents): void
  /**
   * Takes the buffers as they are (they must not change until sent; those of `Disk.bufferToSend` are not the caller's any more). False: stop writing
   * until `onDrain`.
   */
  write(buffers: readonly Buffer[]): boolean
  /** Bytes taken by `write` that the kernel has not taken yet. */
  pendingBytes(): number
  pause(): void
  resume(): void
  /** Sends what is pending, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line for a person, with fields for a program. `event` is a stable name such as `leader-changed`. */
export interface Log {
  write(level: LogLevel, event: string, message: string, fields?: Readonly<Record<string, string | number | boolean | null>>): void
}
