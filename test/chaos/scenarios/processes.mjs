// Processes that die, and that are asked to end.
import { fault, killMs, once, stopMs } from './scenario.mjs'

/** @type {readonly import('./scenario.mjs').Scenario[]} */
export const processes = [
  {
    name: 'kill-leader',
    about: 'the leader of all partitions dies',
    layout: 'apart',
    steps: once(fault('kill', 'leader'), 2000),
    outageMs: killMs,
  },
  {
    name: 'kill-follower',
    about: 'an in-sync follower, which coordinates the group, dies',
    layout: 'apart',
    steps: once(fault('kill', 'follower'), 2000),
    outageMs: killMs,
    commitMs: 1500,
  },
  {
    name: 'kill-controller',
    about: 'the active controller, which leads nothing, dies',
    layout: 'apart',
    steps: once(fault('kill', 'controller'), 2000),
    outageMs: 2000,
  },
  {
    name: 'kill-both',
    about: 'leader and active controller die in one process',
    layout: 'together',
    steps: once(fault('kill', 'both'), 2000),
    outageMs: 2000,
  },
  {
    name: 'kill-majority',
    about: 'two of three die: nothing is acknowledged until one is back',
    layout: 'apart',
    steps: once(fault('kill', ['leader', 'controller']), 2000),
    outageMs: 2000 + 5000,
  },
  {
    name: 'kill-all',
    about: 'all die at once and are started again',
    layout: 'spread',
    steps: once(fault('kill', 'all'), 500),
    outageMs: 500 + 6000,
  },
  {
    name: 'flap-leader',
    about: 'the leader dies three times as soon as it is back',
    layout: 'apart',
    steps: once(fault('flap', 'leader'), 0),
    outageMs: 2000,
  },
  {
    name: 'stop-leader',
    about: 'the leader is asked to end, and hands over first',
    layout: 'apart',
    steps: once(fault('stop', 'leader'), 1000),
    outageMs: stopMs,
    commitMs: 1000,
  },
  {
    name: 'stop-both',
    about: 'the active controller that leads everything is asked to end',
    layout: 'together',
    steps: once(fault('stop', 'both'), 1000),
    outageMs: 1000,
    commitMs: 1500,
  },
  {
    name: 'roll',
    about: 'a rolling restart of all nodes',
    layout: 'spread',
    steps: once(fault('roll', 'all'), 0),
    outageMs: 1000,
    commitMs: 2000,
  },
]
