import type { NodeId } from '../../base/units.ts'
import { committedImage, isCovered, partitionsOf } from './progress.ts'
import type { ClusterWorld, NodeLife } from '../cluster-world.ts'
import type { Damages } from './damages.ts'
import type { Nodes } from './nodes.ts'

/** Of the topics here: what `min.insync.replicas` asks for. */
const copies = 2

/**
 * Which losses the product promises to survive (decision 0013). A node *loses* when what it had written may be gone: its power is cut, its log directories
 * are replaced, or its disk fails with an I/O error. With `min.insync.replicas` 2, what is acknowledged is always on two replicas that are in sync or
 * eligible to lead; so one node may lose at any time, whatever else happens beside it: the others, and itself, may be killed, frozen, stopped, cut off and
 * slowed down, one by one or all at once, before, during and after. The same node may lose again at any time.
 *
 * Another one may lose when the first has registered again, which takes it out of all lists of who is trusted, and every partition has two replicas
 * again that are in sync or eligible: for sure, and with all that the controller is about to decide. A node one of whose directories is out of service
 * has a loss before it: when it starts again it cannot say what is in there.
 */
export class PowerPermission {
  private readonly world: ClusterWorld
  private readonly nodes: Nodes
  private readonly damages: Damages
  /** Any machines may lose their power at any time: whatever is acknowledged is on stable storage (`flush.messages` 1). */
  readonly isUnlimited: boolean
  private wounded: { readonly id: NodeId; readonly life: NodeLife | null } | null = null
  /** Whose disk spoils something goes on. */
  private readonly spoilt = new Set<NodeId>()

  constructor(world: ClusterWorld, nodes: Nodes, damages: Damages, durable: boolean) {
    this.world = world
    this.nodes = nodes
    this.damages = damages
    this.isUnlimited = durable
  }

  /** Whether a node may lose now; then it counts as one that has. */
  mayLose(id: NodeId): boolean {
    if (this.untrusted !== null && this.untrusted !== id) return false
    if (this.untrusted === null && !(this.world.activeController() !== null && isCovered(this.world, id, null))) return false
    this.wounded = { id, life: this.nodes.lifeOf(id) }
    return true
  }

  /** Who has lost, and whom the cluster may still trust, or need. */
  get untrusted(): NodeId | null {
    if (this.wounded !== null && this.isHealed(this.wounded.id, this.wounded.life)) this.wounded = null
    return this.wounded?.id ?? null
  }

  private isHealed(id: NodeId, lost: NodeLife | null): boolean {
    const { world, nodes } = this
    if (this.damages.isDamaged(id)) {
      this.spoilt.add(id)
      return false
    }
    const life = nodes.lifeOf(id)
    if (life === null || !life.started || nodes.mayEnd(id) || world.activeController() === null) return false
    // A disk that failed does not always end the process
    if (life === lost && !nodes.hadDiskFault(id) && !this.spoilt.has(id)) return false
    const { logDirs } = world.node(id).config
    return [world.image(), committedImage(world)].every((image) => {
      const isWhole = image.brokers.byId(id)?.logDirs.length === logDirs.length
      return (
        isWhole &&
        partitionsOf(image).every((it) => it.isr.length + it.eligibleLeaderReplicas.length >= Math.min(copies, it.replicas.length))
      )
    })
  }
}
