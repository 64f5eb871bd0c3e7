import { commit, consumer, fetch, longest, offsetsOf, remove, stable, versions } from './steps.mjs'

const old = (version, body = {}) => ({
  call: 'offsetFetch',
  version,
  body: { groupId: '@', topics: [{ name: 't4', partitionIndexes: [0, 3] }], ...body },
})

const wipe = (body) => ({ call: 'offsetDelete', version: 0, body: { groupId: '@', ...body } })
const partitions = (name, ...numbers) => ({ name, partitions: numbers.map((partitionIndex) => ({ partitionIndex })) })

export const fetchingOffsets = [
  {
    name: 'offsets of one group, by every version to 7',
    steps: [
      commit(),
      ...versions(1, 7).map((version) => old(version)),
      ...versions(2, 7).map((version) => old(version, { topics: null })),
      ...versions(1, 7).map((version) => old(version, { topics: [] })),
      ...versions(1, 7).map((version) => old(version, { groupId: '@-none' })),
      ...versions(2, 7).map((version) => old(version, { groupId: '@-none', topics: null })),
      old(7, { requireStable: true }),
      old(1, { groupId: '' }),
      old(7, { groupId: '' }),
    ],
  },
  {
    name: 'offsets of several groups, by every version from 8',
    steps: [
      commit(),
      commit({ groupId: '@-b', topics: offsetsOf({ 0: 7 }, 't1') }),
      ...versions(8, 10).flatMap((version) => {
        const topics = [version === 10 ? { topicId: '#t4', partitionIndexes: [0, 3] } : { name: 't4', partitionIndexes: [0, 3] }]
        return [
          fetch({ topics }, { version }),
          fetch({ topics: null }, { version }),
          fetch({ topics: [] }, { version }),
          fetch({ topics, groupId: '@-none' }, { version }),
          fetch(
            {},
            { version },
            {
              groups: [
                { groupId: '@', topics: null },
                { groupId: '@-b', topics: null },
                { groupId: '@-none', topics },
              ],
            },
          ),
          fetch(
            {},
            { version },
            {
              groups: [
                { groupId: '@', topics: null },
                { groupId: '@', topics: null },
              ],
            },
          ),
          fetch({}, { version }, { groups: [] }),
          fetch({ topics: null }, { version }, { requireStable: true, groups: [{ groupId: '@', topics: null }] }),
        ]
      }),
      fetch({ topics: [{ topicId: '#none', partitionIndexes: [0] }] }, { version: 10 }),
      fetch(
        {
          topics: [
            { topicId: '#none', partitionIndexes: [0] },
            { topicId: '#t4', partitionIndexes: [0] },
          ],
        },
        { version: 10 },
      ),
      fetch({ topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionIndexes: [0] }] }, { version: 10 }),
      fetch({ topics: [{ name: 'nowhere', partitionIndexes: [0] }] }),
      fetch({ topics: [{ name: 't4', partitionIndexes: [-1, 99] }] }),
      fetch({ topics: [{ name: 't4', partitionIndexes: [0, 0] }] }),
      fetch({ topics: [{ name: longest, partitionIndexes: [0] }] }),
      fetch({ groupId: '' }),
      fetch({ memberId: 'who', memberEpoch: 3 }),
      fetch({ groupId: '@-none', memberId: 'who', memberEpoch: 3 }),
      fetch({ groupId: '@-none', memberId: 'who', memberEpoch: 3, topics: null }),
    ],
  },
  {
    name: 'a classic member asks with its id and generation',
    steps: [
      ...stable(),
      commit({ memberId: '$m1', generationIdOrMemberEpoch: '$generation' }),
      fetch({ memberId: '$m1', memberEpoch: '$generation' }),
      fetch({ memberId: '$m1', memberEpoch: 77 }),
      fetch({ memberId: 'who', memberEpoch: '$generation' }),
    ],
  },
  {
    name: 'offsets are deleted',
    steps: [
      commit({ topics: offsetsOf({ 0: 1, 1: 1, 2: 1 }) }),
      wipe({ topics: [partitions('t4', 0, 3, 9)] }),
      fetch({ topics: null }),
      wipe({ topics: [partitions('nowhere', 0)] }),
      wipe({ topics: [partitions('t1', 0)] }),
      wipe({ topics: [] }),
      wipe({ topics: [partitions('t4')] }),
      wipe({ groupId: '@-none', topics: [partitions('t4', 0)] }),
      wipe({ groupId: '', topics: [partitions('t4', 0)] }),
      wipe({ topics: [partitions('t4', 1, 2)] }),
      fetch({ topics: null }),
    ],
  },
  {
    name: 'offsets of subscribed topics are not deleted: a classic group',
    steps: [
      ...stable(),
      commit({ memberId: '$m1', generationIdOrMemberEpoch: '$generation', topics: [...offsetsOf({ 0: 1 }), ...offsetsOf({ 0: 1 }, 't1')] }),
      wipe({ topics: [partitions('t4', 0), partitions('t1', 0)] }),
      fetch({ topics: null }),
      remove(),
      fetch({ topics: null }),
    ],
  },
  {
    name: 'offsets of subscribed topics are not deleted: a classic group of another protocol type',
    steps: [
      ...stable({ protocolType: 'connect' }).map((step) =>
        step.call === 'syncGroup' ? { ...step, body: { ...step.body, protocolType: 'connect' } } : step,
      ),
      commit({ memberId: '$m1', generationIdOrMemberEpoch: '$generation' }),
      wipe({ topics: [partitions('t4', 0)] }),
      fetch({ topics: null }),
    ],
  },
  {
    name: 'offsets of subscribed topics are not deleted: a consumer group',
    steps: [
      ...consumer(),
      commit({ memberId: 'member-1', generationIdOrMemberEpoch: '$epoch', topics: [...offsetsOf({ 0: 1 }), ...offsetsOf({ 0: 1 }, 't1')] }),
      wipe({ topics: [partitions('t4', 0), partitions('t1', 0)] }),
      fetch({ topics: null }),
      remove(),
      fetch({ topics: null }),
    ],
  },
]
