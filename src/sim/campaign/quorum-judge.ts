import type { Epoch, NodeId, Offset } from '../../base/units.ts'
import { batchHeaders } from '../../protocol/records/batch-header.ts'
import type { ClusterWorld, NodeLife } from '../cluster-world.ts'
import { hold } from './violation.ts'

interface Committed {
  readonly epoch: Epoch
  readonly crc: number
}

/**
 * Looks at the metadata quorum:
 *  - RAFT-1: an epoch has one leader.
 *  - RAFT-2: a voter's epoch never falls, through all lives of its process.
 *  - RAFT-5, 9: what is committed is the same batch at every voter.
 *  - RAFT-6, 7: an active controller of a later epoch has all that was ever committed.
 */
export class QuorumJudge {
  private readonly world: ClusterWorld
  private readonly leaders = new Map<Epoch, NodeId>()
  private readonly epochs = new Map<NodeId, Epoch>()
  private readonly committed = new Map<Offset, Committed>()
  private highest: { readonly offset: Offset; readonly epoch: Epoch } = { offset: 0, epoch: -1 }

  constructor(world: ClusterWorld) {
    this.world = world
  }

  /** What a voter that is stopping has heard of last need not be durable: it has said nothing since. @throws Violation */
  look(isStopping: (id: NodeId) => boolean): void {
    for (const { id, life } of this.world.nodes.values()) {
      if (life === null || !life.started || life.process.isDead || life.failure !== null) continue
      this.lookAt(id, life, !isStopping(id))
    }
  }

  private lookAt(id: NodeId, life: NodeLife, isDurable: boolean): void {
    const { epoch: current, highWatermark, logEndOffset } = life.controller.standing
    const before = this.epochs.get(id) ?? -1
    hold(current >= before, 'RAFT-2', () => `controller ${id} was in epoch ${before} and is in ${current}`)
    if (isDurable) this.epochs.set(id, current)
    this.checkCommitted(id, highWatermark)
    if (life.controller.isActive) {
      const known = this.leaders.get(current) ?? id
      hold(known === id, 'RAFT-1', () => `controllers ${known} and ${id} are active in epoch ${current}`)
      this.leaders.set(current, id)
      const { offset, epoch } = this.highest
      hold(
        current <= epoch || logEndOffset >= offset,
        'RAFT-6',
        () => `controller ${id}, active in epoch ${current}, ends at ${logEndOffset}; ${offset} were committed in epoch ${epoch}`,
      )
    }
    if (highWatermark > this.highest.offset) this.highest = { offset: highWatermark, epoch: current }
  }

  private checkCommitted(id: NodeId, highWatermark: Offset): void {
    for (const { header } of batchHeaders(this.logOf(id))) {
      if (header.lastOffset >= highWatermark) return
      const known = this.committed.get(header.baseOffset)
      if (known === undefined) this.committed.set(header.baseOffset, { epoch: header.leaderEpoch, crc: header.crc })
      else
        hold(
          known.crc === header.crc && known.epoch === header.leaderEpoch,
          'RAFT-5',
          () =>
            `controller ${id} has committed a batch of epoch ${header.leaderEpoch} at ${header.baseOffset}, another one of epoch ${known.epoch}`,
        )
    }
  }

  private logOf(id: NodeId): Buffer {
    const { disk, config } = this.world.node(id)
    const folder = `${config.metadataLogDir}/__cluster_metadata-0`
    if (!disk.exists(folder)) return Buffer.alloc(0)
    const segments = disk.list(folder).filter((name) => name.endsWith('.log'))
    return Buffer.concat(segments.map((name) => disk.readSmall(`${folder}/${name}`)))
  }
}
