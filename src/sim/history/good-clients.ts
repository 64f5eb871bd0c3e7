import type { Offset } from '../../base/units.ts'
import type { Fate, GoodWorld, Life, ModelTransaction } from './good-world.ts'
import type { Key, OperationId, Process } from './operation.ts'

type Polled = { key: Key; value: number; offset: Offset }[]

/** What a consumer that assigns its partitions keeps. */
export class Places {
  private readonly world: GoodWorld
  private readonly readsCommitted: boolean
  readonly next = new Map<Key, Offset>()

  constructor(world: GoodWorld, readsCommitted: boolean) {
    this.world = world
    this.readsCommitted = readsCommitted
  }

  assign(keys: readonly Key[], start: (key: Key) => Offset = () => 0): void {
    for (const key of [...this.next.keys()]) if (!keys.includes(key)) this.next.delete(key)
    for (const key of keys) if (!this.next.has(key)) this.next.set(key, start(key))
  }

  poll(countMax: number): Polled {
    const polled: Polled = []
    for (const [key, from] of this.next) {
      if (this.world.prng.chance(0.2)) continue
      const { records, next } = this.world.log(key).fetch(from, this.readsCommitted, this.world.prng.between(1, countMax))
      polled.push(...records.map((record) => ({ key, ...record })))
      this.next.set(key, next)
    }
    return polled
  }
}

/** Sends outside of transactions; not knowing what has come of a record, it may send it again. */
export function* producer(world: GoodWorld, name: Process, isIdempotent: boolean): Life {
  const again: { key: Key; value: number }[] = []
  while (!world.isCalm) {
    const sends = again.length > 0 && world.prng.chance(0.5) ? again.splice(0, 2) : world.freshSends(3, [...world.keys, 'in'])
    const id = world.invoke(name, { f: 'send', sends })
    yield
    const fate = world.fate()
    const offsets: Offset[] = []
    for (const { key, value } of sends) {
      if (fate === 'late') world.later(() => world.log(key).append(value))
      if (fate !== 'ok' && fate !== 'silent') continue
      offsets.push(world.log(key).append(value))
      if (!isIdempotent && world.prng.chance(0.1)) world.log(key).append(value)
      yield
    }
    world.end(id, fate, { offsets: fate === 'ok' || world.prng.chance(0.5) ? world.told(offsets) : [] })
    if (fate !== 'ok') again.push(...sends.filter(({ key }) => key !== 'in'))
    yield
  }
}

/** Polls and sends in transactions. */
export function* transactional(world: GoodWorld, name: Process): Life {
  const places = new Places(world, true)
  places.assign(world.keys)
  const assign = world.invoke(name, { f: 'assign', keys: world.keys })
  world.end(assign, 'ok')
  while (!world.isCalm) {
    const before = new Map(places.next)
    const transaction = world.newTransaction()
    const id = world.invoke(name, { f: 'txn' })
    const offsets: Offset[] = []
    const polls: Polled = []
    for (let steps = world.prng.between(1, 4); steps > 0; steps -= 1) {
      yield
      if (world.prng.chance(0.4)) polls.push(...places.poll(3))
      else offsets.push(...sendIn(world, id, transaction, world.freshSends(2)))
    }
    const fate = world.fate()
    settle(world, transaction, fate)
    yield
    const isTold = fate === 'ok' || world.prng.chance(0.5)
    world.end(id, fate, { polls, offsets: isTold ? world.told(offsets) : [] })
    if (fate !== 'ok') for (const [key, offset] of before) places.next.set(key, offset)
    while (!world.isOver(transaction)) yield
  }
}

function sendIn(world: GoodWorld, id: OperationId, transaction: ModelTransaction, sends: readonly { key: Key; value: number }[]): Offset[] {
  world.sending(id, sends)
  return sends.map(({ key, value }) => {
    transaction.keys.add(key)
    return world.log(key).append(value, transaction)
  })
}

/** A transaction whose fate nobody knows is decided by its coordinator all the same, at some time. */
function settle(world: GoodWorld, transaction: ModelTransaction, fate: Fate): void {
  if (fate === 'late') world.later(() => world.decide(transaction, true))
  else if (fate === 'lost') world.later(() => world.decide(transaction, false))
  else world.decide(transaction, fate === 'ok' || fate === 'silent')
}

/** Reads what it has assigned, seeks, crashes and asks for the latest offsets. */
export function* assigned(world: GoodWorld, name: Process, readsCommitted: boolean, startsAtEnd: boolean): Life {
  const end = (key: Key): Offset => (readsCommitted ? world.log(key).stableEnd : world.log(key).end)
  const places = new Places(world, readsCommitted)
  const assign = function* (): Life {
    const keys = world.keys.filter(() => world.prng.chance(0.8))
    const id = world.invoke(name, { f: 'assign', keys })
    yield
    places.assign(keys, startsAtEnd ? end : undefined)
    world.end(id, world.prng.chance(0.1) ? 'silent' : 'ok')
  }
  yield* assign()
  while (!world.isCalm) {
    const chance = world.prng.fraction()
    if (chance < 0.05) yield* assign()
    else if (chance < 0.1) crash(world, name, () => places.next.clear())
    else if (chance < 0.15) seek(world, name, places)
    else if (chance < 0.25) yield* list(world, name, end)
    else yield* poll(world, name, places)
    yield
  }
}

function crash(world: GoodWorld, name: Process, forget: () => void): void {
  const id = world.invoke(name, { f: 'crash' })
  forget()
  world.end(id, 'lost')
}

function seek(world: GoodWorld, name: Process, places: Places): void {
  for (const key of places.next.keys()) {
    const offset = world.prng.below(world.log(key).end + 1)
    const id = world.invoke(name, { f: 'seek', positions: [{ key, offset }] })
    places.next.set(key, offset)
    world.end(id, 'ok')
  }
}

