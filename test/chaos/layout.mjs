// Who is what at the beginning of a round, so that a fault hits the role it names and no other.
//   apart      one node leads all partitions, another is the active controller, the third (`follower`) is neither and coordinates the group
//   together   the active controller leads all partitions (`both`); the group's coordinator is another node
//   spread     every node leads a third
import { until } from '../rig/processes.mjs'
import { offsetsPartition } from '../rig/raw-groups.mjs'

export const partitionCount = 3
export const offsetsTopic = '__consumer_offsets'

/** @typedef {Awaited<ReturnType<typeof import('../rig/cluster.mjs').startCluster>>} Cluster */
/** @typedef {Cluster['nodes'][number]} Node */
/** @typedef {'apart' | 'together' | 'spread'} Layout */
/** @typedef {{ group: string, roles: Record<string, Node> }} Laid */

/** Every partition led by the first of its replicas, all in sync, everybody there. @param {Cluster} cluster */
export async function settle(cluster) {
  await cluster.waitReady()
  await until('the leaders are the preferred ones', async () => {
    await cluster.ask('electLeaders', 2, { electionType: 0, topicPartitions: null, timeoutMs: 5000 })
    return (
      (await topicExists(cluster)) === false ||
      (await cluster.partitions(offsetsTopic)).every(({ leader, replicas }) => leader === replicas[0])
    )
  })
  if (await topicExists(cluster)) await cluster.waitInSync(offsetsTopic)
}

/** @param {Cluster} cluster */
async function topicExists(cluster) {
  const answer = await cluster.ask('metadata', 12, { topics: [{ name: offsetsTopic }], allowAutoTopicCreation: false })
  return answer.topics[0].errorCode === 0
}

/** The topic of groups' offsets is made when a group is first asked for. @param {Cluster} cluster */
export async function makeOffsetsTopic(cluster) {
  await until('there are offsets of groups', async () => {
    await cluster.ask('findCoordinator', 4, { keyType: 0, coordinatorKeys: ['any'] })
    return topicExists(cluster)
  })
  await cluster.waitInSync(offsetsTopic)
}

/** Makes topics and names the roles. @param {Cluster} cluster @param {Layout} layout @param {readonly string[]} topics @returns {Promise<Laid>} */
export async function lay(cluster, layout, topics) {
  const controller = await cluster.activeController()
  const rest = cluster.nodes.filter((node) => node !== controller)
  const leader = layout === 'apart' ? rest[0] : controller
  const follower = rest.at(-1)
  if (leader === undefined || follower === undefined) throw new Error('too few nodes')
  const ids = cluster.nodes.map(({ id }) => id)
  const assignments = Array.from({ length: partitionCount }, (_, partitionIndex) => {
    const first = layout === 'spread' ? ids[partitionIndex % ids.length] : leader.id
    return { partitionIndex, brokerIds: [first, ...ids.filter((id) => id !== first)] }
  })
  const answer = await cluster.ask('createTopics', 7, {
    topics: topics.map((name) => ({ name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] })),
    timeoutMs: 10_000,
  })
  for (const { name, errorCode, errorMessage } of answer.topics)
    if (errorCode !== 0) throw new Error(`create ${name}: error ${errorCode} ${errorMessage}`)
  await cluster.waitInSync(...topics)
  const group = await groupOf(cluster, follower.id)
  return { group, roles: { leader, controller, follower, both: controller, coordinator: follower } }
}

/** A group that a node coordinates. @param {Cluster} cluster @param {number} id */
async function groupOf(cluster, id) {
  const partitions = await cluster.partitions(offsetsTopic)
  for (let number = 0; ; number += 1) {
    const group = `chaos-${id}-${number}`
    if (partitions[offsetsPartition(group, partitions.length)]?.leader === id) return group
  }
}

/** @param {Cluster} cluster @param {readonly string[]} topics */
export async function remove(cluster, topics) {
  await cluster.ask('deleteTopics', 5, { topicNames: topics, timeoutMs: 5000 })
}

/** The state of leadership: what elections there have been is the difference of two of them. @param {Cluster} cluster @param {string} topic */
export async function epochs(cluster, topic) {
  const body = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
  const answer = await cluster.ask('describeQuorum', 1, body)
  const partitions = await cluster.partitions(topic)
  return { quorum: answer.topics[0].partitions[0].leaderEpoch, leaders: partitions.reduce((sum, { epoch }) => sum + epoch, 0) }
}
