import type { Ensemble } from './stand.ts'
import { Stand } from './stand.ts'
import { failureTrials } from './trials-of-failures.ts'
import { requestTrials } from './trials-of-requests.ts'
import { sessionTrials } from './trials-of-sessions.ts'
import { watchTrials } from './trials-of-watches.ts'

/** What the client and an ensemble must do together; the same for the model and for a real ensemble. */
export interface Trial {
  /** A sentence. */
  readonly name: string
  run(stand: Stand): Promise<void>
}

export const trials: readonly Trial[] = [...requestTrials, ...watchTrials, ...sessionTrials, ...failureTrials]

export async function runTrial(trial: Trial, ensemble: Ensemble): Promise<void> {
  const stand = new Stand(ensemble, `/trials/${trials.indexOf(trial)}`)
  try {
    await trial.run(stand)
  } finally {
    await stand.end()
  }
}
