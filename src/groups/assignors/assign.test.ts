import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import type { AssignorName } from '../settings.ts'
import { assign, type AssignmentInput, type AssignmentMember, type GroupAssignment, type MemberAssignment } from './assign.ts'

interface Member {
  readonly topics: readonly string[]
  readonly instanceId?: string
  readonly assigned?: Record<string, readonly number[]>
}

function input(members: Record<string, Member>, partitionCounts: Record<string, number>): AssignmentInput {
  return {
    members: new Map(
      Object.entries(members).map(([id, { topics, instanceId = null, assigned = {} }]): [string, AssignmentMember] => [
        id,
        { instanceId, topicIds: new Set(topics), assigned: new Map(Object.entries(assigned)) },
      ]),
    ),
    partitionCounts: new Map(Object.entries(partitionCounts)),
  }
}

function plain(assignment: GroupAssignment): Record<string, Record<string, readonly number[]>> {
  return Object.fromEntries([...assignment].map(([memberId, topics]) => [memberId, Object.fromEntries(topics)]))
}

function sizeOf(assigned: MemberAssignment | undefined): number {
  return [...(assigned ?? new Map<string, readonly number[]>()).values()].reduce((sum, partitions) => sum + partitions.length, 0)
}

/** Members as they are after the assignment: what they were assigned is what they have. */
function settledInto({ members, partitionCounts }: AssignmentInput, assignment: GroupAssignment): AssignmentInput {
  return {
    partitionCounts,
    members: new Map([...members].map(([id, member]) => [id, { ...member, assigned: assignment.get(id) ?? new Map() }])),
  }
}

function without({ members, partitionCounts }: AssignmentInput, gone: string): AssignmentInput {
  return { partitionCounts, members: new Map([...members].filter(([id]) => id !== gone)) }
}

/** How many partitions of `after` their owner did not have. */
function gained(before: AssignmentInput, after: GroupAssignment): number {
  let count = 0
  for (const [memberId, topics] of after) {
    for (const [topicId, partitions] of topics) {
      const had = before.members.get(memberId)?.assigned.get(topicId) ?? []
      count += partitions.filter((partition) => !had.includes(partition)).length
    }
  }
  return count
}

function checkComplete({ members, partitionCounts }: AssignmentInput, assignment: GroupAssignment): void {
  assert.deepEqual([...assignment.keys()].sort(), [...members.keys()].sort())
  const seen = new Set<string>()
  for (const [memberId, topics] of assignment) {
    for (const [topicId, partitions] of topics) {
      assert.ok(members.get(memberId)?.topicIds.has(topicId), `${memberId} is not subscribed to ${topicId}`)
      assert.ok(partitions.length > 0)
      assert.deepEqual(
        partitions,
        [...partitions].sort((a, b) => a - b),
      )
      for (const partition of partitions) {
        assert.ok(partition < (partitionCounts.get(topicId) ?? 0))
        assert.ok(!seen.has(`${topicId}-${partition}`), `${topicId}-${partition} twice`)
        seen.add(`${topicId}-${partition}`)
      }
    }
  }
  const subscribed = new Set([...members.values()].flatMap(({ topicIds }) => [...topicIds]))
  const wanted = [...subscribed].reduce((sum, topicId) => sum + (partitionCounts.get(topicId) ?? 0), 0)
  assert.equal(seen.size, wanted)
}

/** No owner of a partition has two more than another subscriber of its topic. */
function checkEven({ members }: AssignmentInput, assignment: GroupAssignment): void {
  for (const [owner, topics] of assignment) {
    for (const topicId of topics.keys()) {
      for (const [other, { topicIds }] of members) {
        if (!topicIds.has(topicId)) continue
        const difference = sizeOf(assignment.get(owner)) - sizeOf(assignment.get(other))
        assert.ok(difference < 2, `${owner} has ${difference} more than ${other}, both of ${topicId}`)
      }
    }
  }
}

function randomInput(prng: Prng, homogeneous: boolean): AssignmentInput {
  const topics = Array.from({ length: 1 + prng.below(6) }, (_, at) => `topic${at}`)
  const partitionCounts = new Map(topics.map((topic) => [topic, prng.below(12)]))
  const members = Array.from({ length: 1 + prng.below(9) }, (_, at): [string, AssignmentMember] => {
    const topicIds = new Set(homogeneous ? topics : topics.filter(() => prng.below(2) === 0))
    const instanceId = prng.below(3) === 0 ? `instance${prng.below(1000)}-${at}` : null
    return [`member${prng.below(1000)}-${at}`, { instanceId, topicIds, assigned: new Map() }]
  })
  return { members: new Map(members), partitionCounts }
}

function addMember({ members, partitionCounts }: AssignmentInput, id: string, topicIds: ReadonlySet<string>): AssignmentInput {
  return { partitionCounts, members: new Map([...members, [id, { instanceId: null, topicIds, assigned: new Map() }]]) }
}

