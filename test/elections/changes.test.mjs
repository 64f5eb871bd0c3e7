// What becomes of a partition, beside Kafka's own PartitionChangeBuilder, over random partitions and wishes: elections of every kind, members that leave the
// ISR or join it, lossy restarts, with eligible leader replicas and without. Left out is where this controller differs on purpose: the election of the last
// known leader without anybody's wish, partitions of a single replica, and reassignments.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { without } from '../rig/peers.mjs'
import { runJava } from '../wire/java.mjs'
import { load } from '../wire/schemas.mjs'

const seed = Number(process.env.ELECTIONS_SEED ?? 1)
const casesMax = 20_000

const ascending = (ids) => [...ids].sort((a, b) => a - b)

/** A partition as it can come to be, and what is wanted of it. */
function randomCase(prng) {
  const some = (ids, chance) => ids.filter(() => prng.chance(chance))
  const replicas = prng.pick([
    [1, 2, 3],
    [3, 1, 2],
    [2, 1],
    [4, 2, 1, 3],
  ])
  const minIsr = prng.between(1, 4)
  const enough = Math.min(minIsr, replicas.length)
  const elrEnabled = prng.chance(0.8)
  const drawn = some(replicas, 0.5)
  const isr = drawn.length > 0 || elrEnabled ? drawn : replicas.slice(0, 1)
  const others = replicas.filter((id) => !isr.includes(id))
  const elr = elrEnabled && isr.length < enough ? ascending(some(others, 0.6).slice(0, enough - isr.length)) : []
  const leader = isr.length > 0 && prng.chance(0.8) ? prng.pick(isr) : -1
  const active = some([1, 2, 3, 4], 0.6)
  const gone = replicas.filter((id) => !active.includes(id))
  const lastKnownElr = elrEnabled && leader === -1 && gone.length > 0 && prng.chance(0.7) ? [prng.pick(gone)] : []
  const lossy = elrEnabled && gone.length > 0 && prng.chance(0.3) ? [prng.pick(gone)] : []
  return {
    partition: { replicas, isr, elr, lastKnownElr, leader, recovery: prng.chance(0.8) ? 0 : 1 },
    target: { isr: randomTarget(prng, replicas, isr, active, lossy), lossy, election: prng.pick(['preferred', 'online', 'unclean']) },
    active,
    minIsr: enough,
    elrEnabled,
  }
}

/** Members that are gone leave, one that is there joins, or nothing is said. */
function randomTarget(prng, replicas, isr, active, lossy) {
  if (lossy.length > 0) return isr.filter((id) => !lossy.includes(id))
  if (prng.chance(0.3)) return undefined
  if (prng.chance(0.5)) return isr.filter((id) => active.includes(id) || prng.chance(0.4))
  const joining = replicas.find((id) => !isr.includes(id) && active.includes(id))
  return joining === undefined ? isr : [...isr, joining]
}

const listText = (ids) => (ids === null || ids === undefined ? '=' : ids.length === 0 ? '-' : ids.join(','))

const lineOf = ({ partition, target, active, minIsr, elrEnabled }) =>
  [
    ...[partition.replicas, partition.isr, partition.elr, partition.lastKnownElr].map(listText),
    partition.leader,
    partition.recovery,
    listText(active),
    minIsr,
    elrEnabled,
    target.election,
    listText(target.isr),
    listText(target.lossy),
  ].join(' ')

function oursOf(partitionChange, { partition, target, active, minIsr, elrEnabled }) {
  const unassigned = 'AAAAAAAAAAAAAAAAAAAAAQ'
  const { elr, recovery, ...rest } = partition
  const image = {
    ...rest,
    topicId: 'AAAAAAAAAAAAAAAAAAAAeA',
    partition: 0,
    removingReplicas: [],
    addingReplicas: [],
    leaderRecoveryState: recovery,
    leaderEpoch: 7,
    partitionEpoch: 9,
    directories: partition.replicas.map(() => unassigned),
    eligibleLeaderReplicas: elr,
  }
  const { isr, ...others } = target
  const change = partitionChange(image, isr === undefined ? others : target, {
    metadataVersion: 30,
    isActive: (id) => active.includes(id),
    hasReplica: () => true,
    minIsr,
    elrEnabled,
    directoryFor: () => unassigned,
  })
  if (change === null) return '-'
  const sorted = (ids) => listText(ids === null ? null : ascending(ids))
  const number = (value, none) => (value === none ? '=' : String(value))
  const lists = [change.eligibleLeaderReplicas, change.lastKnownElr].map(sorted)
  return [sorted(change.isr), number(change.leader, -2), number(change.leaderRecoveryState, -1), ...lists].join(' ')
}

describe('changes of partitions', { skip: without('java') }, () => {
  test(`${casesMax} of them are Kafka's`, async () => {
    const { partitionChange } = await load('controller', 'partitions', 'partition-change.js')
    const { Prng } = await load('base', 'prng.js')
    const prng = new Prng(seed)
    const cases = Array.from({ length: casesMax }, () => randomCase(prng))
    const lines = cases.map(lineOf)
    const theirs = runJava('Changes', [], lines, 'elections')
    const different = cases.flatMap((one, at) => {
      const ours = oursOf(partitionChange, one)
      return ours === theirs[at] ? [] : [`${lines[at]}\n  Kafka: ${theirs[at]}\n  here:  ${ours}`]
    })
    assert.deepEqual(different.slice(0, 5), [], `${different.length} are different (seed ${seed})`)
    const kinds = new Set(theirs.map((it) => it.replaceAll(/\d/g, 'n')))
    assert.ok(kinds.size > 20, `${kinds.size} kinds of changes`)
  })
})
