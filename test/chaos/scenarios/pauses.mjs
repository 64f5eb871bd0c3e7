// Processes that stand still.
import { fault, once, silenceMs } from './scenario.mjs'

/** @type {readonly import('./scenario.mjs').Scenario[]} */
export const pauses = [
  {
    name: 'pause-leader',
    about: 'the leader stands still, and goes on as if nothing had been',
    layout: 'apart',
    steps: once(fault('pause', 'leader'), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'pause-follower',
    about: 'an in-sync follower, which coordinates the group, stands still',
    layout: 'apart',
    steps: once(fault('pause', 'follower'), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'pause-controller',
    about: 'the active controller stands still',
    layout: 'apart',
    steps: once(fault('pause', 'controller'), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'pause-both',
    about: 'leader and active controller stand still',
    layout: 'together',
    steps: once(fault('pause', 'both'), 5000),
    outageMs: silenceMs + 1000,
  },
  {
    name: 'pause-all',
    about: 'the whole cluster stands still for longer than its sessions',
    layout: 'spread',
    steps: once(fault('pause', 'all'), 3000),
    outageMs: 3000 + 4000,
  },
  {
    name: 'freeze-leader',
    about: 'the leader is frozen by a control group',
    layout: 'apart',
    steps: once(fault('freeze', 'leader'), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'stutter-leader',
    about: 'the leader stands still for half a second every three: nobody takes over',
    layout: 'apart',
    steps: once(fault('stutter', 'leader', { pauseMs: 500, everyMs: 3000 }), 7000),
    outageMs: 900,
    elections: 0,
  },
  {
    name: 'stutter-controller',
    about: 'the active controller stands still for half a second every three',
    layout: 'apart',
    steps: once(fault('stutter', 'controller', { pauseMs: 500, everyMs: 3000 }), 7000),
    outageMs: 900,
    elections: 0,
  },
]
