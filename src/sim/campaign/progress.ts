import type { NodeId } from '../../base/units.ts'
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
      else if (partition.addingReplicas.length + partition.removingReplicas.length > 0) found.push(`${name} is being reassigned`)
    }
  }
  return found
}

/** Who is in no way needed for the others to go on: they have a majority, and everything that anybody needs. */
export function dispensable(world: ClusterWorld): readonly NodeId[] {
  const partitions = [...world.image().topics.all()].flatMap((topic) => topic.partitions.filter((it) => it !== undefined))
  return [...world.nodes.keys()].filter((id) => partitions.every(({ isr }) => isr.some((it) => it !== id)))
}
