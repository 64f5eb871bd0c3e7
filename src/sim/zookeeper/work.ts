import { Prng } from '../../base/prng.ts'
import type { Millis } from '../../base/units.ts'
import { type Ensemble, Stand } from './stand.ts'
import { WorkHistory } from './work-history.ts'
import { crowd, registers, Worker } from './worker.ts'

export interface WorkOptions {
  readonly seed: number
  readonly workers: number
  /** Of each worker. */
  readonly steps: number
  /** What is done to the ensemble besides what is done to clients' links; called again and again until the work is done. */
  readonly disturb?: (prng: Prng) => Promise<void>
  readonly onStand?: (stand: Stand) => void
  /** All is well again. */
  readonly heal?: () => Promise<void>
}

export interface WorkResult {
  readonly problems: readonly string[]
  readonly done: number
  readonly lost: number
  readonly refused: number
  readonly expired: number
}

/** Clients work on the same nodes while their links break; what they saw is judged. */
export async function runWork(ensemble: Ensemble, options: WorkOptions): Promise<WorkResult> {
  const prng = new Prng(options.seed)
  const history = new WorkHistory()
  const stand = new Stand(ensemble, `/work-${options.seed}`)
  options.onStand?.(stand)
  try {
    const maker = stand.client()
    for (const path of [...registers, crowd]) await maker.zk.create(path, Buffer.from(`first ${path}`), 'persistent')
    const workers = Array.from({ length: options.workers }, (_, at) => new Worker(stand, history, new Prng(prng.uint32()), `w${at}`))
    const work = { isDone: false }
    const working = Promise.all(workers.map((it) => it.work(options.steps))).then(() => (work.isDone = true))
    const breaking = Promise.all([breakLinks(stand, workers, prng, work), disturb(options, prng, work)])
    await Promise.all([working, breaking])
    await options.heal?.()
    for (const { network } of workers.map((it) => it.witness)) network.mend()
    await agree(workers, history)
    return resultOf(history, workers)
  } finally {
    await stand.end()
  }
}

async function agree(workers: readonly Worker[], history: WorkHistory): Promise<void> {
  const ends = await Promise.all(workers.map(async (it) => (await it.finish()).join(' ')))
  if (new Set(ends).size > 1) history.problems.push(`the workers do not agree in the end: ${ends.join(' | ')}`)
}

function resultOf(history: WorkHistory, workers: readonly Worker[]): WorkResult {
  const count = (outcome: string): number => history.deeds.filter((it) => it.outcome === outcome).length
  const expired = workers.reduce((sum, it) => sum + it.sessions - 1, 0)
  return { problems: history.judge(), done: count('ok'), lost: count('lost'), refused: count('refused'), expired }
}

async function disturb(options: WorkOptions, prng: Prng, work: { readonly isDone: boolean }): Promise<void> {
  while (options.disturb !== undefined && !work.isDone) await options.disturb(prng)
}

async function breakLinks(stand: Stand, workers: readonly Worker[], prng: Prng, work: { readonly isDone: boolean }): Promise<void> {
  while (!work.isDone) {
    await stand.wait(prng.between(1, 300))
    const { network } = prng.pick(workers).witness
    const silenceMs: Millis = stand.sessionTimeoutMs * prng.fraction() * 2
    const kind = prng.below(4)
    if (kind === 0) network.drop()
    else if (kind === 1) network.hold()
    else network.silence()
    if (kind === 0) continue
    await stand.wait(kind === 3 ? silenceMs : silenceMs / 2)
    network.mend()
    if (prng.chance(0.3)) network.drop()
  }
  for (const { witness } of workers) witness.network.mend()
}
