// Disks that spoil what they hold, and say nothing.
const cluster = (seeds) => ({ simulation: 'cluster', seeds, overrides: silent })
const silent = {
  faults: ['rot', 'misdirected', 'misdirected', 'killAll'],
  durable: false,
  nodes: 3,
  classicMembers: 0,
  consumerMembers: 0,
  hasAdmin: false,
  healsInTwoSteps: false,
  pauseMsMax: 900,
}
const index = [{ test: 'log/rotten-index.test.ts' }]

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const silentMutants = [
  {
    name: 'what is read from files goes out unchecked',
    history: 'A broker that trusts its disk serves what the disk has made of it',
    rule: 'S-4',
    edits: [
      {
        file: 'log/reader.ts',
        find: "if (!batchCrcIsValid(bytes, at, header.sizeBytes)) return 'CRC-32C does not match'",
        replace: '',
      },
    ],
    hunters: [{ ...cluster(300), overrides: { ...silent, scrubMs: 8_000, readers: 3 } }],
  },
  {
    name: 'the scrubber passes over rot',
    history: 'Latent sector errors: what nobody reads is bad on one disk, and then on the next',
    rule: 'S-4',
    edits: [{ file: 'log/scrubbing.ts', find: 'checkCrc: true', replace: 'checkCrc: false' }],
    hunters: [cluster(40)],
  },
  {
    name: 'the end of a log that was closed is where its last batch says',
    history: 'The offset of a batch is under no checksum: one flipped bit, and the log ends where nothing ever was',
    rule: 'S-4',
    edits: [{ file: 'log/recovery.ts', find: ' || end.nextOffset !== recovery.recoveryPoint) return', replace: ') return' }],
    hunters: [{ test: 'log/misplaced.test.ts' }],
  },
  {
    name: 'what there was no room to open is taken for lost',
    history:
      'Found by campaigns: the last in-sync replica is started on a full disk, and is held for one that has lost its machine: nobody leads any more',
    rule: 'REP-15',
    edits: [
      {
        file: 'broker/log-loading.ts',
        find: 'return failed.every(({ error }) => isOutOfSpace(error))',
        replace: 'return failed.length === 0 && !failed.some(({ error }) => isOutOfSpace(error))',
      },
    ],
    hunters: [{ test: 'broker/space/full-disks.test.ts' }],
  },
  {
    name: 'a leader epoch below zero is taken for none',
    history: 'Found by campaigns: the sign of an epoch, which no checksum covers, flips, and the batch is served as it is',
    rule: 'S-4',
    edits: [
      {
        file: 'log/scrubbing.ts',
        find: 'if (epoch >= 0 && epoch !== header.leaderEpoch)',
        replace: 'if (epoch >= 0 && header.leaderEpoch >= 0 && epoch !== header.leaderEpoch)',
      },
      {
        file: 'log/reader.ts',
        find: 'if (epoch < 0 || header.leaderEpoch === epoch) return null',
        replace: 'if (epoch < 0 || header.leaderEpoch < 0 || header.leaderEpoch === epoch) return null',
      },
    ],
    hunters: [{ test: 'broker/storage/rot.test.ts' }],
  },
  {
    name: 'an index is followed out of its segment',
    history: 'A campaign with misdirected writes: the reader took the segment for read to its end, and was given what comes after it',
    rule: 'S-4',
    edits: [
      {
        file: 'log/segments/segment.ts',
        find: 'const isAstray = entry === null || (entry.position > 0 && entry.position >= this.size)',
        replace: 'const isAstray = entry === null',
      },
    ],
    hunters: index,
  },
  {
    name: 'a time index is believed',
    history: 'What is looked for by its time is looked for behind where it is',
    rule: 'S-4',
    edits: [
      {
        file: 'log/segments/segment.ts',
        find: 'return read === header.length && int64At(header, maxTimestampAtByte) === entry.timestamp ? entry : null',
        replace: 'return read === header.length ? entry : null',
      },
    ],
    hunters: index,
  },
  {
    name: 'who ends in an epoch that nobody led in is told to try again',
    history: 'A bit of a batch’s leader epoch, which no checksum covers: a follower out of sync for good, in Apache Kafka too',
    rule: 'REP-15',
    edits: [
      {
        file: 'replication/truncation.ts',
        find: "return latest.epoch >= 0 && latest.epoch < lastFetchedEpoch ? latest : 'out of range'",
        replace: "return 'out of range'",
      },
    ],
    hunters: [{ test: 'replication/truncation.test.ts' }],
  },
  {
    name: 'a voter votes with what rot has left of its log',
    history: 'Protocol-aware recovery (FAST ’18): who has lost what it acknowledged makes a majority with who never had it',
    rule: 'RAFT-5',
    edits: [
      {
        file: 'raft/election.ts',
        find: 'const granted = core.loss === null && (request.preVote ? wouldVote(core, now, request) : mayVote(core, request))',
        replace: 'const granted = request.preVote ? wouldVote(core, now, request) : mayVote(core, request)',
      },
    ],
    hunters: [{ simulation: 'quorum', seeds: 1000 }],
  },
]
