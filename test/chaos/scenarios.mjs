// Scenarios as data: who is what (layout.mjs), which faults (faults.mjs) come when and for how long, and what clients may notice of it.
//
// `outageMs` bounds the longest time in which a partition acknowledged no write, from the first fault until all is well again; `commitMs` the same
// for a group's committed offsets, where it is another. A fault that leaves no majority lasts as long as it lasts: its bound is its duration and
// some more. `elections: 0` says that no leader and no controller may change. What is bounded here is an idle machine's: `--patience 3` allows three
// times as much.

/** @typedef {import('./faults.mjs').Fault} Fault */
/** @typedef {{ atMs?: number, forMs?: number, fault: Fault }} Step */
/**
 * @typedef {{
 *   name: string,
 *   about: string,
 *   layout: import('./layout.mjs').Layout,
 *   steps: readonly Step[],
 *   outageMs: number,
 *   commitMs?: number,
 *   elections?: 0,
 *   mayEnd?: boolean,
 * }} Scenario
 * `mayEnd`: nodes that are hit may end by themselves
 */

/** Detection of a process that is gone, a hand-over, and a client that asks again. */
const killMs = 1000
/** The session of a broker (1.3 s), an election where the controller is hit too, and the rest as above. */
const silenceMs = 3000
const stopMs = 500

/** @param {Fault['name']} name @param {Fault['target']} target @param {Record<string, any>} [params] @returns {Fault} */
const fault = (name, target, params) => (params === undefined ? { name, target } : { name, target, params })

/** One fault. @param {Fault} it @param {number} forMs @returns {Step[]} */
const once = (it, forMs) => [{ forMs, fault: it }]

