import type { History } from './history.ts'
import * as clients from './good-clients.ts'
import { GoodWorld, type Life } from './good-world.ts'
import type { JudgeOptions } from './judge-options.ts'
import type { HistoryRecorder } from './recorder.ts'

/** What a history of the model is to be judged by. */
export const goodOptions: JudgeOptions = { copies: [{ name: 'in to out', inputs: ['in'], outputs: ['out'] }] }

/** After faults have ended, everything that was put off happens in so many steps, or the model is stuck. */
const calmStepsMax = 1_000_000

/**
 * A history of clients of every kind with a cluster that does nothing wrong, but is slow, loses answers, lets requests happen later, and has its clients
 * killed. The same seed is the same history. At least so many operations, and as many more as it takes to end well.
 */
export function recordGoodHistory(seed: number, operations: number, recorder: HistoryRecorder): History {
  const world = new GoodWorld(seed, recorder)
  const lives = drawLives(world, recorder)
  const copier = clients.copier(world, 'copier')
  lives.push(copier)
  while (recorder.history.size < operations) {
    step(world, lives)
    if (lives.length > 3 && world.prng.chance(0.003)) lives.splice(world.prng.below(lives.length - 1), 1)
  }
  world.isCalm = true
  finish(
    world,
    lives.filter((life) => life !== copier),
  )
  finish(world, [copier])
  world.expireTransactions()
  finish(world, [])
  if (world.prng.chance(0.9)) finish(world, drawDrains(world))
  return recorder.history
}

function drawLives(world: GoodWorld, recorder: HistoryRecorder): Life[] {
  const { prng } = world
  const lives: Life[] = []
  for (let at = prng.between(1, 3); at > 0; at -= 1) {
    const isIdempotent = !prng.chance(0.2)
    if (!isIdempotent) recorder.client(`producer ${at}`, { isIdempotent, inFlightMax: 1 })
    lives.push(clients.producer(world, `producer ${at}`, isIdempotent))
  }
  for (let at = prng.below(3); at > 0; at -= 1) lives.push(clients.transactional(world, `transactional ${at}`))
  for (let at = prng.between(1, 3); at > 0; at -= 1) lives.push(drawAssigned(world, recorder, `assigned ${at}`))
  if (prng.chance(0.5)) lives.push(...drawGroup(world, recorder))
  if (prng.chance(0.3)) lives.push(clients.auditor(world, 'auditor'))
  return lives
}

function drawAssigned(world: GoodWorld, recorder: HistoryRecorder, name: string): Life {
  const readsCommitted = !world.prng.chance(0.3)
  const startsAtEnd = world.prng.chance(0.2)
  recorder.client(name, {
    isolation: readsCommitted ? 'read_committed' : 'read_uncommitted',
    startsAt: startsAtEnd ? 'latest' : 'earliest',
  })
  return clients.assigned(world, name, readsCommitted, startsAtEnd)
}

function drawGroup(world: GoodWorld, recorder: HistoryRecorder): Life[] {
  const group = new clients.ModelGroup()
  const reportsRebalances = world.prng.chance(0.5)
  return Array.from({ length: world.prng.between(1, 3) }, (_, at) => {
    recorder.client(`member ${at}`, { group: 'g', reportsRebalances })
    return clients.member(world, group, `member ${at}`, reportsRebalances)
  })
}

function drawDrains(world: GoodWorld): Life[] {
  const keys = [...world.logs.keys()]
  const cut = world.prng.below(keys.length)
  const parts = [keys.slice(0, cut), keys.slice(cut)].filter((part) => part.length > 0)
  return parts.map((part, at) => clients.drain(world, `drain ${at}`, part))
}

function step(world: GoodWorld, lives: Life[]): void {
  if (world.prng.chance(0.15)) world.happen()
  const at = world.prng.below(lives.length)
  if (lives[at]?.next().done === true) lives.splice(at, 1)
}

function finish(world: GoodWorld, lives: Life[]): void {
  for (let steps = 0; lives.length > 0 || !world.isSettled; steps += 1) {
    if (steps > calmStepsMax) throw new RangeError('the model does not come to an end')
    if (lives.length === 0) world.happen()
    else step(world, lives)
  }
}
