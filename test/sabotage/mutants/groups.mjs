// Groups, their offsets, and the coordinator that folds a log of them.
const groups = (seeds, kinds, overrides) => ({
  simulation: 'groups',
  seeds,
  overrides: { ...(kinds === undefined ? {} : { kinds }), ...overrides },
})
const classic = ['classic']
const consumer = ['consumer']
/** Brokers that stand still, and nothing else that would put a member out. */
const frozen = { brokerFreezeEveryMs: 3000, moveEveryMs: 0, brokerCrashEveryMs: 0, sessionTimeoutMs: 2000, heartbeatIntervalMs: 300 }

const host = 'ledger/ledger-host.ts'
const reconcile = 'groups/consumer/reconcile.ts'

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const groupsMutants = [
  {
    name: 'commits of an old generation are taken',
    history: 'A member that was put out commits what it had read, over what its successor has committed (zombie consumer)',
    rule: 'G-1',
    edits: [
      {
        file: 'groups/classic/commit-rules.ts',
        find: 'if (generation !== group.generationId) return ErrorCode.ILLEGAL_GENERATION',
        replace: '',
      },
    ],
    hunters: [groups(100, classic)],
  },
  {
    name: 'commits without a generation are taken from groups with members',
    history: 'Whoever says that it is nobody commits for a group that others read in',
    rule: 'G-1',
    edits: [
      {
        file: 'groups/classic/commit-rules.ts',
        find: 'if (generation < 0 && group.isEmpty) return ErrorCode.NONE',
        replace: 'if (generation < 0) return ErrorCode.NONE',
      },
    ],
    hunters: [groups(200)],
  },
  {
    name: 'commits of an old member epoch are taken for any partition',
    history: 'KIP-1251 without its condition: a commit for a partition that the member has had only since then, or has no more',
    rule: 'G-1',
    edits: [
      {
        file: 'groups/consumer/commit-rules.ts',
        find: 'return target === null || isAssignedSince(member, epoch, target) ? ErrorCode.NONE',
        replace: 'return epoch >= 0 || isAssignedSince(member, epoch, target) ? ErrorCode.NONE',
      },
    ],
    hunters: [groups(500, consumer)],
  },
  {
    name: 'a partition is given on before its owner has let it go',
    history: 'KIP-848: two members read one partition',
    rule: 'G-5',
    edits: [
      { file: reconcile, find: 'return owner === null || owner === member.memberId', replace: "return owner === null || owner !== ''" },
    ],
    hunters: [groups(100, consumer)],
  },
  {
    name: 'a member need not say that it has let go',
    history: 'KIP-848: revocation is taken for done when it was asked for',
    rule: 'G-5',
    edits: [
      {
        file: reconcile,
        find: 'if (revoked.size > 0 && uses(to.owned, revoked)) return assigned(member, memberEpoch',
        replace: 'if (revoked.size < 0) return assigned(member, memberEpoch',
      },
    ],
    hunters: [groups(100, consumer)],
  },
  {
    name: 'the group epoch stays when a member is put out',
    history: 'KIP-848: its partitions are nobody’s until somebody else comes or goes',
    rule: 'G-6',
    edits: [
      {
        file: 'groups/consumer/leaving.ts',
        find: 'draft.setEpoch(draft.groupEpoch + 1, metadataHash(draft))',
        replace: 'draft.setEpoch(draft.groupEpoch, metadataHash(draft))',
      },
    ],
    hunters: [groups(100, consumer)],
  },
  {
    name: 'answers leave before their records are committed',
    history: 'An offset that was acknowledged is gone with its coordinator',
    rule: 'G-2',
    edits: [
      {
        file: host,
        find: '(this.answered[ready]?.after ?? Infinity) <= this.committedEnd) ready += 1',
        replace: '(this.answered[ready]?.after ?? Infinity) < Infinity) ready += 1',
      },
    ],
    hunters: [groups(50)],
  },
  {
    name: 'who is deposed answers what it was about to',
    history: 'What a deposed coordinator wrote is taken for committed',
    rule: 'G-2',
    edits: [
      {
        file: host,
        find: 'for (const { command, answer } of waiting) answer(this.options.refuse(command))',
        replace: "for (const it of waiting) it.answer('reply' in it ? it.reply : this.options.refuse(it.command))",
      },
    ],
    hunters: [groups(50)],
  },
  {
    name: 'what the coordinator before wrote and did not commit is not waited for',
    history: 'An answer tells of a tail that is lost when this coordinator is deposed as well',
    rule: 'G-2',
    edits: [
      {
        file: host,
        find: 'this.answered.push({ ...parked, after: this.appliedEnd, deadline, reply })',
        replace:
          'this.answered.push({ ...parked, after: decision.records.length > 0 ? this.appliedEnd : this.committedEnd, deadline, reply })',
      },
    ],
    hunters: [groups(200)],
  },
  {
    name: 'sessions do not begin with a new coordinator, in classic groups',
    history: 'A member that died with its coordinator is never put out',
    rule: 'G-6',
    edits: [
      {
        file: 'groups/classic/activation.ts',
        find: 'for (const member of group.members.all()) keepMember(state, turn.now, group.groupId, member)',
        replace: '',
      },
    ],
    hunters: [groups(200, classic)],
  },
  {
    name: 'sessions do not begin with a new coordinator, in consumer groups',
    history: 'A member that died with its coordinator is never put out',
    rule: 'G-6',
    edits: [{ file: 'groups/consumer/activation.ts', find: '      keepMember(state, turn, group.groupId, member)\n', replace: '' }],
    hunters: [groups(200, consumer)],
  },
  {
    name: 'a generation without assignments stays with a new coordinator',
    history: 'Its members wait for a sync that nobody is going to send',
    rule: 'G-6',
    edits: [
      {
        file: 'groups/classic/activation.ts',
        find: "if (group.state === 'CompletingRebalance' || isTooLarge)",
        replace: 'if (isTooLarge)',
      },
    ],
    hunters: [
      groups(100, classic),
      { test: 'groups/classic/sessions.test.ts' },
      { test: 'groups/classic/replay.test.ts' },
      { test: 'groups/classic/sync.test.ts' },
    ],
  },
  {
    name: 'generations are read as one less',
    history: 'A generation is given out twice after a failover (G-4)',
    rule: 'G-4',
    edits: [
      {
        file: 'groups/classic/replay.ts',
        find: 'group.takeOver(value, true)',
        replace: 'group.takeOver({ ...value, generation: Math.max(0, value.generation - 1) }, true)',
      },
    ],
    hunters: [groups(50, classic)],
  },
  {
    name: 'offsets expire while somebody is subscribed',
    history: 'KIP-211, KAFKA-4682: offsets of partitions that see few commits are gone under their readers',
    rule: 'G-8',
    edits: [
      {
        file: 'groups/offsets/expiry.ts',
        find: "const isKept = basis.kind === 'never' || group.isSubscribedTo(topic)",
        replace: 'const isKept = false',
      },
    ],
    hunters: [groups(200)],
  },
  {
    name: 'offsets expire by their commit, however long the group had members',
    history: 'KIP-211: a group that becomes empty loses offsets at once',
    rule: 'G-8',
    edits: [
      {
        file: 'groups/offsets/expiry.ts',
        find: 'return Math.max(commitTimestamp, basis.at) + offsetsRetentionMs',
        replace: 'return commitTimestamp + offsetsRetentionMs',
      },
    ],
    hunters: [groups(300)],
  },
  {
    name: 'a static member that comes back begins a generation',
    history: 'KIP-345: each restart of a consumer costs all others a rebalance',
    rule: 'G-7',
    edits: [
      {
        file: 'groups/classic/join-static.ts',
        find: "if (group.state === 'Stable' && group.members.selectProtocol() === group.protocolName) {",
        replace: "if (group.state === 'Dead') {",
      },
    ],
    hunters: [groups(200, classic)],
  },
  {
    name: 'sessions last half as long as they were promised',
    history: 'Members are put out that are well',
    rule: 'G-5',
    edits: [
      {
        file: 'groups/consumer/sessions.ts',
        find: 'turn.now + Math.max(timeoutMs, 0), {',
        replace: 'turn.now + Math.max(timeoutMs, 0) / 2, {',
      },
    ],
    hunters: [groups(200, consumer)],
  },
  {
    name: 'who stood still takes those for silent whom it has not read',
    history: 'A coordinator that was paused puts out all its members, whose heartbeats wait in its socket',
    rule: 'G-5',
    edits: [{ file: 'groups/groups-ledger.ts', find: 'if (late > lateWakeMsMin) deadlines.postpone(late + lateWakeMsMin)', replace: '' }],
    hunters: [groups(100, consumer, frozen)],
  },
  {
    name: 'offsets of a topic that was deleted are those of its namesake',
    history: 'KIP-848, topic ids: a topic that is made anew under the same name is read from where the old one was left',
    rule: 'REP-17',
    edits: [
      {
        file: 'groups/offsets/topic-offsets.ts',
        find: 'return committed.topicId !== NO_UUID && topicId !== NO_UUID && committed.topicId !== topicId',
        replace: 'return committed.topicId === topicId && topicId !== topicId',
      },
    ],
    hunters: [groups(200), { test: 'groups/offsets/offset-fetch.test.ts' }, { test: 'groups/offsets/offset-commit.test.ts' }],
  },
]
