// All scenarios, in the order in which they are listed and run.
import { badLines } from './scenarios/bad-lines.mjs'
import { machines } from './scenarios/machines.mjs'
import { partitions } from './scenarios/partitions.mjs'
import { pauses } from './scenarios/pauses.mjs'
import { processes } from './scenarios/processes.mjs'
import { together } from './scenarios/together.mjs'

/** @type {readonly import('./scenarios/scenario.mjs').Scenario[]} */
export const scenarios = [...processes, ...pauses, ...partitions, ...badLines, ...machines, ...together]
