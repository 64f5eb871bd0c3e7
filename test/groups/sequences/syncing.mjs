import { assignment, beat, describe, enter, join, leave, longest, stable, sync, versions } from './steps.mjs'

const share = [{ memberId: '$m1', assignment: assignment({ t4: [0, 1] }) }]

export const syncing = [
  {
    name: 'the leader gives and gets its share, by every version',
    steps: versions(0, 5).flatMap((version) => [
      ...enter('m1', { groupId: `@-${version}` }),
      sync({ groupId: `@-${version}`, assignments: share }, { version }),
      sync({ groupId: `@-${version}` }, { version }),
      beat({ groupId: `@-${version}` }),
    ]),
  },
  {
    name: 'syncs that are refused',
    steps: [
      sync({ groupId: '@-none', generationId: 1, memberId: 'who' }),
      sync({ groupId: '', generationId: 1, memberId: 'who' }),
      sync({ groupId: longest, generationId: 1, memberId: 'who' }),
      ...enter('m1'),
      sync({ memberId: 'who' }),
      sync({ memberId: '' }),
      sync({ generationId: 0 }),
      sync({ generationId: 2 }),
      sync({ generationId: -1 }),
      sync({ protocolType: 'connect' }),
      sync({ protocolName: 'roundrobin' }),
      sync({ protocolType: null, protocolName: null, assignments: share }),
      sync({ protocolType: 'consumer', protocolName: null }),
      sync({ groupInstanceId: 'static' }),
      sync({ memberId: 'who' }, { version: 0 }),
    ],
  },
  {
    name: 'a follower waits for the leader; a rebalance sends it back',
    steps: [
      ...stable(),
      join({}, { on: 'b', save: { m2: 'memberId' } }),
      join({ memberId: '$m2' }, { on: 'b', park: true }),
      sync(),
      join({ memberId: '$m1' }, { save: { generation: 'generationId' } }),
      { take: 'b' },
      sync({ memberId: '$m2' }, { on: 'b', park: true }),
      beat({ memberId: '$m2' }, { on: 'c' }),
      join({}, { on: 'c', save: { m3: 'memberId' } }),
      join({ memberId: '$m3' }, { on: 'c', park: true }),
      { take: 'b' },
      join({ memberId: '$m1' }, { on: 'a', park: true }),
      join({ memberId: '$m2' }, { on: 'b', save: { generation: 'generationId' } }),
      { take: 'a' },
      { take: 'c' },
      sync({ memberId: '$m1', assignments: [...share, { memberId: 'nobody', assignment: assignment({ t4: [3] }) }] }),
      sync({ memberId: '$m2' }),
      sync({ memberId: '$m3' }),
      describe(),
    ],
  },
  {
    name: 'who does not sync in time is put out',
    steps: [...enter('m1', { rebalanceTimeoutMs: 700 }), { pauseMs: 1200 }, beat(), sync(), describe()],
  },
  {
    name: 'leaving while the shares are awaited sends the others back',
    steps: [
      ...enter('m1'),
      join({}, { on: 'b', save: { m2: 'memberId' } }),
      join({ memberId: '$m2' }, { on: 'b', park: true }),
      join({ memberId: '$m1' }, { save: { generation: 'generationId' } }),
      { take: 'b' },
      sync({ memberId: '$m2' }, { on: 'b', park: true }),
      leave([{ memberId: '$m1' }]),
      { take: 'b' },
      join({ memberId: '$m2' }, { on: 'b', save: { generation: 'generationId' } }),
      sync({ memberId: '$m2', assignments: [{ memberId: '$m2', assignment: assignment({ t4: [0] }) }] }),
      describe(),
    ],
  },
]
