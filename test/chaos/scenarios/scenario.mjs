// Scenarios as data: who is what (../layout.mjs), which faults (../faults.mjs) come when and for how long, and what clients may notice of it.
//
// `outageMs` bounds the longest time in which a partition acknowledged no write, from the first fault until all is well again; `commitMs` the same
// for a group's committed offsets, where it is another. A fault that leaves no majority lasts as long as it lasts: its bound is its duration and
// some more. `elections: 0` says that no leader and no controller may change. What is bounded here is an idle machine's: `--patience 3` allows three
// times as much.

/** @typedef {import('../faults.mjs').Fault} Fault */
/** @typedef {{ atMs?: number, forMs?: number, fault: Fault }} Step */
/**
 * @typedef {{
 *   name: string,
 *   about: string,
 *   layout: import('../layout.mjs').Layout,
 *   steps: readonly Step[],
 *   outageMs: number,
 *   commitMs?: number,
 *   elections?: 0,
 *   mayEnd?: boolean,
 * }} Scenario
 * `mayEnd`: nodes that are hit may end by themselves
 */

/** Detection of a process that is gone, a hand-over, and a client that asks again. */
export const killMs = 1000
/** The session of a broker (1.3 s), an election where the controller is hit too, and the rest as above. */
export const silenceMs = 3000
export const stopMs = 500

/** @param {Fault['name']} name @param {Fault['target']} target @param {Record<string, any>} [params] @returns {Fault} */
export const fault = (name, target, params) => (params === undefined ? { name, target } : { name, target, params })

/** One fault. @param {Fault} it @param {number} forMs @returns {Step[]} */
export const once = (it, forMs) => [{ forMs, fault: it }]
