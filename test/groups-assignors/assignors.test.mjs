// The assignors of the consumer protocol beside Kafka's own, on random groups: `range` gives the same assignment, `uniform` is as even as Kafka's and
// moves no more. Each group is assigned, changed, and assigned again, each side going on from what it gave before.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { without } from '../rig/peers.mjs'
import { runJava } from '../wire/java.mjs'
import { load } from '../wire/schemas.mjs'

const seed = Number(process.env.ASSIGNORS_SEED ?? 1)
const groupsMax = 400
const skip = without('java')

/** One topic or member more or less, or another subscription. */
function changed(prng, group) {
  const { topics, members } = group
  const kind = prng.below(4)
  if (kind === 0 && members.length > 1) return { topics, members: members.filter((_, at) => at !== prng.below(members.length)) }
  if (kind === 1) {
    const subscribed = group.homogeneous ? members[0].topics : topics.map(({ id }) => id).filter(() => prng.chance(0.5))
    return { topics, members: [...members, { id: `m${prng.below(1e6)}`, instance: '', topics: subscribed }] }
  }
  if (kind === 2) return { topics: topics.map(({ id, count }) => ({ id, count: count + prng.below(3) })), members }
  const dropped = topics[prng.below(topics.length)].id
  return { topics, members: members.map((member) => ({ ...member, topics: member.topics.filter((id) => id !== dropped) })) }
}

function randomGroup(prng) {
  const homogeneous = prng.chance(0.5)
  const topics = Array.from({ length: 1 + prng.below(5) }, () => ({ id: prng.uuid(), count: 1 + prng.below(12) }))
  const ids = topics.map(({ id }) => id)
  const members = Array.from({ length: 1 + prng.below(8) }, (_, at) => ({
    id: `m${prng.below(1e6)}-${at}`,
    instance: prng.chance(0.3) ? `i${prng.below(1e6)}-${at}` : '',
    topics: homogeneous ? ids : ids.filter(() => prng.chance(0.5)),
  }))
  return { homogeneous, topics, members }
}

const textOf = (assigned) =>
  [...assigned]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, partitions]) => `${id}:${partitions.join('.')}`)
    .join(',')

function parse(line) {
  if (line === '=') return new Map()
  return new Map(
    line
      .slice('='.length)
      .split(';')
      .map((member) => {
        const [id, text] = member.split('|')
        const topics = text === '' ? [] : text.split(',').map((topic) => topic.split(':'))
        return [id, new Map(topics.map(([topicId, partitions]) => [topicId, partitions.split('.').map(Number)]))]
      }),
  )
}

const lineOf = (name, { topics, members }, assignment) =>
  [
    name,
    topics.map(({ id, count }) => `${id}:${count}`).join(','),
    ...members.map(({ id, instance, topics: of }) => [id, instance, of.join(','), textOf(assignment.get(id) ?? new Map())].join('|')),
  ].join(';')

const inputOf = ({ topics, members }, assignment) => ({
  partitionCounts: new Map(topics.map(({ id, count }) => [id, count])),
  members: new Map(
    members.map(({ id, instance, topics: of }) => [
      id,
      { instanceId: instance === '' ? null : instance, topicIds: new Set(of), assigned: assignment.get(id) ?? new Map() },
    ]),
  ),
})

const sizeOf = (assigned) => [...(assigned ?? new Map()).values()].reduce((sum, { length }) => sum + length, 0)

function moved(before, after) {
  let count = 0
  for (const [id, topics] of after) {
    for (const [topicId, partitions] of topics)
      count += partitions.filter((it) => !(before.get(id)?.get(topicId) ?? []).includes(it)).length
  }
  return count
}

/** The largest difference between an owner and another subscriber of the same topic. */
function unevenness({ members }, assignment) {
  let worst = 0
  for (const [owner, topics] of assignment) {
    for (const topicId of topics.keys()) {
      for (const { id, topics: of } of members) {
        if (of.includes(topicId)) worst = Math.max(worst, sizeOf(assignment.get(owner)) - sizeOf(assignment.get(id)))
      }
    }
  }
  return worst
}

describe("the assignors and Kafka's", { skip }, () => {
  let assign
  let first
  let second

  before(async () => {
    ;({ assign } = await load('groups', 'assignors', 'assign.js'))
    const { Prng } = await load('base', 'prng.js')
    const prng = new Prng(seed)
    first = Array.from({ length: groupsMax }, () => randomGroup(prng))
    second = first.map((group) => changed(prng, group))
  })

  /** Both rounds of both sides. */
  function assignBoth(name) {
    const nothing = first.map(() => new Map())
    const run = (groups, assignments) =>
      runJava(
        'Assignors',
        [],
        groups.map((group, at) => lineOf(name, group, assignments[at])),
        'groups-assignors',
      ).map(parse)
    const kafkaFirst = run(first, nothing)
    const oursFirst = first.map((group) => assign(name, inputOf(group, new Map())))
    return {
      kafkaFirst,
      oursFirst,
      kafkaSecond: run(second, kafkaFirst),
      oursSecond: second.map((group, at) => assign(name, inputOf(group, oursFirst[at]))),
      oursFromKafka: second.map((group, at) => assign(name, inputOf(group, kafkaFirst[at]))),
    }
  }

  const plain = (assignment) =>
    Object.fromEntries([...assignment].filter(([, topics]) => topics.size > 0).map(([id, topics]) => [id, textOf(topics)]))

  test('range assigns what Kafka assigns', () => {
    const { kafkaFirst, oursFirst, kafkaSecond, oursSecond } = assignBoth('range')
    for (const [at, assignment] of oursFirst.entries()) assert.deepEqual(plain(assignment), plain(kafkaFirst[at]), `group ${at}`)
    for (const [at, assignment] of oursSecond.entries()) assert.deepEqual(plain(assignment), plain(kafkaSecond[at]), `group ${at}, changed`)
  })

  test("uniform is as even as Kafka's, and moves no more", () => {
    const { kafkaFirst, oursFirst, kafkaSecond, oursSecond, oursFromKafka } = assignBoth('uniform')
    let ours = 0
    let kafkas = 0
    for (const [at, group] of first.entries()) {
      const count = (assignment) => [...assignment.values()].reduce((sum, assigned) => sum + sizeOf(assigned), 0)
      assert.equal(count(oursFirst[at]), count(kafkaFirst[at]))
      assert.equal(count(oursSecond[at]), count(kafkaSecond[at]))
      assert.ok(unevenness(group, oursFirst[at]) <= Math.max(1, unevenness(group, kafkaFirst[at])), `group ${at}`)
      assert.ok(unevenness(second[at], oursSecond[at]) <= Math.max(1, unevenness(second[at], kafkaSecond[at])), `group ${at}, changed`)
      const [mine, theirs] = [moved(kafkaFirst[at], oursFromKafka[at]), moved(kafkaFirst[at], kafkaSecond[at])]
      if (group.homogeneous) assert.ok(mine <= theirs, `group ${at}: ${mine} partitions moved, by Kafka ${theirs}`)
      ours += mine
      kafkas += theirs
    }
    assert.ok(ours <= kafkas, `${ours} partitions moved, by Kafka ${kafkas}`)
  })
})
