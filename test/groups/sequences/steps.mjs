// The words in which sequences are written: each makes one step (see ../replay.mjs) with what the step does not say filled in.
import { assignment, subscription } from '../../rig/group-bytes.mjs'

export { assignment, subscription }

/** A name as long as a string16 can be. */
export const longest = 'n'.repeat(32_767)

/** @param {string[]} [topics] */
export const range = (topics = ['t4']) => [{ name: 'range', metadata: subscription(topics) }]

/** @param {string[]} [topics] */
export const both = (topics = ['t4']) => [...range(topics), { name: 'roundrobin', metadata: subscription(topics) }]

/** @param {Record<string, unknown>} [body] @param {Record<string, unknown>} [step] */
export const join = (body = {}, step = {}) => ({
  call: 'joinGroup',
  version: 9,
  body: {
    groupId: '@',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: range(),
    ...body,
  },
  ...step,
})

/** The two requests by which a dynamic member gets in: it is told its id, and comes again with it. @param {string} name of its id @param {Record<string, unknown>} [body] @param {Record<string, unknown>} [step] of the second */
export const enter = (name, body = {}, step = {}) => [
  join({ ...body }, { save: { [name]: 'memberId' } }),
  join({ ...body, memberId: `$${name}` }, { save: { generation: 'generationId' }, ...step }),
]

/** @param {Record<string, unknown>} [body] @param {Record<string, unknown>} [step] */
export const sync = (body = {}, step = {}) => ({
  call: 'syncGroup',
  version: 5,
  body: {
    groupId: '@',
    generationId: '$generation',
    memberId: '$m1',
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [],
    ...body,
  },
  ...step,
})

/** @param {Record<string, unknown>} [body] @param {Record<string, unknown>} [step] */
export const beat = (body = {}, step = {}) => ({
  call: 'heartbeat',
  version: 4,
  body: { groupId: '@', generationId: '$generation', memberId: '$m1', ...body },
  ...step,
})

/** @param {Record<string, unknown>[]} members @param {Record<string, unknown>} [body] @param {Record<string, unknown>} [step] */
export const leave = (members, body = {}, step = {}) => ({
  call: 'leaveGroup',
  version: 5,
  body: { groupId: '@', members, ...body },
  ...step,
})

/** A stable classic group of one member `m1` that owns all of t4. @param {Record<string, unknown>} [body] of its joins */
export const stable = (body = {}) => [
  ...enter('m1', body),
  sync({ assignments: [{ memberId: '$m1', assignment: assignment({ t4: [0, 1, 2, 3] }) }] }),
]

/** @param {Record<string, number>} offsets by partition @param {string} [name] @param {Record<string, unknown>} [rest] of each partition */
export const offsetsOf = (offsets, name = 't4', rest = {}) => [
  {
    name,
    partitions: Object.entries(offsets).map(([partitionIndex, committedOffset]) => ({
      partitionIndex: Number(partitionIndex),
      committedOffset,
      committedMetadata: 'm',
      ...rest,
    })),
  },
]

/** The same by topic ids. @param {Record<string, number>} offsets @param {string} [id] */
export const offsetsById = (offsets, id = '#t4') => offsetsOf(offsets).map(({ partitions }) => ({ topicId: id, partitions }))

/** @param {Record<string, unknown>} [body] @param {Record<string, unknown>} [step] */
export const commit = (body = {}, step = {}) => ({
  call: 'offsetCommit',
  version: 9,
  body: { groupId: '@', generationIdOrMemberEpoch: -1, memberId: '', topics: offsetsOf({ 0: 10, 1: 11 }), ...body },
  ...step,
})

/** OffsetFetch of one group, version 8 and later. @param {Record<string, unknown>} [group] @param {Record<string, unknown>} [step] @param {Record<string, unknown>} [body] */
export const fetch = (group = {}, step = {}, body = {}) => ({
  call: 'offsetFetch',
  version: 9,
  body: { groups: [{ groupId: '@', topics: [{ name: 't4', partitionIndexes: [0, 1, 2] }], ...group }], ...body },
  ...step,
})

/** A consumer group's heartbeat that joins. @param {Record<string, unknown>} [body] @param {Record<string, unknown>} [step] */
export const cjoin = (body = {}, step = {}) => ({
  call: 'consumerGroupHeartbeat',
  version: 1,
  body: {
    groupId: '@',
    memberId: 'member-1',
    memberEpoch: 0,
    rebalanceTimeoutMs: 10_000,
    subscribedTopicNames: ['t4'],
    topicPartitions: [],
    ...body,
  },
  ...step,
})

/** A later heartbeat. @param {Record<string, unknown>} [body] @param {Record<string, unknown>} [step] */
export const cbeat = (body = {}, step = {}) => ({
  call: 'consumerGroupHeartbeat',
  version: 1,
  body: { groupId: '@', memberId: 'member-1', memberEpoch: '$epoch', ...body },
  ...step,
})

/** What a consumer group's member owns. @param {Record<string, number[]>} partitions by topic */
export const owned = (partitions) => Object.entries(partitions).map(([topic, numbers]) => ({ topicId: `#${topic}`, partitions: numbers }))

/** A consumer group of one member that owns all of t4. @param {Record<string, unknown>} [body] @param {string} [name] of its epoch */
export const consumer = (body = {}, name = 'epoch') => [
  cjoin(body, { save: { [name]: 'memberEpoch' } }),
  cbeat({ ...pick(body, 'memberId', 'groupId', 'instanceId'), memberEpoch: `$${name}`, topicPartitions: owned({ t4: [0, 1, 2, 3] }) }),
]

/** @param {Record<string, unknown>} from @param {...string} keys */
const pick = (from, ...keys) => Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]))

/** @param {string[]} groups @param {Record<string, unknown>} [step] */
export const describe = (groups = ['@'], step = {}) => ({
  call: 'describeGroups',
  version: 6,
  body: { groups, includeAuthorizedOperations: false },
  ...step,
})

/** @param {string[]} groupIds @param {Record<string, unknown>} [step] */
export const cdescribe = (groupIds = ['@'], step = {}) => ({
  call: 'consumerGroupDescribe',
  version: 1,
  body: { groupIds, includeAuthorizedOperations: false },
  ...step,
})

/** @param {string[]} [statesFilter] @param {string[]} [typesFilter] @param {Record<string, unknown>} [step] */
export const list = (statesFilter = [], typesFilter = [], step = {}) => ({
  call: 'listGroups',
  version: 5,
  body: { statesFilter, typesFilter },
  ...step,
})

/** @param {string[]} groupsNames @param {Record<string, unknown>} [step] */
export const remove = (groupsNames = ['@'], step = {}) => ({ call: 'deleteGroups', version: 2, body: { groupsNames }, ...step })

/** @param {number} from @param {number} to inclusive */
export const versions = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
