import type { Prng } from '../../base/prng.ts'
import { ZooKeeperError, type ZNodeStat } from '../../zookeeper/zookeeper.ts'
import { SessionView } from './session-view.ts'
import type { Stand, Witness } from './stand.ts'
import type { Deed, WorkHistory } from './work-history.ts'

export const registers = ['/r0', '/r1', '/r2'] as const
export const crowd = '/d'

type Outcome = Pick<Deed, 'outcome'> & { readonly stats: readonly ZNodeStat[]; readonly value: string }

/** A client that does this and that to a few nodes, with some of its requests under way at once, and takes a new session when one has expired. */
export class Worker {
  witness: Witness
  sessions = 0
  private view: SessionView
  private known = new Map<string, number>()
  private session = -1
  private values = 0
  private readonly stand: Stand
  private readonly history: WorkHistory
  private readonly prng: Prng
  private readonly name: string

  constructor(stand: Stand, history: WorkHistory, prng: Prng, name: string) {
    this.stand = stand
    this.history = history
    this.prng = prng
    this.name = name
    this.view = new SessionView('')
    this.witness = this.connect()
  }

  /** A new session: with a view of its own, which what is told to earlier ones does not touch. */
  private connect(): Witness {
    this.sessions += 1
    this.session = this.history.now()
    const view = new SessionView(`${this.name} session ${this.sessions}`)
    this.view = view
    // Answers come to whoever waits for them a microtask after they were taken; so do events here, in the same order.
    return this.stand.client({}, (event) => void Promise.resolve().then(() => view.onEvent(event)))
  }

  private get isExpired(): boolean {
    return this.witness.states.at(-1) === 'expired'
  }

  /** Has a session that watches everything. */
  async begin(): Promise<void> {
    for (;;) {
      if (this.isExpired) {
        this.collect()
        this.known = new Map()
        this.witness = this.connect()
      }
      const isWatching = await this.witness.zk.watch('/').then(
        () => true,
        () => false,
      )
      if (isWatching) return
    }
  }

  async work(steps: number): Promise<void> {
    await this.begin()
    for (let step = 0; step < steps; step += 1) {
      const asked = Array.from({ length: this.prng.between(1, 4) }, () => this.act())
      await Promise.all(asked)
      if (this.isExpired) await this.begin()
      await this.stand.wait(this.prng.below(120))
    }
  }

  /** After all is well: what the session was shown of everything, and was not told of since, is still so. */
  async finish(): Promise<readonly string[]> {
    await this.begin()
    await this.witness.zk.sync('/').catch(() => {})
    const values = await Promise.all(registers.map((path) => this.read(path)))
    await this.list()
    this.collect()
    return values
  }

  private collect(): void {
    this.history.problems.push(...this.view.problems.splice(0))
  }

  private act(): Promise<unknown> {
    const path = this.prng.pick(registers)
    switch (this.prng.below(10)) {
      case 0:
      case 1:
        return this.write([path], -1)
      case 2:
      case 3:
        return this.write([path], this.known.get(path) ?? 0)
      case 4:
        return this.write([path, this.prng.pick(registers.filter((it) => it !== path))], -1)
      case 5:
        return this.come()
      case 6:
        return this.list()
      case 7:
        return this.witness.zk.sync(path).catch(() => {})
      default:
        return this.read(path)
    }
  }

  private async write(paths: readonly string[], version: number): Promise<void> {
    this.values += 1
    const value = `${this.name}-${this.values}`
    const data = Buffer.from(value)
    const { zk } = this.witness
    const [path = ''] = paths
    const asking =
      paths.length === 1
        ? this.watchOne(zk.set(path, data, version), path, value)
        : this.outcomeOf(
            zk.multi(paths.map((it) => ({ op: 'set', path: it, data, version: it === path ? version : (this.known.get(it) ?? 0) }))),
            (results) => results.flatMap((it) => (it.op === 'set' ? [it.stat] : [])),
            () => value,
          )
    await this.record('write', paths, asking, value)
  }

  private watchOne(asked: Promise<ZNodeStat>, path: string, value: string): Promise<Outcome> {
    const { view } = this
    return this.outcomeOf(
      asked,
      (stat) => {
        view.onNode(path, stat.mzxid)
        return [stat]
      },
      () => value,
    )
  }

  private async read(path: string): Promise<string> {
    const { view } = this
    const asking = this.outcomeOf(
      this.witness.zk.get(path),
      ({ stat }) => {
        view.onNode(path, stat.mzxid)
        return [stat]
      },
      ({ data }) => data.toString(),
    )
    return this.record('read', [path], asking, '')
  }

  private outcomeOf<T>(asked: Promise<T>, statsOf: (answer: T) => readonly ZNodeStat[], valueOf: (answer: T) => string): Promise<Outcome> {
    return asked.then(
      (answer): Outcome => ({ outcome: 'ok', stats: statsOf(answer), value: valueOf(answer) }),
      (error: unknown): Outcome => {
        if (!(error instanceof ZooKeeperError)) throw error
        return { outcome: error.code === 'connectionLoss' ? 'lost' : 'refused', stats: [], value: '' }
      },
    )
  }

  private async record(kind: Deed['kind'], paths: readonly string[], asking: Promise<Outcome>, written: string): Promise<string> {
    const { session, known } = this
    const askedAt = this.history.now()
    const { outcome, stats, value } = await asking
    const settledAt = this.history.now()
    paths.forEach((path, at) => {
      const { mzxid = 0n, version = -1 } = stats[at] ?? {}
      if (outcome === 'ok') known.set(path, version)
      this.history.deeds.push({
        session,
        kind,
        path,
        value: kind === 'write' ? written : value,
        askedAt,
        settledAt,
        outcome,
        mzxid,
        version,
      })
    })
    return value
  }

  /** Somebody comes to the crowd, or goes. */
  private come(): Promise<unknown> {
    const path = `${crowd}/${this.prng.below(4)}`
    const { zk } = this.witness
    const mode = this.prng.chance(0.5) ? 'ephemeral' : 'persistent'
    return (this.prng.chance(0.5) ? zk.create(path, Buffer.alloc(0), mode) : zk.delete(path, -1)).catch((error: unknown) => {
      if (!(error instanceof ZooKeeperError)) throw error
    })
  }

  private list(): Promise<void> {
    const { view } = this
    return this.witness.zk.children(crowd).then(
      (names) => view.onList(crowd, names),
      () => {},
    )
  }
}