describe('any assignor', () => {
  for (const name of ['uniform', 'range'] satisfies AssignorName[]) {
    test(`${name}: every partition of a subscribed topic has exactly one owner, who is subscribed to it`, () => {
      for (let seed = 0; seed < 300; seed++) {
        const prng = new Prng(seed)
        let group = randomInput(prng, seed % 2 === 0)
        for (let step = 0; step < 4; step++) {
          const assignment = assign(name, group)
          checkComplete(group, assignment)
          group = settledInto(group, assignment)
          const [first] = group.members.keys()
          if (step === 1 && first !== undefined && group.members.size > 1) group = without(group, first)
          if (step === 2) group = addMember(group, 'member-new', new Set(group.partitionCounts.keys()))
        }
      }
    })

    test(`${name}: the order in which members and topics come does not matter`, () => {
      for (let seed = 0; seed < 50; seed++) {
        const group = randomInput(new Prng(seed), seed % 2 === 0)
        const turned: AssignmentInput = {
          members: new Map(
            [...group.members].reverse().map(([id, member]) => [id, { ...member, topicIds: new Set([...member.topicIds].reverse()) }]),
          ),
          partitionCounts: new Map([...group.partitionCounts].reverse()),
        }
        assert.deepEqual(plain(assign(name, turned)), plain(assign(name, group)))
      }
    })

    test(`${name}: a member whose assignment stays as it is has the very object that it had`, () => {
      for (let seed = 0; seed < 50; seed++) {
        const group = randomInput(new Prng(seed), seed % 2 === 0)
        const settled = settledInto(group, assign(name, group))
        for (const [id, assigned] of assign(name, settled)) assert.equal(assigned, settled.members.get(id)?.assigned)
      }
    })

    test(`${name}: nobody, no topics, and topics that are gone are no trouble`, () => {
      assert.deepEqual(plain(assign(name, input({}, { a: 3 }))), {})
      assert.deepEqual(plain(assign(name, input({ m: { topics: [] } }, { a: 3 }))), { m: {} })
      assert.deepEqual(plain(assign(name, input({ m: { topics: ['gone'], assigned: { gone: [0, 1] } } }, {}))), { m: {} })
      const left = input({ m: { topics: ['b'], assigned: { a: [0] } }, n: { topics: ['b'], assigned: { b: [0, 1] } } }, { a: 1, b: 2 })
      checkComplete(left, assign(name, left))
    })
  }
})

describe('uniform, all members subscribed to the same topics', () => {
  test('sizes are within one of each other', () => {
    for (let seed = 0; seed < 200; seed++) {
      const group = randomInput(new Prng(seed), true)
      const sizes = [...assign('uniform', group).values()].map(sizeOf)
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `seed ${seed}: ${sizes.join()}`)
    }
  })

  test('a new topic is spread over the members', () => {
    const group = input({ a: { topics: ['t', 'u'] }, b: { topics: ['t', 'u'] } }, { t: 2, u: 2 })
    assert.deepEqual(plain(assign('uniform', group)), { a: { t: [0], u: [0] }, b: { t: [1], u: [1] } })
  })

  test('a member that leaves moves only what it had', () => {
    for (let seed = 0; seed < 200; seed++) {
      const group = randomInput(new Prng(seed), true)
      const settled = settledInto(group, assign('uniform', group))
      const [gone] = settled.members.keys()
      if (gone === undefined || settled.members.size === 1) continue
      const rest = without(settled, gone)
      assert.equal(gained(rest, assign('uniform', rest)), sizeOf(settled.members.get(gone)?.assigned))
    }
  })

  test('a member that joins takes only its share, and nothing moves between the others', () => {
    for (let seed = 0; seed < 200; seed++) {
      const group = randomInput(new Prng(seed), true)
      const settled = settledInto(group, assign('uniform', group))
      const joined = addMember(settled, 'member-new', new Set(settled.partitionCounts.keys()))
      const after = assign('uniform', joined)
      assert.equal(gained(joined, after), sizeOf(after.get('member-new')))
    }
  })

  test('those that have one more keep it', () => {
    const group = input(
      {
        a: { topics: ['t'], assigned: { t: [0] } },
        b: { topics: ['t'], assigned: { t: [1] } },
        c: { topics: ['t'], assigned: { t: [2, 3] } },
      },
      { t: 4 },
    )
    assert.equal(gained(group, assign('uniform', group)), 0)
  })

  test('new partitions of a topic go to those that have least', () => {
    const group = input({ a: { topics: ['t'], assigned: { t: [0, 1] } }, b: { topics: ['t'], assigned: { t: [2] } } }, { t: 4 })
    assert.deepEqual(plain(assign('uniform', group)), { a: { t: [0, 1] }, b: { t: [2, 3] } })
  })

  test('a partition that two claim stays with one', () => {
    const group = input({ a: { topics: ['t'], assigned: { t: [0, 1] } }, b: { topics: ['t'], assigned: { t: [1, 2] } } }, { t: 3 })
    checkComplete(group, assign('uniform', group))
  })
})

