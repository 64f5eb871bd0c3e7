// All mutants, by subject, and what cannot be one.
import { clusterMutants } from './mutants/cluster.mjs'
import { durableMutants } from './mutants/durable.mjs'
import { eligibleMutants } from './mutants/eligible.mjs'
import { groupsMutants } from './mutants/groups.mjs'
import { quorumMutants } from './mutants/quorum.mjs'
import { replicationMutants } from './mutants/replication.mjs'
import { silentMutants } from './mutants/silent.mjs'
import { storageMutants } from './mutants/storage.mjs'

/**
 * @typedef {{
 *   subject: string,
 *   name: string,
 *   history: string,
 *   rule: string,
 *   edits: readonly { file: string, find: string, replace: string }[],
 *   hunters: readonly ({ simulation: string, seeds: number, from?: number, overrides?: object } | { test: string })[],
 * }} Mutant `rule`: what it breaks; `edits`: in src/, each text there exactly once; `hunters`: in their order
 */

const of = (subject, mutants) => mutants.map((mutant) => ({ subject, ...mutant }))

/** @type {readonly Mutant[]} */
export const mutants = [
  ...of('Replication', [...replicationMutants, ...eligibleMutants]),
  ...of('Quorum', quorumMutants),
  ...of('Storage', [...storageMutants, ...durableMutants, ...silentMutants]),
  ...of('Groups', groupsMutants),
  ...of('Brokers', clusterMutants),
]

const noTransactions = 'Transactions are not built yet: a transactional id is refused.'

/** What is not there cannot be built wrongly. */
export const notApplicable = [
  { name: 'AddPartitions races with an abort: a transaction that hangs (KIP-890)', why: noTransactions },
  { name: 'EndTxn, sent again, ends the next transaction (Jepsen 2024)', why: noTransactions },
  { name: 'InitProducerId does not raise the epoch', why: noTransactions },
  { name: 'a marker of an old coordinator epoch is accepted', why: noTransactions },
  { name: 'the last stable offset ignores a pending transaction', why: noTransactions },
  { name: 'offsets of a transaction are visible before it has committed', why: noTransactions },
  {
    name: 'a voter whose disk is lost votes again in an epoch in which it has voted (RAFT-17)',
    why: 'Voters are static (`kraft.version` 0), and one without its directory does not start before it is formatted by hand, as in Kafka. Nothing guards against that formatting.',
  },
  {
    name: 'a consumer that reads from a follower is shown what is beyond its high watermark (KIP-392)',
    why: 'Followers serve no consumers: `replica.selector.class` is refused. That a follower does not believe too much has its mutants.',
  },
]
