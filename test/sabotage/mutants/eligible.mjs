// Who may lead when the in-sync set is empty (KIP-966).
const replication = (seeds, overrides) => ({ simulation: 'replication', seeds, ...(overrides === undefined ? {} : { overrides }) })

/** Brokers that come back with less than they had, often. */
const losses = { isLossy: true, crashes: 0.2, minIsr: 2, brokers: 3, produceEveryMs: 10 }

const change = 'controller/partitions/partition-change.ts'

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const eligibleMutants = [
  {
    name: 'the last replica standing leads again, whatever it has lost',
    history:
      'KIP-966, and the README of redpanda-data/kafka-fsync: a local loss of unsynced records becomes a loss for all, as the others cut their logs to it',
    rule: 'REP-11',
    edits: [
      {
        file: 'controller/brokers/broker-registration.ts',
        find: 'return context.version >= 3 && existing.epoch === request.previousBrokerEpoch',
        replace: 'return context.version >= 0 || existing.epoch === request.previousBrokerEpoch',
      },
    ],
    hunters: [replication(200), replication(500, losses)],
  },
  {
    name: 'who comes back with less leaves the in-sync set and stays eligible',
    history: 'KIP-966: the eligible leader replicas are those that lost nothing',
    rule: 'REP-11',
    edits: [{ file: change, find: ' && !isr.includes(replica) && !lossy.includes(replica)', replace: ' && !isr.includes(replica)' }],
    hunters: [replication(200), replication(500, losses)],
  },
  {
    name: 'the last known leader is elected by itself',
    history: 'Kafka’s PartitionChangeBuilder.canElectLastKnownLeader: an unclean election although unclean elections are off',
    rule: 'REP-11',
    edits: [
      {
        file: change,
        find: 'uncleanLeader(partition, goal, setting) : soleReplica(goal, setting)',
        replace:
          'uncleanLeader(partition, goal, setting) : goal.isr.length + goal.elr.length === 0 && setting.isActive(partition.lastKnownElr[0]) ? partition.lastKnownElr[0] : soleReplica(goal, setting)',
      },
    ],
    hunters: [{ test: 'controller/partitions/eligible-leaders.test.ts' }, { test: 'controller/simulation.test.ts' }],
  },
  {
    name: 'who left a set that was large enough is eligible',
    history: 'KIP-966: it misses what was acknowledged since',
    rule: 'REP-11',
    edits: [
      {
        file: change,
        find: 'if (!setting.elrEnabled || isSafe(isr, replicas, setting)) return []',
        replace: 'if (!setting.elrEnabled) return []',
      },
      { file: change, find: 'const elr = unclean || isSafe(isr, goal.replicas, setting) ? [] :', replace: 'const elr = unclean ? [] :' },
    ],
    hunters: [replication(200)],
  },
  {
    name: 'who leaves a set that is too small to commit is not eligible',
    history: 'KAFKA-12241: the in-sync set shrinks to a leader whose disk is failing, then its directory fails, and nobody may lead',
    rule: 'REP-15',
    edits: [
      {
        file: change,
        find: 'new Set([...partition.eligibleLeaderReplicas, ...partition.isr])',
        replace: 'new Set(partition.eligibleLeaderReplicas)',
      },
    ],
    hunters: [{ test: 'controller/partitions/eligible-leaders.test.ts' }],
  },
  {
    name: 'a replica stays eligible when its directory has failed',
    history: 'KIP-858 with KIP-966: what was in that directory is gone',
    rule: 'REP-11',
    edits: [
      {
        file: 'controller/brokers/fencing.ts',
        find: '    lossy: [broker],\n    bumpEpoch: true,\n',
        replace: '    bumpEpoch: true,\n',
      },
    ],
    hunters: [{ test: 'controller/partitions/eligible-leaders.test.ts' }],
  },
]