describe('uniform, members subscribed to different topics', () => {
  test('no owner has two partitions more than another subscriber of the same topic', () => {
    for (let seed = 0; seed < 300; seed++) {
      const prng = new Prng(seed)
      let group = randomInput(prng, false)
      for (let step = 0; step < 3; step++) {
        const assignment = assign('uniform', group)
        checkEven(group, assignment)
        group = addMember(
          settledInto(group, assignment),
          `new${step}`,
          new Set([...group.partitionCounts.keys()].filter(() => prng.below(2) === 0)),
        )
      }
    }
  })

  test('who alone is subscribed to a topic gets less of the others', () => {
    const group = input({ a: { topics: ['own', 'shared'] }, b: { topics: ['shared'] } }, { own: 2, shared: 4 })
    assert.deepEqual(plain(assign('uniform', group)), { a: { own: [0, 1], shared: [2] }, b: { shared: [0, 1, 3] } })
  })

  test('a member that leaves moves little more than what it had', () => {
    let moved = 0
    let had = 0
    for (let seed = 0; seed < 200; seed++) {
      const group = randomInput(new Prng(seed), false)
      const settled = settledInto(group, assign('uniform', group))
      const [gone] = settled.members.keys()
      if (gone === undefined) continue
      const rest = without(settled, gone)
      moved += gained(rest, assign('uniform', rest))
      had += sizeOf(settled.members.get(gone)?.assigned)
    }
    assert.ok(moved < had * 1.5, `${moved} moved for ${had}`)
  })

  test('a member that unsubscribes from a topic loses it, and keeps the rest as far as that is fair', () => {
    const group = input(
      { a: { topics: ['u'], assigned: { t: [0, 1], u: [0, 1] } }, b: { topics: ['t', 'u'], assigned: { t: [2, 3], u: [2, 3] } } },
      { t: 4, u: 4 },
    )
    const { a, b } = plain(assign('uniform', group))
    assert.deepEqual(b?.['t'], [0, 1, 2, 3])
    assert.equal(a?.['u']?.length, 4)
  })
})

describe('range', () => {
  test('the first members have one more where it does not divide, and equal partitions of equally large topics', () => {
    const group = input({ a: { topics: ['t', 'u'] }, b: { topics: ['t', 'u'] }, c: { topics: ['t', 'u'] } }, { t: 4, u: 4 })
    assert.deepEqual(plain(assign('range', group)), { a: { t: [0, 1], u: [0, 1] }, b: { t: [2], u: [2] }, c: { t: [3], u: [3] } })
  })

  test('more members than partitions leaves the last without', () => {
    const group = input({ a: { topics: ['t'] }, b: { topics: ['t'] }, c: { topics: ['t'] } }, { t: 2 })
    assert.deepEqual(plain(assign('range', group)), { a: { t: [0] }, b: { t: [1] }, c: {} })
  })

  test('a static member that comes back with another id has what it had, ahead of those without an instance id', () => {
    const first = input({ z: { topics: ['t'], instanceId: 'i1' }, y: { topics: ['t'], instanceId: 'i2' }, a: { topics: ['t'] } }, { t: 3 })
    const second = input({ b: { topics: ['t'], instanceId: 'i1' }, y: { topics: ['t'], instanceId: 'i2' }, a: { topics: ['t'] } }, { t: 3 })
    assert.deepEqual(plain(assign('range', first)), { z: { t: [0] }, y: { t: [1] }, a: { t: [2] } })
    assert.deepEqual(plain(assign('range', second)), { b: { t: [0] }, y: { t: [1] }, a: { t: [2] } })
  })

  test('a topic is cut for its own subscribers', () => {
    const group = input({ a: { topics: ['t'] }, b: { topics: ['t', 'u'] }, c: { topics: ['u'] } }, { t: 3, u: 3 })
    assert.deepEqual(plain(assign('range', group)), { a: { t: [0, 1] }, b: { t: [2], u: [0, 1] }, c: { u: [2] } })
  })
})

describe('large groups', () => {
  const members = Array.from({ length: 1000 }, (_, at) => `member-${at}`)

  test('a thousand members and a thousand partitions are assigned at once', () => {
    const topicIds = new Set(['t'])
    const counts = new Map([['t', 1000]])
    const group: AssignmentInput = {
      partitionCounts: counts,
      members: new Map(members.map((id) => [id, { instanceId: null, topicIds, assigned: new Map() }])),
    }
    for (const name of ['uniform', 'range'] satisfies AssignorName[]) {
      const assignment = assign(name, group)
      checkComplete(group, assignment)
      assert.ok([...assignment.values()].every((assigned) => sizeOf(assigned) === 1))
    }
  })

  test('a thousand members with different subscriptions are evened out', () => {
    const topics = Array.from({ length: 50 }, (_, at) => `topic-${at}`)
    const group: AssignmentInput = {
      partitionCounts: new Map(topics.map((topic) => [topic, 20])),
      members: new Map(
        members.map((id, at) => [
          id,
          { instanceId: null, topicIds: new Set(topics.filter((_, topic) => (at + topic) % 3 === 0)), assigned: new Map() },
        ]),
      ),
    }
    const assignment = assign('uniform', group)
    checkComplete(group, assignment)
    checkEven(group, assignment)
  })
})
