import type { Epoch, NodeId } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { IsrAnswer, PartitionEffect } from '../../replication/partition-replica.ts'

export interface Registration {
  readonly brokerEpoch: number
  readonly fenced: boolean
}

/** All that metadata says at one moment. */
export interface Image {
  readonly leader: NodeId
  readonly leaderEpoch: Epoch
  readonly partitionEpoch: Epoch
  readonly isr: readonly NodeId[]
  readonly elr: readonly NodeId[]
  readonly brokers: ReadonlyMap<NodeId, Registration>
}

export type Proposal = Extract<PartitionEffect, { readonly type: 'proposeIsr' }>

/** What the simulation asks of a controller of one partition. Every change is an image in `history`; brokers learn them in order, each at its own pace. */
export interface PartitionController {
  readonly history: readonly Image[]
  readonly image: Image
  readonly replicas: readonly NodeId[]
  /** A new incarnation of a broker; it has lost something, or not. Returns its epoch. */
  register(id: NodeId, lossy: boolean): number
  fence(id: NodeId): void
  /** No effect in another broker epoch. */
  unfence(id: NodeId, brokerEpoch: number): void
  /** Makes another member of the ISR the leader, for no reason. */
  move(to: NodeId): void
  alterPartition(from: NodeId, brokerEpoch: number, proposal: Proposal): IsrAnswer
}

/**
 * A toy, for brokers that lose records: compare-and-set on the partition epoch, clean elections only, eligible leader replicas (KIP-966).
 */
export class SimulatedController implements PartitionController {
  readonly history: Image[]
  readonly replicas: readonly NodeId[]
  private readonly minIsr: number
  private brokerEpochs = 100

  constructor(replicas: readonly NodeId[], minIsr: number) {
    this.replicas = replicas
    this.minIsr = Math.min(minIsr, replicas.length)
    const brokers = new Map(replicas.map((id): [NodeId, Registration] => [id, { brokerEpoch: id, fenced: false }]))
    this.history = [{ leader: replicas[0] ?? -1, leaderEpoch: 0, partitionEpoch: 0, isr: replicas, elr: [], brokers }]
  }

  get image(): Image {
    const last = this.history.at(-1)
    if (last === undefined) throw new Error('no image')
    return last
  }

  /** A new incarnation of a broker. What it lost (`lossy`) takes it out of the eligible leader replicas too. */
  register(id: NodeId, lossy: boolean): number {
    this.brokerEpochs += 1
    this.setBroker(id, { brokerEpoch: this.brokerEpochs, fenced: true }, lossy)
    return this.brokerEpochs
  }

  fence(id: NodeId): void {
    const registration = this.image.brokers.get(id)
    if (registration !== undefined && !registration.fenced) this.setBroker(id, { ...registration, fenced: true }, false)
  }

  unfence(id: NodeId, brokerEpoch: number): void {
    const registration = this.image.brokers.get(id)
    if (registration === undefined || registration.brokerEpoch !== brokerEpoch || !registration.fenced) return
    const brokers = new Map(this.image.brokers).set(id, { brokerEpoch, fenced: false })
    this.commit({ ...this.image, brokers }, this.image.isr, [])
  }

  /** Makes another member of the ISR the leader, for no reason. */
  move(to: NodeId): void {
    const { image } = this
    if (image.leader === to || !image.isr.includes(to) || image.brokers.get(to)?.fenced !== false) return
    this.history.push({ ...image, leader: to, leaderEpoch: image.leaderEpoch + 1, partitionEpoch: image.partitionEpoch + 1 })
  }

  /** Checks in the order of ReplicationControlManager.alterPartition. */
  alterPartition(from: NodeId, brokerEpoch: number, proposal: Proposal): IsrAnswer {
    const { image } = this
    if (image.brokers.get(from)?.brokerEpoch !== brokerEpoch) return { error: ErrorCode.STALE_BROKER_EPOCH }
    if (proposal.leaderEpoch > image.leaderEpoch || proposal.partitionEpoch > image.partitionEpoch)
      return { error: ErrorCode.NOT_CONTROLLER }
    if (proposal.leaderEpoch < image.leaderEpoch) return { error: ErrorCode.FENCED_LEADER_EPOCH }
    if (image.leader !== from) return { error: ErrorCode.INVALID_REQUEST }
    if (proposal.partitionEpoch < image.partitionEpoch) return { error: ErrorCode.INVALID_UPDATE_VERSION }
    const isr = proposal.isr.map((member) => member.brokerId)
    if (!isr.includes(from) || isr.some((id) => !this.replicas.includes(id))) return { error: ErrorCode.INVALID_REQUEST }
    for (const member of proposal.isr) {
      const registration = image.brokers.get(member.brokerId)
      const isOther = member.brokerEpoch !== -1 && member.brokerEpoch !== registration?.brokerEpoch
      if (registration === undefined || registration.fenced || isOther) return { error: ErrorCode.INELIGIBLE_REPLICA }
    }
    this.commit(image, isr, [])
    return { error: ErrorCode.NONE, isr: this.image.isr, leaderEpoch: this.image.leaderEpoch, partitionEpoch: this.image.partitionEpoch }
  }

  private setBroker(id: NodeId, registration: Registration, lossy: boolean): void {
    const brokers = new Map(this.image.brokers).set(id, registration)
    const isr = this.image.isr.filter((member) => member !== id)
    this.commit({ ...this.image, brokers }, isr, lossy ? [id] : [])
  }

  private commit(base: Image, isr: readonly NodeId[], lost: readonly NodeId[]): void {
    const before = [...new Set([...base.isr, ...base.elr])].filter((id) => !isr.includes(id) && !lost.includes(id))
    const elr = isr.length >= this.minIsr ? [] : before
    const elected = this.elect({ ...base, isr, elr })
    const same = elected.leader === base.leader && isSame(base.isr, elected.isr) && isSame(base.elr, elected.elr)
    this.history.push(same ? { ...base, isr: base.isr } : elected)
  }

  private elect(image: Image): Image {
    const alive = (id: NodeId): boolean => image.brokers.get(id)?.fenced === false
    const partitionEpoch = image.partitionEpoch + 1
    if (image.isr.includes(image.leader) && alive(image.leader)) return { ...image, partitionEpoch }
    const leaderEpoch = image.leaderEpoch + 1
    const fromIsr = this.replicas.find((id) => image.isr.includes(id) && alive(id))
    if (fromIsr !== undefined) return { ...image, leader: fromIsr, leaderEpoch, partitionEpoch }
    const fromElr = image.isr.length === 0 ? this.replicas.find((id) => image.elr.includes(id) && alive(id)) : undefined
    if (fromElr !== undefined)
      return { ...image, isr: [fromElr], elr: image.elr.filter((id) => id !== fromElr), leader: fromElr, leaderEpoch, partitionEpoch }
    return image.leader === -1 ? { ...image, partitionEpoch } : { ...image, leader: -1, leaderEpoch, partitionEpoch }
  }
}

function isSame(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id))
}
