import { grouped } from '../../base/grouped.ts'
import type { Log } from '../../base/ports.ts'
import type { Millis, NodeId } from '../../base/units.ts'
import { isActive } from '../../metadata/brokers-image.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { PartitionImage } from '../../metadata/partition-image.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { AlterPartitionResponse } from '../../protocol/messages/alter-partition.ts'
import { type ControllerChannel, NoControllerError } from '../controller-channel.ts'

const answerTimeoutMs: Millis = 2_000
/** Partitions in one request: more follow when it is answered. */
const partitionsPerRequest = 2_000

export interface DeparturesOptions {
  readonly log: Log
  readonly channel: ControllerChannel
  readonly brokerId: NodeId
  brokerEpoch(): number
  image(): ClusterImage
}

/**
 * Takes replicas of this broker out of in-sync sets, and with that out of leadership: AlterPartition with the ISR as it is without this broker
 * (controller/partitions/alter-partition.ts). One request at a time; what was refused or lost is asked for again by who looks again.
 */
export class Departures {
  private readonly options: DeparturesOptions
  private underWay = false

  constructor(options: DeparturesOptions) {
    this.options = options
  }

  /** Whether there is another member that serves: the last one stays. */
  mayLeave(state: PartitionImage): boolean {
    const { brokerId } = this.options
    const image = this.options.image()
    return state.isr.includes(brokerId) && state.isr.some((id) => id !== brokerId && isActive(image.brokers.byId(id)))
  }

  /** @param partitions each of which `mayLeave` */
  async leave(partitions: readonly PartitionImage[]): Promise<void> {
    if (this.underWay || partitions.length === 0) return
    this.underWay = true
    try {
      this.tell(await this.request(partitions.slice(0, partitionsPerRequest)))
    } catch (error) {
      if (!(error instanceof NoControllerError)) throw error
      this.options.log.write('warn', 'hand-over-unanswered', `${partitions.length} partitions are not handed over yet: ${error.message}`)
    } finally {
      this.underWay = false
    }
  }

  private request(partitions: readonly PartitionImage[]): Promise<AlterPartitionResponse> {
    const { channel, brokerId } = this.options
    const body = {
      brokerId,
      brokerEpoch: this.options.brokerEpoch(),
      topics: [...grouped(partitions, (it) => it.topicId)].map(([topicId, states]) => ({
        topicId,
        partitions: states.map((state) => this.without(state)),
      })),
    }
    return channel.request(apis.alterPartition, apis.alterPartition.versionMax, body, {
      timeoutMs: answerTimeoutMs,
      errorOf: (it) => it.errorCode,
      once: true,
    })
  }

  private without({ partition, leaderEpoch, partitionEpoch, leaderRecoveryState, isr }: PartitionImage) {
    const { brokers } = this.options.image()
    return {
      partitionIndex: partition,
      leaderEpoch,
      partitionEpoch,
      leaderRecoveryState,
      newIsrWithEpochs: isr
        .filter((id) => id !== this.options.brokerId)
        .map((id) => ({ brokerId: id, brokerEpoch: brokers.byId(id)?.epoch ?? -1 })),
    }
  }

  private tell(response: AlterPartitionResponse): void {
    const codes = response.topics.flatMap((topic) => topic.partitions.map((it) => it.errorCode))
    const left = codes.filter((code) => code === ErrorCode.NONE || code === ErrorCode.NEW_LEADER_ELECTED).length
    if (left > 0) this.options.log.write('info', 'replicas-left', `${left} replicas without room have left their in-sync sets`, { left })
  }
}
