// The metadata quorum.
const quorum = (seeds, overrides) => ({ simulation: 'quorum', seeds, ...(overrides === undefined ? {} : { overrides }) })
const nodes = (seeds) => ({ simulation: 'quorum nodes', seeds })
const atEase = { simulation: 'quorum at ease', seeds: 30 }

const core = 'raft/core.ts'
const election = 'raft/election.ts'
const leader = 'raft/leader.ts'
const follower = 'raft/follower.ts'

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const quorumMutants = [
  {
    name: 'words leave before the vote they speak of is durable',
    history: 'Raft §5: a node that forgets its vote in a crash votes twice',
    rule: 'RAFT-3',
    edits: [
      {
        file: core,
        find: 'if (this.writes.stateIsDurable) this.effects.push(effect)\n    else this.held.push(effect)',
        replace: 'this.effects.push(effect)',
      },
      {
        file: core,
        find: "assert(reply.kind !== 'fetch' || reply.range === null || this.writes.stateIsDurable, 'a leader was elected with durable votes')",
        replace: '',
      },
    ],
    hunters: [quorum(500)],
  },
  {
    name: 'a node votes more than once in an epoch',
    history: 'Raft §5.2: two leaders of one epoch',
    rule: 'RAFT-3',
    edits: [
      {
        file: election,
        find: 'if (core.voted !== null) return sameReplica(core.voted, request.candidate) && request.candidate.id !== core.local.id\n',
        replace: '',
      },
    ],
    hunters: [quorum(100)],
  },
  {
    name: 'votes do not ask whose log is longer',
    history: 'Raft §5.4.1: a leader that lacks what is committed',
    rule: 'RAFT-6',
    edits: [
      {
        file: election,
        find: 'return request.lastEpoch > last || (request.lastEpoch === last && request.lastOffset >= core.log.endOffset)',
        replace: 'return last >= 0 || request.epoch >= 0',
      },
    ],
    hunters: [quorum(100)],
  },
  {
    name: 'votes compare lengths of logs, not epochs',
    history: 'Raft §5.4.1: a long log of an old epoch wins over a shorter one that holds what is committed',
    rule: 'RAFT-6',
    edits: [
      {
        file: election,
        find: 'return request.lastEpoch > last || (request.lastEpoch === last && request.lastOffset >= core.log.endOffset)',
        replace: 'return last < 0 || request.lastOffset >= core.log.endOffset',
      },
    ],
    hunters: [quorum(500)],
  },
  {
    name: 'records of earlier epochs are committed by counting',
    history: 'Raft figure 8: they may still be overwritten by a leader that never saw them',
    rule: 'RAFT-6',
    edits: [
      {
        file: leader,
        find: 'if (reached <= role.epochStart || !core.advanceHighWatermark(reached)) return',
        replace: 'if (!core.advanceHighWatermark(reached)) return',
      },
    ],
    hunters: [quorum(1000)],
  },
  {
    name: 'no pre-vote',
    history: 'KIP-996: a node that was cut off comes back and deposes a leader that works',
    rule: 'RAFT-13',
    edits: [
      {
        file: election,
        find: 'if (core.voters.majority === 1) return becomeCandidate(core, now)',
        replace: 'if (core.voters.majority > 0) return becomeCandidate(core, now)',
      },
    ],
    hunters: [atEase],
  },
  {
    name: 'pre-votes are given while the leader is heard',
    history: 'KIP-996: the pre-vote asks for the log only, and a one-way partition deposes one leader after the other',
    rule: 'RAFT-13',
    edits: [{ file: election, find: "if (role.kind === 'follower' && !missesLeader(core, now, role)) return false", replace: '' }],
    hunters: [atEase],
  },
  {
    name: 'no check-quorum',
    history: 'KIP-595, KAFKA-15489: a leader that nobody hears goes on for ever',
    rule: 'RAFT-14',
    edits: [
      {
        file: leader,
        find: 'if (core.voters.majority === 1) return NEVER\n  const heardAt',
        replace: 'if (core.voters.majority > 0) return NEVER\n  const heardAt',
      },
    ],
    hunters: [quorum(100)],
  },
  {
    name: 'a fetch claims what is not durable yet',
    history: 'KIP-595: a follower acknowledges what a crash takes from it',
    rule: 'RAFT-8',
    edits: [
      {
        file: follower,
        find: 'if (role.fetching !== null || now < role.fetchAt || !core.writes.allDurable) return\n  role.fetching =',
        replace: 'if (role.fetching !== null || now < role.fetchAt) return\n  role.fetching =',
      },
    ],
    hunters: [quorum(100)],
  },
  {
    name: 'a leader counts itself before its own log is durable',
    history: 'Two logs, of which one is in a page cache',
    rule: 'RAFT-8',
    edits: [
      {
        file: leader,
        find: 'return id === core.local.id ? core.writes.persistedOffset',
        replace: 'return id === core.local.id ? core.log.endOffset',
      },
    ],
    hunters: [quorum(100)],
  },
  {
    name: 'what was cut and written again is durable by the word of the first writing',
    history: 'A late answer of the disk is taken for one to another write',
    rule: 'RAFT-8',
    edits: [{ file: 'raft/writes.ts', find: 'this.persistedEnd = Math.min(this.persistedEnd, endOffset)\n', replace: '' }],
    hunters: [quorum(500)],
  },
  {
    name: 'a follower cuts its log at its high watermark',
    history: 'KIP-101 in the quorum: truncation by anything but epochs',
    rule: 'RAFT-12',
    edits: [
      {
        file: 'raft/log-shape.ts',
        find: 'return own.epoch === from.epoch ? Math.min(own.offset, from.offset) : own.offset',
        replace: 'return own.epoch === from.epoch ? from.offset : Math.min(from.offset, this.end)',
      },
    ],
    hunters: [quorum(500)],
  },
  {
    name: 'the leader compares offsets of the follower, not epochs, in the quorum',
    history: 'KIP-595: logs that part in their epochs but not in their length are taken for the same',
    rule: 'RAFT-5',
    edits: [
      {
        file: 'raft/log-shape.ts',
        find: "return end.epoch === epoch && end.offset >= offset ? { kind: 'valid' }",
        replace: "return this.end >= offset ? { kind: 'valid' }",
      },
    ],
    hunters: [quorum(200)],
  },
  {
    name: 'fetches of any epoch are answered by whoever leads',
    history: 'KIP-595: a fetch of another epoch counts for the high watermark',
    rule: 'RAFT-6',
    edits: [
      {
        file: leader,
        find: "if (epoch < core.epoch) return 'FENCED_LEADER_EPOCH'\n  if (epoch > core.epoch) return 'UNKNOWN_LEADER_EPOCH'\n",
        replace: '',
      },
    ],
    hunters: [quorum(1000)],
  },
  {
    name: 'a majority is half of the voters',
    history: 'Raft §5.2: two leaders, two majorities',
    rule: 'RAFT-1',
    edits: [
      {
        file: 'raft/voters.ts',
        find: 'this.majority = Math.floor(voters.length / 2) + 1',
        replace: 'this.majority = Math.max(1, Math.floor(voters.length / 2))',
      },
    ],
    hunters: [quorum(50)],
  },
  {
    name: 'a leader does not leave its role when it hears of a higher epoch',
    history: 'Raft §5.1: two active controllers',
    rule: 'RAFT-16',
    edits: [
      {
        file: election,
        find: 'if (leader === NO_NODE) core.becomeUnattached(now + electionDelay(core), now + core.timing.retryBackoffMs)\n    else follow(core, now)',
        replace:
          "if (leader !== NO_NODE) follow(core, now)\n    else if (core.role.kind !== 'leader') core.becomeUnattached(now + electionDelay(core), now + core.timing.retryBackoffMs)",
      },
    ],
    hunters: [quorum(100)],
  },
  {
    name: 'quorum-state is renamed without a sync of its directory',
    history: 'On ext4 a power cut brings back the file that was there before: the vote is forgotten (S-7, measured)',
    rule: 'RAFT-2',
    edits: [
      {
        file: 'quorum/quorum-storage.ts',
        find: 'this.ports.disk.replaceSmallSync(`${this.directory}/${quorumStateFileName}`, formatQuorumState(state, voters))',
        replace:
          'const path = `${this.directory}/${quorumStateFileName}`\nconst file = this.ports.disk.open(path + ".tmp", { create: true })\nfile.truncate(0)\nfile.write(0, [Buffer.from(formatQuorumState(state, voters))])\nfile.syncNow()\nfile.close()\nthis.ports.disk.rename(path + ".tmp", path)',
      },
    ],
    hunters: [nodes(200)],
  },
  {
    name: 'quorum-state is written in place',
    history: 'A power cut leaves half of it, or nothing, and the node does not start',
    rule: 'RAFT-2',
    edits: [
      {
        file: 'quorum/quorum-storage.ts',
        find: 'this.ports.disk.replaceSmallSync(`${this.directory}/${quorumStateFileName}`, formatQuorumState(state, voters))',
        replace:
          'const file = this.ports.disk.open(`${this.directory}/${quorumStateFileName}`, { create: true })\nfile.truncate(0)\nfile.write(0, [Buffer.from(formatQuorumState(state, voters))])\nfile.syncNow()\nfile.close()',
      },
    ],
    hunters: [nodes(200)],
  },
  {
    name: 'the metadata log is not synced before it is spoken of',
    history: 'KIP-595 asks for an fsync before a fetch acknowledges: what a majority had in its page caches was committed',
    rule: 'RAFT-8',
    edits: [{ file: 'quorum/quorum-storage.ts', find: '    this.log.flush()\n', replace: '' }],
    hunters: [nodes(200)],
  },
  {
    name: 'a vote is not written down',
    history: 'A node that comes back votes again in the same epoch, for another',
    rule: 'RAFT-2',
    edits: [
      { file: 'quorum/quorum-storage.ts', find: 'if (this.unwrittenState !== null) this.writeState(this.unwrittenState)', replace: '' },
    ],
    hunters: [nodes(200)],
  },
  {
    name: 'a snapshot has its name before it is synced',
    history: 'KIP-630: after a power cut the log begins with a snapshot that is empty',
    rule: 'RAFT-10',
    edits: [{ file: 'quorum/snapshot-file.ts', find: '    await synced(file.sync(), writing)\n', replace: '' }],
    hunters: [nodes(300)],
  },
]
