// What is on disk: what a crash leaves, what is found again, what is cleaned away.
const log = (seeds) => ({ simulation: 'log', seeds })
const compaction = [{ test: 'log/compaction/model.test.ts' }, { test: 'log/compaction/crash.test.ts' }]
const disturbed = [...compaction, { test: 'log/compaction/disturbed.test.ts' }, { test: 'log/compaction/cleaning.test.ts' }]

const flushing = 'log/flushing.ts'
const recovery = 'log/recovery.ts'
const truncation = 'log/truncation.ts'
const producers = 'log/producers/producer-state.ts'
const filter = 'log/compaction/batch-filter.ts'
const plan = 'log/compaction/cleaning-plan.ts'

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const storageMutants = [
  {
    name: 'recovery believes batches without their checksums',
    history: 'Torn writes: a power cut leaves some sectors of the last write, and what was there before in the others',
    rule: 'S-1',
    edits: [{ file: recovery, find: 'checkCrc: true', replace: 'checkCrc: false' }],
    hunters: [log(500)],
  },
  {
    name: 'a crash is taken for a clean shutdown, and indexes are trusted',
    history: 'Indexes, epochs and producers of before are trusted, and the torn tail is served',
    rule: 'S-1',
    edits: [{ file: recovery, find: 'if (options.cleanShutdown) return first\n', replace: 'if (segments.length > 0) return first\n' }],
    hunters: [log(300)],
  },
  {
    name: 'a name is taken for durable with the file that has it',
    history: 'Rename and create without a sync of the directory: the whole segment is gone after a power cut (S-7)',
    rule: 'S-1',
    edits: [{ file: flushing, find: '  await disk.syncDirectory(log.directory)\n', replace: '' }],
    hunters: [log(500)],
  },
  {
    name: 'a flush marks durable what it has not synced',
    history: 'The recovery point runs ahead of the platter',
    rule: 'S-1',
    edits: [{ file: flushing, find: 'yield { segment: grown, paths: [grown.logPath] }', replace: 'yield { segment: grown, paths: [] }' }],
    hunters: [log(300)],
  },
  {
    name: 'fsync is tried again after it has failed',
    history: 'PostgreSQL’s fsyncgate, 2018: pages that could not be written are clean for the kernel, and the next fsync succeeds',
    rule: 'S-6',
    edits: [
      {
        file: flushing,
        find: '    if (error instanceof DiskError && !isHarmless) log.fail(error)\n    throw error\n  } finally {',
        replace: '  } finally {',
      },
    ],
    hunters: [log(300)],
  },
  {
    name: 'after the death of a process too all that does not check is cut',
    history: 'The page cache forgets nothing: what has gone bad since was whole, and its replica is counted on for it',
    rule: 'S-5',
    edits: [
      {
        file: recovery,
        find: 'if (options.machineRanOn !== true || !isBad) return',
        replace: 'if (options.machineRanOn !== undefined || !isBad) return',
      },
    ],
    hunters: [{ test: 'log/torn.test.ts' }],
  },
  {
    name: 'rot is cut off as if it were a torn tail',
    history: 'Protocol-aware recovery (FAST ’18): one bad bit in the middle of a log silently takes all that follows',
    rule: 'S-5',
    edits: [
      {
        file: recovery,
        find: 'if (logEndOffset < options.recoveryPoint) refuse(',
        replace: 'if (logEndOffset < 0) refuse(',
      },
      {
        file: recovery,
        find: "if (options.onCorruption === 'cut' || logEndOffset >= options.recoveryPoint) return",
        replace: "if (options.onCorruption !== '') return",
      },
    ],
    hunters: [log(500)],
  },
  {
    name: 'a follower appends what it is sent without looking at checksums',
    history: 'One rotten replica makes all others rotten (NATS, Jepsen 2025)',
    rule: 'S-4',
    edits: [
      {
        file: 'log/append.ts',
        find: 'if (!batchCrcIsValid(records, at, header.sizeBytes))',
        replace: 'if (!batchCrcIsValid(records, at, header.sizeBytes) && header.sizeBytes < 0)',
      },
    ],
    hunters: [log(100)],
  },
  {
    name: 'a follower appends batches of a later epoch than it fetches in',
    history: 'KAFKA-18723: records of the next leader get in by the answer of the last one',
    rule: 'REP-5',
    edits: [
      { file: 'log/append.ts', find: 'if (header.leaderEpoch > maxEpoch) {', replace: 'if (header.leaderEpoch > maxEpoch + 1_000_000) {' },
    ],
    hunters: [{ test: 'log/partition-log.test.ts' }],
  },
  {
    name: 'a truncation does not lower the recovery point',
    history: 'After the next crash the log is believed where it has been written anew and not synced',
    rule: 'S-1',
    edits: [{ file: truncation, find: '  log.options.beforeLowering?.(offset)\n', replace: '' }],
    hunters: [log(500)],
  },
  {
    name: 'producers stay as they are when a log is cut',
    history: 'Sequences of records that are gone make the next ones duplicates, or holes',
    rule: 'REP-12',
    edits: [
      {
        file: truncation,
        find: '  log.saveEpochs()\n  reloadProducers(log)\n  startSegment',
        replace: '  log.saveEpochs()\n  startSegment',
      },
    ],
    hunters: [log(200)],
  },
  {
    name: 'producers are those of the last snapshot after a crash',
    history: 'A duplicate is accepted after a leader has changed: what came after the snapshot was forgotten',
    rule: 'REP-12',
    edits: [{ file: recovery, find: 'if (append !== null) producers.apply(append)', replace: '' }],
    hunters: [log(200)],
  },
  {
    name: 'epochs stay in the history when a log is cut',
    history: 'The history tells of epochs that the log does not have, and followers cut too little',
    rule: 'REP-9',
    edits: [
      {
        file: 'log/epoch-history.ts',
        find: 'return this.dropWhileLast((entry) => entry.startOffset >= endOffset)',
        replace: 'return endOffset < 0',
      },
    ],
    hunters: [log(200)],
  },
  {
    name: 'sequences do not wrap',
    history: 'After 2 147 483 647 a producer is out of order for ever',
    rule: 'REP-12',
    edits: [{ file: producers, find: '|| (append.baseSequence === 0 && last === sequenceMax)', replace: '' }],
    hunters: [log(300)],
  },
  {
    name: 'sequences do not wrap within a batch',
    history: 'The last sequence of a batch is beyond Int32',
    rule: 'REP-12',
    edits: [{ file: producers, find: 'return (((sequence + by) % ring) + ring) % ring', replace: 'return sequence + by + ring - ring' }],
    hunters: [log(300)],
  },
  {
    name: 'retention deletes what is not replicated',
    history: 'Followers ask for what the leader has deleted before they had it',
    rule: 'S-9',
    edits: [{ file: 'log/retention.ts', find: 'if (nextBase(log) > highWatermark) break', replace: 'if (nextBase(log) > log.end) break' }],
    hunters: [{ test: 'log/partition-log.test.ts' }, { test: 'log/bounds.test.ts' }],
  },
  {
    name: 'tombstones go with the first cleaning',
    history: 'KIP-534, KAFKA-8522: a reader that is behind never hears that the key was deleted',
    rule: 'S-10',
    edits: [
      {
        file: filter,
        find: 'return cursor.valueLength >= 0 || !header.hasDeleteHorizon || rules.now < header.baseTimestamp',
        replace: 'return cursor.valueLength >= 0',
      },
    ],
    hunters: compaction,
  },
  {
    name: 'tombstones go before delete.retention.ms is over',
    history: 'KIP-534: their time counts from when they were written, not from when they were first cleaned',
    rule: 'S-10',
    edits: [
      {
        file: filter,
        find: '? this.rules.now + this.rules.deleteRetentionMs',
        replace: '? header.maxTimestamp + this.rules.deleteRetentionMs',
      },
    ],
    hunters: compaction,
  },
  {
    name: 'the last record of a key goes with those before it',
    history: 'Compaction is one off',
    rule: 'S-10',
    edits: [{ file: filter, find: 'if (offset < rules.map.lastOffsetOf(', replace: 'if (offset <= rules.map.lastOffsetOf(' }],
    hunters: compaction,
  },
  {
    name: 'records that the map has not seen are cleaned away',
    history: 'The offset map was full before the segment was through',
    rule: 'S-10',
    edits: [
      {
        file: filter,
        find: 'if (offset > rules.map.latestOffset) return true',
        replace: 'if (offset > rules.map.latestOffset) return false',
      },
    ],
    hunters: disturbed,
  },
  {
    name: 'what is not committed is compacted',
    history: 'A key whose last value is cut off after a failover has lost the one before as well',
    rule: 'S-10',
    edits: [
      {
        file: plan,
        find: 'return Math.min(committed, log.producers.firstOpenTransaction)',
        replace: 'return Math.max(committed, log.end)',
      },
    ],
    hunters: disturbed,
  },
  {
    name: 'the old segments go before the new one has its place',
    history: 'A crash in between leaves neither',
    rule: 'S-10',
    edits: [
      {
        file: 'log/compaction/replacing.ts',
        find: "    const swap = cleaned.renamed(disk, '.swap')\n    for (const segment of [...old].reverse()) segment.remove(disk)\n",
        replace: "    for (const segment of [...old].reverse()) segment.remove(disk)\n    const swap = cleaned.renamed(disk, '.swap')\n",
      },
    ],
    hunters: compaction,
  },
]
