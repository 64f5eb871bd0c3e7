import { beat, describe, enter, join, leave, longest, stable, sync, versions } from './steps.mjs'

export const beatingAndLeaving = [
  {
    name: 'heartbeats, by every version',
    steps: [
      ...enter('m1'),
      ...versions(0, 4).map((version) => beat({}, { version })),
      sync(),
      ...versions(0, 4).map((version) => beat({}, { version })),
      ...versions(0, 4).map((version) => beat({ generationId: 7 }, { version })),
      ...versions(0, 4).map((version) => beat({ memberId: 'who' }, { version })),
    ],
  },
  {
    name: 'heartbeats that are refused',
    steps: [
      beat({ groupId: '@-none', generationId: 1, memberId: 'who' }),
      beat({ groupId: '', generationId: 1, memberId: 'who' }),
      beat({ groupId: longest, generationId: 1, memberId: 'who' }),
      join({}, { save: { m1: 'memberId' } }),
      beat({ generationId: 0 }),
      beat({ generationId: -1 }),
      join({ memberId: '$m1' }, { save: { generation: 'generationId' } }),
      beat({ groupInstanceId: 'static' }),
      beat({ memberId: '' }),
      beat({ generationId: 0 }),
      sync(),
      join({}, { on: 'b', save: { m2: 'memberId' } }),
      join({ memberId: '$m2' }, { on: 'b', park: true }),
      beat(),
      beat({ generationId: 9 }),
      beat({ memberId: '$m2' }),
      beat({ memberId: '$m2', generationId: 0 }),
      leave([{ memberId: '$m1' }]),
      { take: 'b' },
      beat(),
    ],
  },
  {
    name: 'leaving, by every version',
    steps: [
      ...versions(0, 2).flatMap((version) => [
        ...stable({ groupId: `@-${version}` }).map((step) => ({ ...step, body: { ...step.body, groupId: `@-${version}` } })),
        { call: 'leaveGroup', version, body: { groupId: `@-${version}`, memberId: '$m1' } },
        { call: 'leaveGroup', version, body: { groupId: `@-${version}`, memberId: '$m1' } },
      ]),
      ...versions(3, 5).flatMap((version) => [
        ...stable({ groupId: `@-${version}` }).map((step) => ({ ...step, body: { ...step.body, groupId: `@-${version}` } })),
        leave([{ memberId: '$m1' }, { memberId: 'who' }], { groupId: `@-${version}` }, { version }),
        leave([{ memberId: '$m1' }], { groupId: `@-${version}` }, { version }),
      ]),
    ],
  },
  {
    name: 'leaves that are refused',
    steps: [
      leave([{ memberId: 'who' }], { groupId: '@-none' }),
      leave([], { groupId: '@-none' }),
      leave([{ memberId: 'who' }], { groupId: '' }),
      leave([{ memberId: 'who', groupInstanceId: 'static' }], { groupId: '@-none' }),
      ...stable(),
      leave([]),
      leave([{ memberId: 'who' }]),
      leave([{ memberId: '' }]),
      leave([{ memberId: '$m1', groupInstanceId: 'static' }]),
      leave([{ memberId: '', groupInstanceId: 'static' }]),
      leave([{ memberId: '$m1', reason: longest }]),
      describe(),
      { call: 'leaveGroup', version: 0, body: { groupId: '@-none', memberId: 'who' } },
      { call: 'leaveGroup', version: 1, body: { groupId: '', memberId: 'who' } },
    ],
  },
]
