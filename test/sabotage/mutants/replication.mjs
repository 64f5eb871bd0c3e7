// Replication of a partition: what Kafka got wrong and mended, and what the design rules out. The names say what is done wrong.

/** Quick double failovers, late metadata, and fetches that come when they are long out of date. */
const doubleFailovers = {
  brokers: 3,
  sessionSlots: 0,
  isLossy: false,
  crashes: 0,
  loss: 0,
  duplicates: 0.7,
  moves: 1,
  fences: 0,
  metadataDelayMax: 300,
  produceEveryMs: 5,
  pauses: 0.3,
  cuts: 0.2,
}
const replication = (seeds, overrides) => ({ simulation: 'replication', seeds, ...(overrides === undefined ? {} : { overrides }) })

const leadership = 'replication/leadership.ts'
const replica = 'replication/partition-replica.ts'
const alterPartition = 'controller/partitions/alter-partition.ts'

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const replicationMutants = [
  {
    name: 'acks=all does not ask whether enough are in sync',
    history: 'NOT_ENOUGH_REPLICAS is forgotten: one replica is written to, and what it holds may go with it',
    rule: 'REP-10',
    edits: [
      {
        file: replica,
        find: 'return acks === -1 && isr.length < effectiveMinIsr ?',
        replace: 'return acks === -1 && isr.length < Math.min(1, effectiveMinIsr) ?',
      },
    ],
    hunters: [replication(100)],
  },
  {
    name: 'epochs that the follower never had are cut at the leader’s offset',
    history: 'KIP-279: after fast consecutive elections a follower keeps records of an epoch that the leader does not have',
    rule: 'REP-9',
    edits: [
      {
        file: 'replication/truncation.ts',
        find: 'if (own.epoch !== leader.epoch) return Math.min(own.endOffset, logEndOffset)',
        replace: 'if (own.epoch !== leader.epoch) return Math.min(leader.endOffset, logEndOffset)',
      },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'the leader compares offsets of the follower, not epochs',
    history: 'KIP-279: logs that part in their epochs but not in their length are taken for the same',
    rule: 'REP-3',
    edits: [
      {
        file: 'replication/truncation.ts',
        find: 'return leader.epoch < lastFetchedEpoch || leader.endOffset < fetchOffset ? leader : null',
        replace: 'return leader.endOffset < fetchOffset ? leader : null',
      },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'fetches of any leader epoch count',
    history: 'KIP-320: a fetch that was sent in an epoch that is over is taken for an acknowledgement in this one',
    rule: 'REP-6',
    edits: [
      {
        file: replica,
        find: 'if (currentLeaderEpoch !== NO_EPOCH && currentLeaderEpoch < this.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH',
        replace: '',
      },
      { file: replica, find: 'if (currentLeaderEpoch > this.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH', replace: '' },
      { file: replica, find: 'if (input.leaderEpoch !== leadership.epoch) return', replace: '' },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'answers of a leader of another epoch are believed',
    history: 'KIP-320: a follower cuts its log by the word of a leader that is deposed',
    rule: 'REP-9',
    edits: [
      {
        file: 'replication/fetched-partition.ts',
        find: 'return this.firstRequest > 0 && request >= this.firstRequest',
        replace: 'return true',
      },
      {
        file: 'replication/fetched-partition.ts',
        find: "return this.state === 'ready' && this.isSent && request >= this.lastRequest",
        replace: "return this.state === 'ready'",
      },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'followers that have not fetched in this epoch are not waited for',
    history: 'The high watermark rises without a word of the new epoch from the in-sync replicas (Kip320.tla)',
    rule: 'REP-6',
    edits: [
      {
        file: leadership,
        find: 'if (follower.logEndOffset < least && (follower.inMaximalIsr',
        replace: 'if (follower.logEndOffset >= 0 && follower.logEndOffset < least && (follower.inMaximalIsr',
      },
    ],
    hunters: [replication(500)],
  },
  {
    name: 'what followers had acknowledged in an earlier epoch counts in the next',
    history: 'A leader that is elected again while it did not hear of the one between: its followers have cut their logs since',
    rule: 'REP-6',
    edits: [
      {
        file: leadership,
        find: 'this.followers = this.followersOf(now, assignment, [])',
        replace: 'this.followers = this.followersOf(now, assignment, previous?.followers ?? [])',
      },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'a replica joins at the high watermark, below the start of the epoch',
    history: 'The fourth rule of Kip320.tla: the high watermark of a new leader may be far behind what is committed',
    rule: 'REP-8',
    edits: [
      {
        file: leadership,
        find: 'if (follower.logEndOffset < this.highWatermark || follower.logEndOffset < this.epochStartOffset) return false',
        replace: 'if (follower.logEndOffset < this.highWatermark) return false',
      },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'a replica joins below the high watermark',
    history: 'The join rule is forgotten: whoever fetches is in sync',
    rule: 'REP-2',
    edits: [
      {
        file: leadership,
        find: 'if (follower.logEndOffset < this.highWatermark || follower.logEndOffset < this.epochStartOffset) return false',
        replace: 'if (follower.logEndOffset < 0) return false',
      },
    ],
    hunters: [replication(200)],
  },
  {
    name: 'a shrink of the in-sync set counts before the controller has agreed',
    history: 'KIP-497: a leader that was deposed shrinks the set to itself and acknowledges alone (Jepsen, Kafka 0.8)',
    rule: 'REP-6',
    edits: [
      {
        file: leadership,
        find: 'follower.inMaximalIsr = follower.inIsr || isr.includes(follower.brokerId)',
        replace: 'follower.inMaximalIsr = isr.includes(follower.brokerId)',
      },
    ],
    hunters: [replication(500)],
  },
  {
    name: 'an expansion does not count until the controller has agreed',
    history: 'KIP-497: the new member may be elected without what was acknowledged while the answer was on its way',
    rule: 'REP-2',
    edits: [
      {
        file: leadership,
        find: 'follower.inMaximalIsr = follower.inIsr || isr.includes(follower.brokerId)',
        replace: 'follower.inMaximalIsr = follower.inIsr',
      },
    ],
    hunters: [replication(500)],
  },
  {
    name: 'an unanswered proposal is taken for refused',
    history: 'The outcome of an AlterPartition that timed out is not known, and the old set is not what counts',
    rule: 'REP-2',
    edits: [
      {
        file: leadership,
        find: "if (after === 'ask again') this.proposal = { ...proposal, resendAt, unansweredAt: now }",
        replace: "if (after === 'ask again') this.withdraw(now, resendAt)",
      },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'a proposal that was overtaken is taken for refused',
    history: 'INVALID_UPDATE_VERSION may be the answer to a proposal that was carried out before',
    rule: 'REP-2',
    edits: [
      {
        file: leadership,
        find: "if (after === 'wait for metadata') return",
        replace: "if (after === 'wait for metadata') return this.withdraw(now, resendAt)",
      },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'a refusal speaks for earlier attempts too',
    history: 'An attempt that was given up unanswered lies in some buffer and is carried out after a later one was refused',
    rule: 'REP-2',
    edits: [
      { file: leadership, find: 'else if (now < proposal.unansweredAt + this.options.replicaLagTimeMaxMs)', replace: 'else if (now < -1)' },
    ],
    hunters: [replication(300), { test: 'replication/partition-replica.test.ts' }],
  },
  {
    name: 'the high watermark rises below min.insync.replicas',
    history: 'KIP-966: what a single replica has is called committed, and then that replica loses it',
    rule: 'REP-6',
    edits: [{ file: leadership, find: 'if (this.isr.length < this.effectiveMinIsr) return\n', replace: '' }],
    hunters: [replication(200)],
  },
  {
    name: 'acks=all is answered when the leader has it',
    history: 'The oldest of all: the leader dies, and what was acknowledged with it',
    rule: 'REP-1',
    edits: [
      {
        file: leadership,
        find: 'if (lastOffset < this.highWatermark) this.produceDone',
        replace: 'if (lastOffset < this.logEndOffset) this.produceDone',
      },
    ],
    hunters: [replication(50)],
  },
  {
    name: 'a fetch of an incarnation that is gone counts',
    history: 'KIP-903, KAFKA-14139: a broker came back with less, and a fetch from before its crash is taken for one of now',
    rule: 'REP-2',
    edits: [{ file: leadership, find: 'if (brokerEpoch === -1) return false', replace: 'if (brokerEpoch >= -1) return false' }],
    hunters: [
      replication(500),
      replication(500, { isLossy: true, crashes: 0.2, duplicates: 0.3, sessionSlots: 0, minIsr: 2, brokers: 3, produceEveryMs: 10 }),
    ],
  },
  {
    name: 'a follower takes over a high watermark beyond its log',
    history: 'KIP-392: what a follower shows to readers is bounded by what it has',
    rule: 'REP-14',
    edits: [
      {
        file: replica,
        find: 'const highWatermark = Math.min(leaderHighWatermark, this.state.logEndOffset)',
        replace: 'const highWatermark = leaderHighWatermark',
      },
    ],
    hunters: [replication(200)],
  },
  {
    name: 'produces stay parked when leadership is lost',
    history: 'They are answered when the broker leads again, for records that were cut meanwhile',
    rule: 'REP-1',
    edits: [
      {
        file: replica,
        find: "if (this.state.kind === 'leader') this.state.leadership.resign(ErrorCode.NOT_LEADER_OR_FOLLOWER)\n    this.state = { kind: 'follower'",
        replace: "this.state = { kind: 'follower'",
      },
    ],
    hunters: [replication(200)],
  },
  {
    name: 'metadata that is older than what is known is taken up',
    history: 'An older partition epoch overwrites what the controller has said since',
    rule: 'REP-2',
    edits: [
      { file: replica, find: "else if (before.kind !== 'none' && assignment.partitionEpoch <= this.partitionEpoch) return", replace: '' },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'the in-sync set is changed without comparing partition epochs',
    history: 'KIP-497: a leader that does not know of the last change undoes it',
    rule: 'REP-7',
    edits: [
      { file: alterPartition, find: "if (asked.partitionEpoch < partition.partitionEpoch) return 'INVALID_UPDATE_VERSION'", replace: '' },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'the in-sync set is changed by a leader of an earlier epoch',
    history: 'KIP-497: a deposed leader shrinks the set to itself',
    rule: 'REP-7',
    edits: [
      { file: alterPartition, find: "if (asked.leaderEpoch < partition.leaderEpoch) return 'FENCED_LEADER_EPOCH'", replace: '' },
      {
        file: alterPartition,
        find: "if (leader !== partition.leader && !isLeaving) return 'INVALID_REQUEST'",
        replace: '',
      },
      { file: alterPartition, find: "if (asked.partitionEpoch < partition.partitionEpoch) return 'INVALID_UPDATE_VERSION'", replace: '' },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'a fenced broker joins the in-sync set',
    history: 'KIP-841: a broker that is not there is elected, and nobody leads',
    rule: 'REP-8',
    edits: [
      {
        file: alterPartition,
        find: 'if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false',
        replace: 'if (broker === undefined) return false',
      },
    ],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'another incarnation of a broker joins the in-sync set',
    history: 'KIP-903, KAFKA-14139: it came back with an empty disk while the proposal was on its way',
    rule: 'REP-8',
    edits: [{ file: alterPartition, find: 'return brokerEpoch === -1 || brokerEpoch === broker.epoch', replace: 'return true' }],
    hunters: [replication(500), replication(500, doubleFailovers)],
  },
  {
    name: 'a leader is elected from all replicas',
    history: 'Unclean election by default, as Kafka had it before 0.11',
    rule: 'REP-1',
    edits: [
      {
        file: 'controller/partitions/partition-change.ts',
        find: 'const isValid = (broker: NodeId): boolean => hasAll.includes(broker) && canLead(broker)',
        replace: 'const isValid = canLead',
      },
    ],
    hunters: [replication(100)],
  },
]
