import { grouped } from '../base/grouped.ts'
import type { Clock, Log } from '../base/ports.ts'
import type { Millis, NodeId, Uuid } from '../base/units.ts'
import { apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { AlterPartitionResponse } from '../protocol/messages/alter-partition.ts'
import type { IsrAnswer, PartitionEffect } from '../replication/partition-replica.ts'
import { type ControllerChannel, NoControllerError } from './controller-channel.ts'
import type { HostedPartition } from './hosted-partition.ts'

type Proposal = Extract<PartitionEffect, { type: 'proposeIsr' }>

/** An AlterPartition without an answer for so long has an unknown outcome. */
const alterPartitionTimeoutMs: Millis = 5_000
const alterPartitionVersion = apis.alterPartition.versionMax

/** Who proposes and is answered. */
type Proposer = Pick<HostedPartition, 'partition' | 'tell'>

interface Waiting {
  readonly partition: Proposer
  readonly proposal: Proposal
}

/**
 * Carries the ISR proposals of all partitions to the controller: those of one turn go together, and while a request is on its way the next
 * ones gather (as Kafka's AlterPartitionManager: one request in flight). Each proposal is answered exactly once. A request names a partition at most
 * once, or the controller refuses it: of several proposals of one partition that have gathered, the newest stands, the others have been decided by
 * metadata since.
 */
export class IsrProposals {
  private readonly clock: Clock
  private readonly log: Log
  private readonly channel: ControllerChannel
  private readonly brokerId: NodeId
  private readonly brokerEpoch: () => number
  private waiting: Waiting[] = []
  private sending = false
  private scheduled = false

  constructor(
    ports: { readonly clock: Clock; readonly log: Log },
    channel: ControllerChannel,
    brokerId: NodeId,
    brokerEpoch: () => number,
  ) {
    this.clock = ports.clock
    this.log = ports.log
    this.channel = channel
    this.brokerId = brokerId
    this.brokerEpoch = brokerEpoch
  }

  propose(partition: Proposer, proposal: Proposal): void {
    this.waiting.push({ partition, proposal })
    if (this.sending || this.scheduled) return
    this.scheduled = true
    this.clock.endOfTurn(() => {
      this.scheduled = false
      void this.drain()
    })
  }

  private async drain(): Promise<void> {
    if (this.sending) return
    this.sending = true
    while (this.waiting.length > 0) {
      const gathered = this.waiting
      this.waiting = []
      const batch = newestOfEach(gathered)
      const standing = new Set(batch)
      for (const it of gathered) if (!standing.has(it)) answer(it, { error: ErrorCode.OPERATION_NOT_ATTEMPTED })
      await this.send(batch)
    }
    this.sending = false
  }

  private async send(batch: readonly Waiting[]): Promise<void> {
    let response: AlterPartitionResponse | null = null
    try {
      response = await this.channel.request(apis.alterPartition, alterPartitionVersion, this.draft(batch), {
        timeoutMs: alterPartitionTimeoutMs,
        errorOf: (it) => it.errorCode,
        once: true,
      })
    } catch (error) {
      if (!(error instanceof NoControllerError)) throw error
      this.log.write('warn', 'isr-proposals-unanswered', `${batch.length} ISR proposals have no answer: ${error.message}`)
    }
    const answers = answersOf(response)
    for (const it of batch) answer(it, answers.get(it.proposal.topicId)?.get(it.partition.partition) ?? unanswered(response))
  }

  private draft(batch: readonly Waiting[]) {
    return {
      brokerId: this.brokerId,
      brokerEpoch: this.brokerEpoch(),
      topics: [...grouped(batch, (it) => it.proposal.topicId)].map(([topicId, list]) => ({
        topicId,
        partitions: list.map(({ partition, proposal }) => ({
          partitionIndex: partition.partition,
          leaderEpoch: proposal.leaderEpoch,
          newIsrWithEpochs: proposal.isr,
          leaderRecoveryState: proposal.leaderRecoveryState,
          partitionEpoch: proposal.partitionEpoch,
        })),
      })),
    }
  }
}

function newestOfEach(gathered: readonly Waiting[]): readonly Waiting[] {
  return [...new Map(gathered.map((it) => [`${it.proposal.topicId}:${it.partition.partition}`, it])).values()]
}

function answer({ partition, proposal }: Waiting, said: IsrAnswer): void {
  partition.tell({ type: 'isrAnswered', proposal: proposal.proposal, answer: said })
}

/** A whole request that was refused says nothing of its partitions: their outcome is that error; without any answer it is unknown. */
function unanswered(response: AlterPartitionResponse | null): IsrAnswer {
  const code = response?.errorCode ?? ErrorCode.NETWORK_EXCEPTION
  return { error: (code === ErrorCode.NONE ? ErrorCode.UNKNOWN_SERVER_ERROR : code) as Exclude<ErrorCode, 0> }
}

function answersOf(response: AlterPartitionResponse | null): ReadonlyMap<Uuid, ReadonlyMap<number, IsrAnswer>> {
  return new Map(
    (response?.topics ?? []).map((topic) => [
      topic.topicId,
      new Map(
        topic.partitions.map((it): [number, IsrAnswer] => [
          it.partitionIndex,
          it.errorCode === ErrorCode.NONE
            ? { error: ErrorCode.NONE, isr: it.isr, leaderEpoch: it.leaderEpoch, partitionEpoch: it.partitionEpoch }
            : { error: it.errorCode as Exclude<ErrorCode, 0> },
        ]),
      ),
    ]),
  )
}
