import { assignment, beat, both, commit, describe, join, leave, range, sync, versions } from './steps.mjs'

const share = [{ memberId: '$m1', assignment: assignment({ t4: [0, 1] }) }]
const first = [
  join({ groupInstanceId: 'one' }, { save: { m1: 'memberId', generation: 'generationId' } }),
  sync({ groupInstanceId: 'one', assignments: share }),
]

export const staticMembers = [
  {
    name: 'a static member is let in at once, by every version',
    steps: versions(5, 9).map((version) =>
      join({ groupId: `@-${version}`, groupInstanceId: 'one' }, { version, save: { m1: 'memberId' } }),
    ),
  },
  {
    name: 'a static member that begins again keeps its share, and the one before it is fenced',
    steps: [
      ...first,
      join({ groupInstanceId: 'one' }, { save: { m2: 'memberId', generation: 'generationId' } }),
      sync({ memberId: '$m2', groupInstanceId: 'one' }),
      beat({ groupInstanceId: 'one' }),
      beat(),
      beat({ memberId: '$m2' }),
      beat({ memberId: '$m2', groupInstanceId: 'one' }),
      sync({ groupInstanceId: 'one' }),
      join({ memberId: '$m1', groupInstanceId: 'one' }),
      join({ memberId: '$m1' }),
      commit({ memberId: '$m1', groupInstanceId: 'one', generationIdOrMemberEpoch: '$generation' }),
      commit({ memberId: '$m2', groupInstanceId: 'one', generationIdOrMemberEpoch: '$generation' }),
      commit({ memberId: '$m2', groupInstanceId: 'two', generationIdOrMemberEpoch: '$generation' }),
      leave([{ memberId: '$m1', groupInstanceId: 'one' }]),
      leave([{ memberId: '', groupInstanceId: 'two' }]),
      describe(),
      leave([{ memberId: '', groupInstanceId: 'one' }]),
      describe(),
    ],
  },
  {
    name: 'a static leader that begins again is told to skip the assignment from version 9 on',
    steps: versions(7, 9).flatMap((version) => [
      join({ groupId: `@-${version}`, groupInstanceId: 'one' }, { version, save: { m1: 'memberId', generation: 'generationId' } }),
      sync({ groupId: `@-${version}`, groupInstanceId: 'one', assignments: share }),
      join({ groupId: `@-${version}`, groupInstanceId: 'one' }, { version, save: { m2: 'memberId', generation: 'generationId' } }),
    ]),
  },
  {
    name: 'a static member that begins again with another protocol set begins a rebalance',
    steps: [
      ...first,
      join({ groupInstanceId: 'one', protocols: both() }, { save: { m2: 'memberId', generation: 'generationId' } }),
      join({ groupInstanceId: 'one', protocols: range(['t1']) }, { save: { m3: 'memberId', generation: 'generationId' } }),
      join(
        { groupInstanceId: 'one', protocols: [{ name: 'roundrobin', metadata: Buffer.alloc(0) }] },
        { save: { m4: 'memberId', generation: 'generationId' } },
      ),
      describe(),
    ],
  },
  {
    name: 'two static members; one begins again while the other is there',
    steps: [
      ...first,
      join({ groupInstanceId: 'two' }, { on: 'b', park: true }),
      join({ memberId: '$m1', groupInstanceId: 'one' }, { save: { generation: 'generationId' } }),
      { take: 'b', save: { m2: 'memberId' } },
      sync({ memberId: '$m2', groupInstanceId: 'two' }, { on: 'b', park: true }),
      sync({ groupInstanceId: 'one', assignments: [...share, { memberId: '$m2', assignment: assignment({ t4: [2, 3] }) }] }),
      { take: 'b' },
      join({ groupInstanceId: 'two' }, { on: 'b', save: { m3: 'memberId', generation: 'generationId' } }),
      sync({ memberId: '$m3', groupInstanceId: 'two' }, { on: 'b' }),
      beat({ groupInstanceId: 'one' }),
      describe(),
      leave([
        { memberId: '', groupInstanceId: 'one' },
        { memberId: '$m3', groupInstanceId: 'two' },
      ]),
      describe(),
    ],
  },
  {
    name: 'a static member that begins again while it waits to join fences the one that waits',
    steps: [
      ...first,
      join({ groupInstanceId: 'two' }, { on: 'b', park: true }),
      join({ groupInstanceId: 'two' }, { on: 'c', park: true }),
      { take: 'b' },
      join({ memberId: '$m1', groupInstanceId: 'one' }, { save: { generation: 'generationId' } }),
      { take: 'c', save: { m2: 'memberId' } },
    ],
  },
  {
    name: 'an unknown static member with an id is not let in',
    steps: [
      join({ memberId: 'who', groupInstanceId: 'one' }),
      ...first,
      join({ memberId: 'who', groupInstanceId: 'two' }),
      join({ memberId: 'who', groupInstanceId: 'one' }),
    ],
  },
]