/** @type {readonly Scenario[]} */
export const scenarios = [
  // ── Processes
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

  // ── Pauses
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

  // ── Partitions
  {
    name: 'isolate-leader',
    about: 'the leader hears nobody and is heard by nobody',
    layout: 'apart',
    steps: once(fault('isolate', 'leader'), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'isolate-leader-from-peers',
    about: 'the leader hears clients only',
    layout: 'apart',
    steps: once(fault('isolate', 'leader', { clients: true }), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'isolate-follower',
    about: 'an in-sync follower is cut off',
    layout: 'apart',
    steps: once(fault('isolate', 'follower'), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'isolate-controller',
    about: 'the active controller is cut off',
    layout: 'apart',
    steps: once(fault('isolate', 'controller'), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'isolate-both',
    about: 'leader and active controller in one are cut off from their peers, not from clients',
    layout: 'together',
    steps: once(fault('isolate', 'both', { clients: true }), 5000),
    outageMs: silenceMs + 1000,
  },
  {
    name: 'deaf-leader',
    about: 'the leader hears nobody and is heard',
    layout: 'apart',
    steps: once(fault('oneWay', 'leader', { way: 'in', clients: true }), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'deaf-leader-confirmed',
    about: 'the leader hears nobody, and all it says goes on arriving: the controller goes on believing in it',
    layout: 'apart',
    steps: once(fault('oneWay', 'leader', { way: 'in', clients: true, isConfirmed: true }), 4000),
    outageMs: 4000 + 1500,
  },
  {
    name: 'mute-leader',
    about: 'the leader hears and is not heard',
    layout: 'apart',
    steps: once(fault('oneWay', 'leader', { way: 'out', clients: true }), 4000),
    outageMs: silenceMs,
  },
  {
    name: 'deaf-controller',
    about: 'the active controller hears nobody and is heard',
    layout: 'together',
    steps: once(fault('oneWay', 'both', { way: 'in', clients: true }), 5000),
    outageMs: silenceMs + 1000,
  },
  {
    name: 'mute-controller',
    about: 'the active controller hears and is not heard',
    layout: 'together',
    steps: once(fault('oneWay', 'both', { way: 'out', clients: true }), 5000),
    outageMs: silenceMs + 1000,
  },
  {
    name: 'leader-without-controller',
    about: 'the leader and the active controller do not hear each other; everybody else hears both',
    layout: 'apart',
    steps: once(fault('bridge', ['leader', 'controller']), 5000),
    outageMs: silenceMs + 1000,
  },
  {
    name: 'leader-without-follower',
    about: 'leader and follower do not hear each other; the controller hears both',
    layout: 'apart',
    steps: once(fault('bridge', ['leader', 'follower']), 14_000),
    outageMs: 12_500,
  },
  {
    name: 'leader-unfollowed',
    about: 'no follower reaches the leader, and the controller does: it leads on, and may acknowledge nothing',
    layout: 'apart',
    steps: once(fault('isolate', 'leader', { clients: true, planes: ['broker'] }), 5000),
    outageMs: 5000 + 1500,
  },
  {
    name: 'split-three-ways',
    about: 'no two nodes hear each other: nothing is acknowledged',
    layout: 'spread',
    steps: once(fault('split', 'all'), 3000),
    outageMs: 3000 + 5000,
  },
  {
    name: 'clients-cut',
    about: 'clients do not reach the leader, which is well',
    layout: 'apart',
    steps: once(fault('cutClients', 'leader'), 2000),
    outageMs: 2000 + 1000,
    elections: 0,
  },

  // ── Bad lines
  {
    name: 'delay',
    about: 'every link takes 50 to 70 ms',
    layout: 'spread',
    steps: once(fault('delay', 'all', { delayMs: 50, jitterMs: 20 }), 5000),
    outageMs: 900,
    elections: 0,
  },
  {
    name: 'delay-follower',
    about: 'one follower is 150 to 250 ms away',
    layout: 'apart',
    steps: once(fault('delay', 'follower', { delayMs: 150, jitterMs: 100 }), 5000),
    outageMs: 1200,
    commitMs: 2500,
  },
  {
    name: 'slow-line',
    about: 'a follower is behind a slow line',
    layout: 'apart',
    steps: once(fault('slowLine', 'follower', { bytesPerSecond: 60_000 }), 5000),
    outageMs: 2000,
    commitMs: 3000,
  },
  {
    name: 'dribble',
    about: 'bytes of one node come in small pieces',
    layout: 'apart',
    steps: once(fault('dribble', 'leader', { pieceBytes: 40, pieceMs: 1 }), 4000),
    outageMs: 2000,
    commitMs: 3000,
  },
  {
    name: 'loss',
    about: 'a third of the time a direction of a link is a blackhole',
    layout: 'spread',
    steps: once(fault('loss', 'all', { share: 0.3, windowMs: 100 }), 6000),
    outageMs: 4000,
    commitMs: 5000,
  },
  {
    name: 'loss-at-controller',
    about: 'half of the time nothing comes through to and from the active controller',
    layout: 'apart',
    steps: once(fault('loss', 'controller', { share: 0.4, windowMs: 200 }), 6000),
    outageMs: 4000,
    commitMs: 5000,
  },
  {
    name: 'resets',
    about: 'all connections of the leader are reset every 300 ms',
    layout: 'apart',
    steps: once(fault('resets', 'leader', { everyMs: 300 }), 4000),
    outageMs: 1000,
    commitMs: 1500,
  },
  {
    name: 'resets-everywhere',
    about: 'all connections are reset every 500 ms',
    layout: 'spread',
    steps: once(fault('resets', 'all', { everyMs: 500 }), 5000),
    outageMs: 1500,
    commitMs: 2000,
  },
  {
    name: 'cut-short',
    about: 'connections end in the middle of what they carry',
    layout: 'spread',
    steps: once(fault('cutShort', 'all', { cutAfterBytes: 15_000 }), 5000),
    outageMs: 2000,
    commitMs: 2500,
  },
  {
    name: 'reorder',
    about: 'connections overtake each other, and are reset',
    layout: 'spread',
    steps: once(fault('reorder', 'all', { spreadMs: 150, resetEveryMs: 900 }), 6000),
    outageMs: 4000,
    commitMs: 5000,
  },
  {
    name: 'dead-connections',
    about: 'what is connected to the leader is dead without a word; new connections live',
    layout: 'apart',
    steps: once(fault('freezeConnections', 'leader'), 5000),
    outageMs: 6000,
  },
  {
    name: 'half-open',
    about: 'the leader has forgotten its connections, and nobody is told',
    layout: 'apart',
    steps: once(fault('halfOpen', 'leader'), 5000),
    outageMs: 6000,
  },
  {
    name: 'no-new-connections',
    about: 'the leader takes no new connections; the old ones live',
    layout: 'apart',
    steps: once(fault('blockNew', 'leader'), 4000),
    outageMs: 900,
    elections: 0,
  },
  {
    name: 'no-connections',
    about: 'the leader loses its connections and gets no new ones',
    layout: 'apart',
    steps: once(fault('blockNew', 'leader', { resetOnce: true }), 4000),
    outageMs: silenceMs,
  },

  // ── Disks, clocks, limits
  {
    name: 'slow-disk-leader',
    about: 'every write to the leader’s disk takes 300 ms more',
    layout: 'apart',
    steps: once(fault('slowDisk', 'leader', { ms: 300 }), 5000),
    outageMs: 3000,
    commitMs: 5000,
  },
  {
    name: 'slow-disk-follower',
    about: 'every write to a follower’s disk takes 300 ms more',
    layout: 'apart',
    steps: once(fault('slowDisk', 'follower', { ms: 300 }), 5000),
    outageMs: 3000,
    commitMs: 5000,
  },
  {
    name: 'slow-sync-controller',
    about: 'every fdatasync of the active controller takes 300 ms',
    layout: 'apart',
    steps: once(fault('slowDisk', 'controller', { ms: 300, calls: 'fdatasync' }), 5000),
    outageMs: 1500,
  },
  {
    name: 'failing-disk-leader',
    about: 'writes to the leader’s disk fail',
    layout: 'apart',
    steps: once(fault('failingDisk', 'leader', { calls: 'pwrite64,pwritev,fdatasync,fsync', restart: true }), 3000),
    outageMs: silenceMs,
    mayEnd: true,
  },
  {
    name: 'failing-sync-controller',
    about: 'syncs of the active controller fail',
    layout: 'apart',
    steps: once(fault('failingDisk', 'controller', { calls: 'fdatasync,fsync', restart: true }), 3000),
    outageMs: silenceMs,
    mayEnd: true,
  },
  {
    name: 'full-disk-leader',
    about: 'there is no room on the leader’s disk',
    layout: 'apart',
    steps: once(fault('fullDisk', 'leader'), 14_000),
    outageMs: 5000,
  },
  {
    name: 'full-disk-follower',
    about: 'there is no room on a follower’s disk',
    layout: 'apart',
    steps: once(fault('fullDisk', 'follower'), 14_000),
    outageMs: 5000,
  },
  {
    name: 'full-disk-controller',
    about: 'there is no room on the disk of the active controller, which leads everything',
    layout: 'together',
    steps: once(fault('fullDisk', 'both'), 14_000),
    outageMs: 5000,
  },
  {
    name: 'full-disk-restart',
    about: 'there is no room on the leader’s disk, and then it dies and is started again there',
    layout: 'apart',
    steps: [
      { forMs: 12_000, fault: fault('fullDisk', 'leader') },
      { atMs: 4000, forMs: 2000, fault: fault('kill', 'leader') },
    ],
    outageMs: 5000,
  },
  {
    name: 'full-disk-all',
    about: 'there is no room on any disk',
    layout: 'spread',
    steps: once(fault('fullDisk', 'all'), 8000),
    outageMs: 8000 + 10_000,
  },
  {
    name: 'clock-leader',
    about: 'the leader’s clock jumps an hour there and back',
    layout: 'apart',
    steps: once(fault('clockJump', 'leader'), 5000),
    outageMs: 500,
    elections: 0,
  },
  {
    name: 'clock-controller',
    about: 'the active controller’s clock jumps an hour there and back',
    layout: 'apart',
    steps: once(fault('clockJump', 'controller'), 5000),
    outageMs: 500,
    elections: 0,
  },
  {
    name: 'clocks',
    about: 'all clocks jump an hour there and back',
    layout: 'spread',
    steps: once(fault('clockJump', 'all', { everyMs: 700 }), 5000),
    outageMs: 500,
    elections: 0,
  },
  {
    name: 'starve-leader',
    about: 'the leader has a twentieth of a processor',
    layout: 'apart',
    steps: once(fault('starve', 'leader', { share: 0.05 }), 6000),
    outageMs: 4000,
    commitMs: 5000,
  },
  {
    name: 'no-files',
    about: 'the leader can open no more files or connections',
    layout: 'apart',
    steps: once(fault('noFiles', 'leader'), 4000),
    outageMs: 1000,
    commitMs: 2000,
  },

  // ── Two at once
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
