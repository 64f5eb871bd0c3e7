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

/** Whose metadata is not the newest. */
export function behind(world: ClusterWorld): readonly string[] {
  const offsets = new Map([...world.nodes].map(([id, { life }]) => [id, life?.broker.metadata.offset ?? -1]))
  const newest = Math.max(...offsets.values())
  return [...offsets]
    .filter(([, offset]) => offset < newest)
    .map(([id, offset]) => `node ${id} knows metadata up to ${offset} of ${newest}`)
}

function isMoving({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length + removingReplicas.length > 0
}

/** Who is in no way needed for the others to go on: they have a majority, and everything that anybody needs. `untrusted` may have lost something. */
export function dispensable(world: ClusterWorld, untrusted: NodeId | null): readonly NodeId[] {
  const partitions = partitionsOf(world.image())
  return [...world.nodes.keys()].filter((id) => {
    // Who has not come into service since it was started leaves the in-sync sets when it registers
    const serves = (it: NodeId): boolean => it !== id && world.node(it).life?.started === true
    const isLed = ({ isr, eligibleLeaderReplicas: elr }: PartitionImage): boolean => isr.some(serves) || elr.some((it) => it !== id)
    return isCovered(world, id, untrusted) && partitions.every(isLed)
  })
}

/**
 * In every partition somebody else than this node, and than `untrusted`, is in sync or eligible to lead: for sure, and with all that the controller is
 * about to decide.
 */
export function isCovered(world: ClusterWorld, id: NodeId, untrusted: NodeId | null): boolean {
  const hasOther = ({ isr, eligibleLeaderReplicas }: PartitionImage): boolean =>
    [...isr, ...eligibleLeaderReplicas].some((it) => it !== id && it !== untrusted)
  return [world.image(), committedImage(world)].every((image) => partitionsOf(image).every(hasOther))
}

/** What some broker knows to be committed. The active controller's own image may be ahead of that, and never come true. */
export function committedImage(world: ClusterWorld): ClusterImage {
  let newest = { image: world.image(), offset: -1 }
  for (const { life } of world.nodes.values()) {
    const found = life?.broker.metadata
    if (found !== undefined && found.offset > newest.offset) newest = found
  }
  return newest.image
}

export function partitionsOf(image: ClusterImage): readonly PartitionImage[] {
  return [...image.topics.all()].flatMap((topic) => topic.partitions.filter((it) => it !== undefined))
}
