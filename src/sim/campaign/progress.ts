import type { NodeId } from '../../base/units.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { PartitionImage } from '../../metadata/partition-image.ts'
import type { ClusterWorld } from '../cluster-world.ts'

/** What keeps the cluster from being well; empty when it is. `alive`: who is to be there. */
export function obstacles(world: ClusterWorld, alive: readonly NodeId[]): readonly string[] {
  const found: string[] = []
  for (const id of alive) {
    const { life } = world.node(id)
    if (life === null) found.push(`node ${id} is down`)
    else if (!life.started) found.push(`node ${id} has not come into service`)
  }
  const controller = world.activeController()
  if (controller === null) return [...found, 'there is no active controller']
  if (!alive.includes(controller)) found.push(`the active controller, node ${controller}, is not among ${alive.join(', ')}`)
  for (const topic of world.image().topics.all()) {
    for (const partition of topic.partitions) {
      if (partition === undefined) continue
      const name = `${topic.name}-${partition.partition}`
      const { leader, replicas, isr } = partition
      const wanted = replicas.filter((it) => alive.includes(it))
      if (!alive.includes(leader)) found.push(`${name} is led by ${leader} (in sync: ${isr.join(', ')})`)
      else if (!wanted.every((it) => isr.includes(it))) found.push(`${name}: in sync are ${isr.join(', ')} of ${replicas.join(', ')}`)
      else if (isMoving(partition) && partition.addingReplicas.every((it) => alive.includes(it))) found.push(`${name} is being reassigned`)
    }
  }
  return found
}

function isMoving({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length + removingReplicas.length > 0
}

/** Who is in no way needed for the others to go on: they have a majority, and everything that anybody needs. */
export function dispensable(world: ClusterWorld): readonly NodeId[] {
  return [...world.nodes.keys()].filter((id) => isCovered(world, id))
}

/**
 * In every partition somebody else than this node is in sync: for sure, and with all that the controller is about to decide. Who has not come into service
 * since it was started does not count: to register it leaves the in-sync sets.
 */
export function isCovered(world: ClusterWorld, id: NodeId): boolean {
  const serves = (it: NodeId): boolean => it !== id && world.node(it).life?.started === true
  return [world.image(), committedImage(world)].every((image) => partitionsOf(image).every(({ isr }) => isr.some(serves)))
}

/** It may still be counted as in sync somewhere. */
export function countsAnywhere(world: ClusterWorld, id: NodeId): boolean {
  return [world.image(), committedImage(world)].some((image) => partitionsOf(image).some(({ isr }) => isr.includes(id)))
}

/** What some broker knows to be committed. The active controller's own image may be ahead of that, and never come true. */
function committedImage(world: ClusterWorld): ClusterImage {
  let newest = { image: world.image(), offset: -1 }
  for (const { life } of world.nodes.values()) {
    const found = life?.broker.metadata
    if (found !== undefined && found.offset > newest.offset) newest = found
  }
  return newest.image
}

function partitionsOf(image: ClusterImage): readonly PartitionImage[] {
  return [...image.topics.all()].flatMap((topic) => topic.partitions.filter((it) => it !== undefined))
}
