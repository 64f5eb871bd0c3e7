import type { Clock } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import { paths } from '../../znodes/paths.ts'
import { bytesOf, cutByBytes, journalPath, journalZnode, type StoredLog, storedLogText } from '../../znodes/stored-log.ts'
import type { ZnodeChange } from '../../znodes/znode-tree.ts'
import { type ZooKeeper, ZooKeeperError, type ZooKeeperOperation } from '../../zookeeper/zookeeper.ts'

/** Of paths and texts in one multi, and raw in one znode of the journal (whose JSON may be twice as long): `jute.maxbuffer` is 1 MiB. */
export const multiBytesMax = 512 * 1024
const journalBytesMax = 256 * 1024
/** A znode larger than this is accepted by no server. */
export const znodeBytesMax = 900 * 1024
/** Multis under way at once. */
const inFlightMax = 32
const retryMs: Millis = 50

interface Multi {
  readonly operations: readonly ZooKeeperOperation[]
  readonly stored: StoredLog
  /** The version that `/odradek/log` has after it. */
  readonly versionAfter: number
  readonly onDone: (() => void) | null
}

export interface WriterStart {
  /** Of `/controller_epoch`, as this controller's election left it. */
  readonly epochVersion: number
  /** Of `/odradek/log`. */
  readonly logVersion: number
  readonly stored: StoredLog
}

/**
 * The one hand that writes the znodes, for one controller epoch.
 *
 *  1. Each multi checks the version of `/controller_epoch` and sets `/odradek/log` under the version that the one before leaves: nothing is written after
 *     another controller was elected (ZK-1), nothing twice, and nothing after something that was not.
 *  2. Multis go out one behind the other, without waiting. When the connection is lost, nobody knows which of them were carried out: all answers are
 *     waited for, the version of `/odradek/log` is read behind a `sync`, and says it. What was not carried out goes out again.
 *  3. A batch that is too large for one multi is first written to the journal, piece by piece; its commit is the multi in which `/odradek/log` names the
 *     journal; then its changes are carried out, and last the journal is let go. Whoever reads the znodes reads the journal over them.
 *  4. What is refused for any other reason than the connection means that this controller is not alone: it writes nothing more.
 */
export class ZnodeWriter {
  private readonly zk: ZooKeeper
  private readonly clock: Clock
  private readonly epochVersion: number
  private readonly onDeposed: (why: string) => void
  private logVersion: number
  private stored: StoredLog
  private queue: Multi[] = []
  private inFlight: Multi[] = []
  private unsettled = 0
  private lost = false
  private stopped = false

  constructor(zk: ZooKeeper, clock: Clock, start: WriterStart, onDeposed: (why: string) => void) {
    this.zk = zk
    this.clock = clock
    this.epochVersion = start.epochVersion
    this.logVersion = start.logVersion
    this.stored = start.stored
    this.onDeposed = onDeposed
  }

  /** Multis that nobody knows to be carried out. */
  get waiting(): number {
    return this.queue.length + this.inFlight.length
  }

  stop(): void {
    this.stopped = true
    this.queue = []
  }

  /** `onCommitted` is called when these changes are part of the fold, whatever happens then. */
  write(changes: readonly ZnodeChange[], after: StoredLog, onCommitted: () => void): void {
    const size = changes.reduce((sum, change) => sum + bytesOf(change), 0)
    if (size <= multiBytesMax) this.enqueue(changes.map(operationOf), after, onCommitted)
    else this.writeByJournal(changes, after, onCommitted)
    this.pump()
  }

  private writeByJournal(changes: readonly ZnodeChange[], after: StoredLog, onCommitted: () => void): void {
    const pieces = cutByBytes(changes, journalBytesMax)
    for (const [at, piece] of pieces.entries()) {
      const [path, text] = journalZnode(at, piece)
      this.enqueue([{ op: 'create', path, data: Buffer.from(text), mode: 'persistent' }], this.stored, null)
    }
    this.enqueue([], { ...after, journal: pieces.length }, onCommitted)
    this.finishJournal(
      changes,
      pieces.map((_, at) => journalPath(at)),
    )
  }

  /** Carries out what a journal holds, and lets its znodes go. */
  finishJournal(changes: readonly ZnodeChange[], journal: readonly string[]): void {
    for (const list of cutByBytes(changes, multiBytesMax)) this.enqueue(list.map(operationOf), this.stored, null)
    const deletes = journal.map((path): ZooKeeperOperation => ({ op: 'delete', path, version: -1 }))
    this.enqueue(deletes, { ...this.stored, journal: 0 }, null)
    this.pump()
  }

  private enqueue(operations: readonly ZooKeeperOperation[], stored: StoredLog, onDone: (() => void) | null): void {
    this.logVersion += 1
    this.stored = stored
    this.queue.push({ operations, stored, versionAfter: this.logVersion, onDone })
  }

  private pump(): void {
    while (!this.stopped && !this.lost && this.inFlight.length < inFlightMax) {
      const next = this.queue.shift()
      if (next === undefined) return
      this.inFlight.push(next)
      this.send(next)
    }
  }

  private send(multi: Multi): void {
    this.unsettled += 1
    const data = Buffer.from(storedLogText(multi.stored))
    this.zk
      .multi([
        { op: 'check', path: paths.controllerEpoch, version: this.epochVersion },
        { op: 'set', path: paths.log, data, version: multi.versionAfter - 1 },
        ...multi.operations,
      ])
      .then(
        () => this.onAnswered(multi, null),
        (error: unknown) => {
          if (!(error instanceof ZooKeeperError)) throw error
          this.onAnswered(multi, error)
        },
      )
  }

  private onAnswered(multi: Multi, error: ZooKeeperError | null): void {
    this.unsettled -= 1
    if (this.stopped) return
    if (error === null) this.doneUpTo(multi.versionAfter)
    else if (error.code === 'connectionLoss') this.lost = true
    else if (!this.lost) return this.depose(error.message)
    if (this.lost && this.unsettled === 0) void this.findOut()
    else this.pump()
  }

  private doneUpTo(version: number): void {
    while (!this.stopped) {
      const [first] = this.inFlight
      if (first === undefined || first.versionAfter > version) return
      this.inFlight.shift()
      first.onDone?.()
    }
  }

  private depose(why: string): void {
    this.stop()
    this.onDeposed(why)
  }

  /** Rule 2. */
  private async findOut(): Promise<void> {
    try {
      await this.zk.sync(paths.log)
      const { stat } = await this.zk.get(paths.log)
      if (this.stopped) return
      this.onFound(stat.version)
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error
      if (this.stopped) return
      if (error.code !== 'connectionLoss') return this.depose(error.message)
      this.clock.after(retryMs, () => this.stopped || void this.findOut())
    }
  }

  private onFound(version: number): void {
    const last = this.inFlight.at(-1)?.versionAfter ?? (this.queue[0]?.versionAfter ?? this.logVersion + 1) - 1
    if (version > last) return this.depose(`version ${version} of ${paths.log} is of another controller`)
    this.doneUpTo(version)
    if (this.stopped) return
    this.queue = [...this.inFlight, ...this.queue]
    this.inFlight = []
    this.lost = false
    this.pump()
  }
}

export function operationOf({ path, text, existed }: ZnodeChange): ZooKeeperOperation {
  if (text === null) return { op: 'delete', path, version: -1 }
  const data = Buffer.from(text)
  return existed ? { op: 'set', path, data, version: -1 } : { op: 'create', path, data, mode: 'persistent' }
}
