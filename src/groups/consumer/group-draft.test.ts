import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Turn } from '../turn.ts'
import { type ConsumerMember, newMember } from './consumer-member.ts'
import { Bench, groupId, hardState, owned, topicId } from './fixture.test.ts'
import { GroupDraft } from './group-draft.ts'
import { replaceMember } from './joining.ts'

const orders = topicId('orders')

function twoMembers(): Bench {
  const bench = new Bench()
  bench.join('a', { instanceId: 'one', serverAssignor: 'range' })
  bench.join('b', { subscribedTopicRegex: 'c.*' })
  bench.beat({ memberEpoch: 2, topicPartitions: owned({ orders: [0, 1] }) })
  return bench
}

function draftOf(base: Bench): GroupDraft {
  return new GroupDraft(base.state, new Turn(base.now), base.group())
}

function having(member: ConsumerMember, partitions: readonly number[]): ConsumerMember {
  return { ...member, assigned: new Map([[orders, new Map(partitions.map((partition) => [partition, 3]))]]) }
}

describe('a draft of a group', () => {
  test('is the group as long as nothing is changed, and writes nothing', () => {
    const base = twoMembers()
    const draft = draftOf(base)
    const group = base.group()
    assert.equal(draft.member('a'), group.members.get('a'))
    assert.equal(draft.staticMember('one')?.memberId, 'a')
    assert.equal(draft.subscribersByName(), group.subscribersByName)
    assert.equal(draft.owner(orders, 0), 'a')
    assert.equal(draft.memberCount, 2)
    assert.deepEqual(draft.turn.records, [])
  })

  test('has the partitions of a removed member free, and forgets what it said', () => {
    const draft = draftOf(twoMembers())
    draft.removeMember('a')
    assert.equal(draft.owner(orders, 0), null)
    assert.equal(draft.member('a'), undefined)
    assert.equal(draft.staticMember('one'), undefined)
    assert.equal(draft.target('a').size, 0)
    assert.equal(draft.hasTarget('a'), false)
    assert.deepEqual([...draft.subscribersByName()], [['orders', 1]])
    assert.deepEqual([...draft.membersByAssignor()], [])
    assert.deepEqual(
      [...draft.members()].map(({ memberId }) => memberId),
      ['b'],
    )
  })

  test('has the partitions of a changed member where it puts them', () => {
    const base = twoMembers()
    const draft = draftOf(base)
    const a = draft.member('a')
    assert.ok(a !== undefined)
    draft.putCurrentAssignment(having(a, [1]))
    assert.equal(draft.owner(orders, 0), null)
    assert.equal(draft.owner(orders, 1), 'a')
    draft.putCurrentAssignment(having(a, [0]))
    assert.equal(draft.owner(orders, 0), 'a')
    assert.equal(draft.owner(orders, 1), null)
  })

  test('gives an instance id to its new member', () => {
    const draft = draftOf(twoMembers())
    const a = draft.member('a')
    assert.ok(a !== undefined)
    const c = replaceMember(draft, a, 'c')
    assert.equal(draft.staticMember('one'), c)
    assert.equal(draft.owner(orders, 0), 'c')
    assert.equal(draft.memberCount, 2)
    assert.equal(draft.target('c').get(orders)?.length, 2)
  })

  test('counts members of the classic protocol', () => {
    const draft = draftOf(twoMembers())
    const classicMemberMetadata = { sessionTimeoutMs: 1, supportedProtocols: [{ name: 'range', metadata: Buffer.alloc(0) }] }
    draft.putMember({ ...newMember('c'), classicMemberMetadata })
    assert.equal(draft.classicMemberCount, 1)
    assert.deepEqual([...draft.classicMembersByProtocol()], [['range', 1]])
    draft.putMember(newMember('c'))
    assert.equal(draft.classicMemberCount, 0)
    assert.equal(draft.memberCount, 3)
  })

  test('is what the group is when its records are replayed', () => {
    const base = twoMembers()
    const draft = draftOf(base)
    const a = draft.member('a')
    assert.ok(a !== undefined)
    replaceMember(draft, a, 'c')
    draft.removeMember('b')
    draft.removeRegex('c.*')
    draft.putMember({ ...newMember('d'), subscribedTopicNames: ['clicks'] })
    draft.setEpoch(9, 77)
    draft.putTarget('d', new Map([[topicId('clicks'), [0]]]))
    draft.setAssignmentEpoch(9, 5)
    base.turn((turn) => turn.write(...draft.turn.records))
    const group = base.state.groups.get(groupId)
    assert.ok(group?.type === 'consumer')
    assert.deepEqual([...group.members.values()], [...draft.members()])
    assert.deepEqual([group.groupEpoch, group.metadataHash, group.assignmentEpoch, group.assignmentTimestamp], [9, 77, 9, 5])
    assert.deepEqual(new Map(group.subscribersByName), new Map(draft.subscribersByName()))
    assert.equal(group.regexes.size, 0)
    assert.deepEqual(hardState(base.replayed()), hardState(base.state))
  })
})
