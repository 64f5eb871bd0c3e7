import { fault } from './scenario.mjs'

/** @typedef {import('../faults.mjs').Fault} Fault */
/** @typedef {import('./scenario.mjs').Scenario} Scenario */

/** Long ones are made, of a kind and a seed: a fault on a random node every `everyMs`. */
const weathers = {
  kills: () => ['kill'],
  stops: () => ['stop'],
  mixed: () => ['kill', 'kill', 'pause', 'isolate'],
}
export const weatherNames = Object.keys(weathers)

/** @param {keyof typeof weathers} kind @param {{ minutes: number, seed: number, random: () => number, everyMs?: number, forMs?: number }} options @returns {Scenario} */
export function weather(kind, { minutes, random, everyMs = 30_000, forMs = 8000 }) {
  const kinds = weathers[kind]()
  const steps = Array.from({ length: Math.max(1, Math.floor((minutes * 60_000) / everyMs)) }, (_, at) => {
    const name = /** @type {Fault['name']} */ (kinds[Math.floor(random() * kinds.length)])
    return {
      atMs: at * everyMs + Math.floor(random() * (everyMs - forMs - 12_000)),
      forMs,
      fault: fault(name, `node ${1 + Math.floor(random() * 3)}`),
    }
  })
  return {
    name: `weather-${kind}`,
    about: `one random fault (${[...new Set(kinds)].join(', ')}) every ${everyMs / 1000} s`,
    layout: 'spread',
    steps,
    outageMs: 5000,
    commitMs: 6000,
  }
}
