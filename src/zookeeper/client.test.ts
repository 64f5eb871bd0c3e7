import { test } from 'node:test'
import { drive, simulatedEnsemble } from '../sim/zookeeper/simulate.ts'
import { runTrial, trials } from '../sim/zookeeper/trials.ts'

for (const trial of trials) {
  test(`with the model: ${trial.name}`, async () => {
    const { clock, ensemble } = simulatedEnsemble(7)
    await drive(
      clock,
      ensemble.serve().then(() => runTrial(trial, ensemble)),
    )
  })
}
