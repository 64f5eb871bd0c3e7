// Topics with `flush.messages`, bytes that rot, and disks that are full.
const durable = [{ test: 'broker/durable.test.ts' }, { test: 'broker/settling.test.ts' }, { test: 'replication/partition-replica.test.ts' }]
const controller = [{ test: 'controller/partitions/eligible-leaders.test.ts' }, { test: 'controller/brokers/brokers.test.ts' }]
const full = [{ test: 'broker/space/full-disks.test.ts' }, { test: 'broker/space/space-watch.test.ts' }]
const rot = [{ test: 'broker/storage/rot.test.ts' }]

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const durableMutants = [
  {
    name: 'acknowledged before it is synced, on the leader',
    history: 'NATS, Jepsen 2025: a loss of power takes what was acknowledged; here in topics that ask for syncs (`flush.messages`)',
    rule: 'REP-1',
    edits: [{ file: 'replication/leadership.ts', find: 'let least = this.settledOffset', replace: 'let least = this.logEndOffset' }],
    hunters: durable,
  },
  {
    name: 'acknowledged before it is synced, on followers',
    history: 'A fetch offset is a promise: the follower claims what a loss of power may take from it',
    rule: 'REP-1',
    edits: [
      {
        file: 'broker/fetching/leader-fetching.ts',
        find: 'if (!this.fetcher.settling(this.around.ports.clock.mono(), topicId, index, leaderEpoch)) return',
        replace: 'this.fetcher.positioned(topicId, index, leaderEpoch, positionOf(partition))\n    return',
      },
    ],
    hunters: durable,
  },
  {
    name: 'rot is served',
    history: 'NATS, Jepsen 2025: single bits of one node of five lost half of all messages, for what was read was believed',
    rule: 'S-4',
    edits: [
      { file: 'log/reader.ts', find: "if (!batchCrcIsValid(bytes, at, header.sizeBytes)) return 'CRC-32C does not match'", replace: '' },
    ],
    hunters: rot,
  },
  {
    name: 'a replica with rot is given up although it is the last one trusted',
    history: 'Protocol-aware recovery (FAST ’18): one bad sector of the last copy must not cost what is sound in it',
    rule: 'REP-1',
    edits: [
      {
        file: 'controller/partitions/assign-directories.ts',
        find: 'const isLast = directory === DIRECTORY_LOST && ![...partition.isr',
        replace: 'const isLast = broker < 0 && ![...partition.isr',
      },
    ],
    hunters: controller,
  },
  {
    name: 'a replica with rot stays trusted although others have everything',
    history: 'What is lost of it is missing when it is elected next',
    rule: 'REP-1',
    edits: [
      {
        file: 'controller/partitions/assign-directories.ts',
        find: 'const isLast = directory === DIRECTORY_LOST && ![...partition.isr, ...partition.eligibleLeaderReplicas].some((id) => id !== broker)',
        replace: 'const isLast = directory === DIRECTORY_LOST',
      },
    ],
    hunters: controller,
  },
  {
    name: 'a lossy restart is trusted with durable topics whose directory was replaced',
    history: 'That a topic syncs says something about the disk that was there, nothing about the one that has come in its place',
    rule: 'REP-11',
    edits: [
      {
        file: 'controller/brokers/broker-registration.ts',
        find: 'hasPlaceOf(state, request, existing, partition) && (all || isDurable(state, partition))',
        replace: '(hasPlaceOf(state, request, existing, partition) && all) || isDurable(state, partition)',
      },
    ],
    hunters: controller,
  },
  {
    name: 'a follower on a full disk goes on fetching',
    history: 'As long as nothing comes it is in sync, and what comes next waits for it',
    rule: 'REP-15',
    edits: [
      { file: 'broker/hosted-partition.ts', find: '    if (isPaused) this.around.unfollow(this)\n', replace: '    if (isPaused) return\n' },
      {
        file: 'broker/hosted-partition.ts',
        find: 'if (effect.leader < 0 || this.isPaused || this.isDistrusted)',
        replace: 'if (effect.leader < 0 || this.isDistrusted)',
      },
    ],
    hunters: full,
  },
  {
    name: 'a follower claims what its full disk did not take',
    history: 'A fetch offset is a promise: the leader counts what was never written',
    rule: 'REP-2',
    edits: [
      {
        file: 'broker/fetching/leader-fetching.ts',
        find: '    if (error instanceof DiskError) this.around.onDiskError(partition, error)\n',
        replace:
          "    const { log } = partition\n    if (error instanceof DiskError && error.code === 'ENOSPC' && action.type === 'append')\n      return this.fetcher.positioned(action.topicId, action.partition, action.leaderEpoch, { ...positionOf(partition), logEndOffset: log.logEndOffset + 1 })\n    if (error instanceof DiskError) this.around.onDiskError(partition, error)\n",
      },
    ],
    hunters: [...full, { test: 'broker/cluster-requests.test.ts' }],
  },
]
