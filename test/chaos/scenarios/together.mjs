// Two faults at once, or one after the other.
import { fault } from './scenario.mjs'

/** @type {readonly import('./scenario.mjs').Scenario[]} */
export const together = [
  {
    name: 'kill-follower-isolate-leader',
    about: 'a follower dies, then the leader is cut off from the other: two of three are needed, and there are none',
    layout: 'apart',
    steps: [
      { forMs: 5000, fault: fault('kill', 'follower') },
      { atMs: 1500, forMs: 3000, fault: fault('isolate', 'leader', { clients: true }) },
    ],
    outageMs: 8000,
  },
  {
    name: 'pause-leader-kill-controller',
    about: 'the controller dies while the leader stands still',
    layout: 'apart',
    steps: [
      { forMs: 3000, fault: fault('pause', 'leader') },
      { atMs: 500, forMs: 1000, fault: fault('kill', 'controller') },
    ],
    outageMs: 8000,
  },
  {
    name: 'kill-leader-while-slow',
    about: 'the leader dies while every link is slow',
    layout: 'apart',
    steps: [
      { forMs: 5000, fault: fault('delay', 'all', { delayMs: 40, jitterMs: 20 }) },
      { atMs: 1000, forMs: 2000, fault: fault('kill', 'leader') },
    ],
    outageMs: 2500,
  },
  {
    name: 'kill-in-turn',
    about: 'each node dies in turn, as soon as the one before is back',
    layout: 'spread',
    steps: [
      { atMs: 0, forMs: 1500, fault: fault('kill', 'leader') },
      { atMs: 3500, forMs: 1500, fault: fault('kill', 'follower') },
      { atMs: 7000, forMs: 1500, fault: fault('kill', 'controller') },
    ],
    outageMs: 3000,
  },
]
