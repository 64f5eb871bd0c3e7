// Topics with `flush.messages`, and bytes that rot.
const durable = [{ test: 'broker/durable.test.ts' }, { test: 'broker/settling.test.ts' }, { test: 'replication/partition-replica.test.ts' }]
const rot = [{ test: 'broker/storage/rot.test.ts' }]

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const durableMutants = [
  {
    name: 'acknowledged before it is synced, on the leader',
    history: 'NATS, Jepsen 2025: a loss of power takes what was acknowledged; here in topics that ask for syncs (`flush.messages`)',
    awaits: '`flush.messages`',
    rule: 'REP-1',
    edits: [{ file: 'replication/leadership.ts', find: 'let least = this.settledOffset', replace: 'let least = this.logEndOffset' }],
    hunters: durable,
  },
  {
    name: 'acknowledged before it is synced, on followers',
    history: 'A fetch offset is a promise: the follower claims what a loss of power may take from it',
    awaits: '`flush.messages`',
    rule: 'REP-1',
    edits: [
      {
        file: 'broker/leader-fetching.ts',
        find: 'if (!this.fetcher.settling(this.around.ports.clock.mono(), topicId, index, leaderEpoch)) return',
        replace: 'this.fetcher.positioned(topicId, index, leaderEpoch, positionOf(partition))\n    return',
      },
    ],
    hunters: durable,
  },
  {
    name: 'rot is served',
    history: 'NATS, Jepsen 2025: single bits of one node of five lost half of all messages, for what was read was believed',
    awaits: 'checks of what is read',
    rule: 'S-4',
    edits: [
      { file: 'log/reader.ts', find: "if (!batchCrcIsValid(bytes, at, header.sizeBytes)) return 'CRC-32C does not match'", replace: '' },
    ],
    hunters: rot,
  },
]