function* list(world: GoodWorld, name: Process, end: (key: Key) => Offset): Life {
  const id = world.invoke(name, { f: 'list', keys: world.keys })
  yield
  const positions = world.keys.map((key) => ({ key, offset: end(key) }))
  yield
  world.end(id, 'ok', { positions })
}

function* poll(world: GoodWorld, name: Process, places: Places): Life {
  const id = world.invoke(name, { f: 'poll' })
  yield
  const fate = world.fate()
  const polls = fate === 'ok' ? places.poll(4) : []
  yield
  world.end(id, fate, { polls })
}

/** A group as its coordinator has it. */
export class ModelGroup {
  generation = 0
  readonly members: Process[] = []
  readonly owned = new Map<Process, readonly Key[]>()
  readonly committed = new Map<Key, Offset>()

  rebalance(world: GoodWorld): void {
    this.generation += 1
    this.owned.clear()
    const shares = new Map<Process, Key[]>(this.members.map((member) => [member, []]))
    for (const key of world.keys) shares.get(world.prng.pick(this.members))?.push(key)
    for (const [member, keys] of shares) this.owned.set(member, keys)
  }
}

export function* member(world: GoodWorld, group: ModelGroup, name: Process, reportsRebalances: boolean): Life {
  const places = new Places(world, true)
  let generation = -1
  group.members.push(name)
  group.rebalance(world)
  world.end(world.invoke(name, { f: 'subscribe', keys: world.keys }), 'ok')
  while (!world.isCalm) {
    if (world.prng.chance(0.1)) group.rebalance(world)
    if (world.prng.chance(0.05)) crash(world, name, () => (generation = -1))
    if (generation !== group.generation) {
      generation = group.generation
      const owned = group.owned.get(name) ?? []
      if (reportsRebalances) world.end(world.invoke(name, { f: 'rebalance', keys: [...places.next.keys(), ...owned] }), 'ok')
      places.next.clear()
      places.assign(owned, (key) => group.committed.get(key) ?? 0)
    }
    yield* poll(world, name, places)
    if (world.prng.chance(0.5)) yield* commit(world, group, name, generation, places)
    if (world.prng.chance(0.3)) yield* fetchCommitted(world, group, name)
    yield
  }
}

function* commit(world: GoodWorld, group: ModelGroup, name: Process, generation: number, places: Places): Life {
  const positions = [...places.next].map(([key, offset]) => ({ key, offset }))
  const id = world.invoke(name, { f: 'commit', group: 'g', generation, positions })
  yield
  const fate = world.fate()
  const isRefused = fate === 'fail' || generation !== group.generation
  if (!isRefused && (fate === 'ok' || fate === 'silent')) for (const { key, offset } of positions) group.committed.set(key, offset)
  yield
  world.end(id, isRefused ? 'fail' : fate)
}

function* fetchCommitted(world: GoodWorld, group: ModelGroup, name: Process): Life {
  const id = world.invoke(name, { f: 'committed', group: 'g', keys: world.keys })
  yield
  const positions = world.keys.map((key) => ({ key, offset: group.committed.get(key) ?? -1 }))
  yield
  world.end(id, 'ok', { positions })
}

/** Copies `in` to `out` exactly once: what was not committed is read again, from where the last commit was. */
export function* copier(world: GoodWorld, name: Process): Life {
  const group = { next: 0 }
  while (!world.isCalm || group.next < world.log('in').stableEnd) {
    const { records, next } = world.log('in').fetch(group.next, true, world.prng.between(1, 3))
    if (records.length === 0) {
      group.next = next
      yield
      continue
    }
    const id = world.invoke(name, { f: 'txn', group: 'copy' })
    const transaction = world.newTransaction()
    const offsets: Offset[] = []
    for (const { value } of records) {
      yield
      offsets.push(...sendIn(world, id, transaction, [{ key: 'out', value }]))
    }
    const fate = world.fate()
    settle(world, transaction, fate)
    yield
    const polls = records.map((record) => ({ key: 'in', ...record }))
    world.end(id, fate, { polls, offsets: world.told(offsets), positions: [{ key: 'in', offset: next }] })
    if (fate !== 'ok') crash(world, name, () => undefined)
    while (!world.isOver(transaction)) yield
    if (transaction.isCommitted === true) group.next = next
  }
}

export function* auditor(world: GoodWorld, name: Process): Life {
  const total = 1_000
  while (!world.isCalm) {
    const id = world.invoke(name, { f: 'audit', total })
    yield
    const share = world.prng.below(total)
    const balances = [
      { key: 'a', amount: share },
      { key: 'b', amount: total - share },
    ]
    world.end(id, 'ok', { balances })
    yield
  }
}

/** The last look at everything, a few records at a time. */
export function* drain(world: GoodWorld, name: Process, keys: readonly Key[]): Life {
  const id = world.invoke(name, { f: 'drain', keys })
  const ends = new Map(keys.map((key) => [key, world.log(key).stableEnd]))
  const next = new Map(keys.map((key) => [key, 0]))
  for (const key of keys) {
    while ((next.get(key) ?? 0) < (ends.get(key) ?? 0)) {
      const polled = world.invoke(name, { f: 'poll' })
      yield
      const batch = world.log(key).fetch(next.get(key) ?? 0, true, world.prng.between(1, 8))
      next.set(key, batch.next)
      world.end(polled, 'ok', { polls: batch.records.map((record) => ({ key, ...record })) })
    }
  }
  world.end(id, 'ok', { positions: [...ends].map(([key, offset]) => ({ key, offset })) })
}
