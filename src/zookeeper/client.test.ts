import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { ManualClock } from '../sim/manual-clock.ts'
import { MemoryNetwork } from '../sim/memory-network.ts'
import { ModelEnsemble } from '../sim/zookeeper/model-ensemble.ts'
import type { Ensemble } from '../sim/zookeeper/stand.ts'
import { runTrial, trials } from '../sim/zookeeper/trials.ts'

/** Runs it to its end; time moves on as long as it takes. */
async function drive<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const running = { isDone: false }
  const done = (): void => void (running.isDone = true)
  promise.then(done, done)
  while (!running.isDone) await clock.advance(5)
  return promise
}

for (const trial of trials) {
  test(`with the model: ${trial.name}`, async () => {
    const clock = new ManualClock()
    const network = new MemoryNetwork(clock, { latencyMs: 0.3, pieceBytesMax: 300 })
    const model = new ModelEnsemble(network, clock)
    const prng = new Prng(7)
    const ensemble: Ensemble = {
      connect: model.connect,
      ports: { clock, network, entropy: { uint32: () => prng.uint32(), uuid: () => prng.uuid() } },
      sessionTimeoutMs: 2_000,
      wait: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
      leader: () => Promise.resolve(model.leader),
      kill: (at) => Promise.resolve(model.kill(at)),
      launch: (at) => model.launch(at),
      serve: async () => {
        while (!model.isWhole) await new Promise<void>((resolve) => void clock.after(10, resolve))
      },
      clientPort: (at) => model.members[at]?.where.port ?? 0,
    }
    model.launchAll()
    await drive(
      clock,
      ensemble.serve().then(() => runTrial(trial, ensemble)),
    )
  })
}
