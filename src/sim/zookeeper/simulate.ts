import { Prng } from '../../base/prng.ts'
import type { Millis } from '../../base/units.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryNetwork } from '../memory-network.ts'
import { ModelEnsemble } from './model-ensemble.ts'
import type { Ensemble, Stand } from './stand.ts'
import type { Transaction } from './transaction.ts'
import { runWork, type WorkResult } from './work.ts'

export interface Simulated {
  readonly clock: ManualClock
  readonly network: MemoryNetwork
  readonly model: ModelEnsemble
  readonly ensemble: Ensemble
}

/** A model ensemble for trials and for work, with its servers launched. */
export function simulatedEnsemble(seed: number, onCommitted: (transaction: Transaction) => void = () => {}): Simulated {
  const prng = new Prng(seed)
  const clock = new ManualClock()
  const network = new MemoryNetwork(clock, { latencyMs: prng.fraction() * 2, pieceBytesMax: prng.between(20, 2_000), seed })
  const model = new ModelEnsemble(network, clock, { seed, lagMsMax: prng.pick([0, 5, 50, 500]), onCommitted })
  const wait = (ms: Millis): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))
  const ensemble: Ensemble = {
    connect: model.connect,
    ports: { clock, network, entropy: { uint32: () => prng.uint32(), uuid: () => prng.uuid() } },
    sessionTimeoutMs: 2_000,
    wait,
    leader: () => Promise.resolve(model.leader),
    kill: (at) => Promise.resolve(model.kill(at)),
    launch: (at) => model.launch(at),
    serve: async () => {
      while (!model.isWhole) await wait(10)
    },
    clientPort: (at) => model.members[at]?.where.port ?? 0,
  }
  model.launchAll()
  return { clock, network, model, ensemble }
}

/** Runs it to its end; time moves on as long as it takes. */
export async function drive<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const running = { isDone: false }
  const done = (): void => void (running.isDone = true)
  promise.then(done, done)
  while (!running.isDone) await clock.advance(20)
  return promise
}

export interface SimulatedResult extends WorkResult {
  readonly committed: number
  /** By how much a session was expired before the client's own clock said that it may be. */
  readonly earlyMs: Millis
}

/** Work under faults of clients' links and of the ensemble, from a seed. */
export async function simulateZooKeeper(seed: number): Promise<SimulatedResult> {
  let stand: Stand | null = null
  let earlyMs = 0
  const onCommitted = ({ kind, origin, session }: Transaction): void => {
    const gone = kind === 'closeSession' && origin === null ? stand?.all.find(({ zk }) => zk.sessionId === session) : undefined
    if (gone !== undefined) earlyMs = Math.max(earlyMs, gone.zk.expiresAt - clock.mono())
  }
  const simulated = simulatedEnsemble(seed, onCommitted)
  const { clock, ensemble, model } = simulated
  const work = ensemble.serve().then(() =>
    runWork(ensemble, {
      seed,
      workers: 3,
      steps: 100,
      onStand: (it) => void (stand = it),
      disturb: (prng) => disturb(simulated, prng),
      heal: () => heal(simulated),
    }),
  )
  return { ...(await drive(clock, work)), committed: model.order.length, earlyMs }
}

async function disturb({ ensemble, model, network }: Simulated, prng: Prng): Promise<void> {
  await ensemble.wait(prng.between(100, 3_000))
  const at = prng.below(model.members.length)
  const place = (of: number): string => model.members[of]?.where.place ?? ''
  const lasts = prng.between(50, 4_000)
  switch (prng.below(4)) {
    case 0:
      model.kill(at)
      await ensemble.wait(lasts)
      return model.launch(at)
    case 1:
      model.pause(at)
      await ensemble.wait(lasts)
      return model.resume(at)
    case 2:
      for (const other of [0, 1, 2]) if (other !== at) network.change(place(at), place(other), { cut: true })
      await ensemble.wait(lasts)
      return network.mendAll()
    default:
      network.change(place(at), place((at + 1) % 3), { cut: true })
      await ensemble.wait(lasts)
      network.mendAll()
  }
}

async function heal({ ensemble, model, network }: Simulated): Promise<void> {
  network.mendAll()
  for (const { where } of model.members) {
    model.resume(where.at)
    model.launch(where.at)
  }
  await ensemble.serve()
}
