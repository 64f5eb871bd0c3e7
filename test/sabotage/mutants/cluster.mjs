// Whole brokers: what lies between the machines and the wire, and what no smaller simulation has.
const cluster = (seeds, overrides) => ({ simulation: 'cluster', seeds, ...(overrides === undefined ? {} : { overrides }) })

/** Leaders that change and come back, producers that never rest, nothing else. */
const failovers = {
  faults: ['kill', 'freeze', 'isolate', 'cutFromController', 'cutPair'],
  nodes: 3,
  classicMembers: 0,
  consumerMembers: 0,
  hasAdmin: false,
  diskDelayMs: 0,
  healsInTwoSteps: false,
  faultsMs: 10_000,
  pauseMsMax: 900,
}
const groupFailovers = { ...failovers, classicMembers: 2, consumerMembers: 2, faults: ['kill', 'stop', 'freeze'] }
/** What is missed takes many answers. */
const smallAnswers = { ...failovers, partitions: 3, replicaFetchBytes: 800 }
/** Bytes come in small pieces, so that frames have to be put together. */
const pieces = { ...failovers, pieceBytesMax: 100 }

const hosted = 'broker/hosted-partition.ts'
const coordinated = 'broker/coordinators/coordinated-partition.ts'

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const clusterMutants = [
  {
    name: 'a follower cuts its log to its high watermark when there is a new leader',
    history: 'KIP-101: it has acknowledged more than it knows to be committed, and is elected before it has fetched that again',
    rule: 'REP-9',
    edits: [
      {
        file: hosted,
        find: 'return this.around.follow(this, effect.leader, effect.epoch)',
        replace:
          'this.truncateTo(Math.min(this.replica.highWatermark, this.log.logEndOffset))\nreturn this.around.follow(this, effect.leader, effect.epoch)',
      },
    ],
    hunters: [cluster(40, failovers)],
  },
  {
    name: 'every epoch ends at the end of the log',
    history: 'KIP-101: the leader does not tell where an earlier epoch ended, and followers keep what it does not have',
    rule: 'REP-3',
    edits: [{ file: 'log/epoch-history.ts', find: 'endOffset: next.startOffset }', replace: 'endOffset: logEndOffset }' }],
    hunters: [cluster(60, failovers)],
  },
  {
    name: 'a follower cuts nothing',
    history: 'What the leader before wrote stays, and what follows is appended to it',
    rule: 'REP-4',
    edits: [{ file: 'broker/fetching/leader-fetching.ts', find: '    partition.truncateTo(cut)\n', replace: '' }],
    hunters: [cluster(60, failovers)],
  },
  {
    name: 'consumers are shown what is not committed',
    history: 'What was read is gone after a failover (REP-14)',
    rule: 'REP-14',
    edits: [
      {
        file: 'broker/fetching/fetch-read.ts',
        find: 'return isFollower(fetcher) ? hosted.log.logEndOffset : hosted.replica.highWatermark',
        replace: 'return fetcher.replicaId > -9 ? hosted.log.logEndOffset : hosted.replica.highWatermark',
      },
    ],
    hunters: [cluster(60, failovers)],
  },
  {
    name: 'what an answer had no room for is forgotten until something new is there',
    history: 'Found by losses of power on real nodes: a replica that stays out of sync, a consumer that does not see what it has not read',
    rule: 'REP-15',
    edits: [
      {
        file: 'replication/fetch-session.ts',
        find: 'results.filter(({ isLeftOut }) => isLeftOut !== true).map(',
        replace: 'results.map(',
      },
    ],
    hunters: [cluster(200, smallAnswers), { test: 'broker/fetching/fetch-read.test.ts' }],
  },
  {
    name: 'an idle replica that is out of sync says nothing',
    history:
      'Found by campaigns: a leader hears late that a replica has left, forgets that it has come back, and nothing is fetched that would tell it again',
    rule: 'REP-15',
    edits: [{ file: 'broker/fetching/leader-fetching.ts', find: '    this.repeatOutOfSync(now)\n', replace: '' }],
    hunters: [{ test: 'broker/space/full-disks.test.ts' }],
  },
  {
    name: 'a coordinator serves before it has read its log',
    history: 'Bufstream, Jepsen 2024: spurious zero offsets; OffsetFetch says that nothing was committed',
    rule: 'G-3',
    edits: [
      {
        file: 'broker/coordinators/log-loading.ts',
        find: '  while (next < endOffset) {',
        replace: '  while (next < endOffset && next < log.logStartOffset) {',
      },
    ],
    hunters: [cluster(40, groupFailovers)],
  },
  {
    name: 'a coordinator tells without a lease',
    history:
      'A broker that stood still tells offsets that its successor has replaced (the stale leader of NATS, whose lease outlived an election)',
    rule: 'G-2',
    edits: [
      {
        file: coordinated,
        find: 'if (this.kind.mustBeFresh(command) && this.options.clock.mono() >= this.options.leaseUntil())',
        replace: 'if (this.kind.mustBeFresh(command) && this.options.clock.mono() < 0)',
      },
    ],
    hunters: [{ test: 'broker/coordinators/coordinated-partition.test.ts' }],
  },
  {
    name: 'answers leave in the order in which they are ready',
    history: 'The protocol has them in the order of the requests; clients take one for another',
    rule: 'P-4',
    edits: [
      {
        file: 'server/connection.ts',
        find: 'for (let slot = this.slots[0]; slot?.answer !== undefined; slot = this.slots[0]) {\n      this.slots.shift()',
        replace:
          'for (let slot = this.slots.find((it) => it.answer !== undefined); slot !== undefined; slot = this.slots.find((it) => it.answer !== undefined)) {\n      this.slots.splice(this.slots.indexOf(slot), 1)',
      },
    ],
    hunters: [{ test: 'server/serve.test.ts' }, cluster(10)],
  },
  {
    name: 'the buffer of a request is used again for the next',
    history: 'CVE-2026-35554: a pooled buffer is reused while it is in flight, and records get into the wrong place',
    rule: 'H-3',
    edits: [
      {
        file: 'protocol/frame-assembler.ts',
        find: '    const frame = Buffer.concat(this.parts, this.size)\n',
        replace:
          '    this.pool = this.pool === undefined || this.pool.length < this.size ? Buffer.alloc(2 * this.size) : this.pool\n    const frame = this.pool.subarray(0, this.size)\n    Buffer.concat(this.parts, this.size).copy(frame)\n',
      },
    ],
    hunters: [cluster(20, pieces)],
  },
  {
    name: 'the controller’s state depends on a clock',
    history: 'Replicas of a state machine that fold the same log to different states',
    rule: 'RAFT-9',
    edits: [
      {
        file: 'metadata/partition-image.ts',
        find: 'partitionEpoch: before.partitionEpoch + 1',
        replace: 'partitionEpoch: before.partitionEpoch + 1 + (Math.floor(performance.now() * 1000) % 2)',
      },
    ],
    hunters: [{ test: 'controller/simulation.test.ts' }, cluster(10)],
  },
]
