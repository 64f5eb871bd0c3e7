import type { NodeId } from '../../base/units.ts'
import type { ClusterWorld } from '../cluster-world.ts'
import { countsAnywhere, isCovered } from './progress.ts'
import type { Nodes } from './nodes.ts'

/**
 * Which losses of power the product promises to survive. What is acknowledged is in the page cache of all in-sync replicas: one of them may lose what it
 * has not synced while there is another. But until the controller has taken it out of all in-sync sets nobody else may fail, or it could be the last
 * one there, and lead with what it has left (KIP-966, which is not there yet).
 * Where all topics are durable (`flush.messages` 1) whatever is acknowledged is on stable storage: anybody may lose it at any time.
 */
export class PowerPermission {
  private readonly world: ClusterWorld
  private readonly nodes: Nodes
  /** Any machines may lose their power at any time. */
  readonly isUnlimited: boolean
  private wounded: NodeId | null = null

  constructor(world: ClusterWorld, nodes: Nodes, durable: boolean) {
    this.world = world
    this.nodes = nodes
    this.isUnlimited = durable
  }

  /** `isQuiet`: no other fault is under way. */
  mayLosePower(id: NodeId, isQuiet: boolean): boolean {
    if (!isQuiet || this.isWounded || !this.nodes.allServe || this.world.activeController() === null) return false
    const safe = isCovered(this.world, id)
    if (safe) this.wounded = id
    return safe
  }

  /** Somebody has lost its power, and still counts somewhere: no other fault may begin. */
  get isWounded(): boolean {
    const { wounded, world } = this
    if (wounded === null) return false
    if (world.activeController() === null) return true
    const counts = countsAnywhere(world, wounded)
    // To register it leaves the in-sync sets, and comes back into them with all that the others have
    if (!counts || world.node(wounded).life?.started === true) this.wounded = null
    return this.wounded !== null
  }
}
