import { apis } from '../../protocol/apis.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { RequestContext } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { forward } from './forwarding.ts'
import { isInternalTopic, isValidTopicName } from './topic-entries.ts'

/** Topics of one request that are made by themselves, and topics that are being made at a time; what is beyond is asked for again. */
const topicsPerRequestMax = 100
const topicsBeingMadeMax = 1000
const clusterMetadataTopic = '__cluster_metadata'

/**
 * Makes topics that clients asked for and that are not there (DefaultAutoTopicCreationManager): a CreateTopics request with this broker's
 * `num.partitions` and `default.replication.factor`, passed on to the controller. A topic that is being made is not asked for twice.
 */
export class TopicMaker {
  private readonly broker: BrokerContext
  private readonly beingMade = new Set<string>()

  constructor(broker: BrokerContext) {
    this.broker = broker
  }

  /** Returns at once. Names that no topic can have, and internal topics, are passed over. */
  make(names: readonly string[], context: RequestContext): void {
    const room = Math.min(topicsPerRequestMax, topicsBeingMadeMax - this.beingMade.size)
    const wanted = names.filter((name) => this.isMakeable(name)).slice(0, Math.max(0, room))
    if (wanted.length === 0) return
    for (const name of wanted) this.beingMade.add(name)
    this.create(wanted, context).then(
      () => this.forget(wanted),
      (error: unknown) => {
        this.forget(wanted)
        this.broker.log.write('warn', 'auto-create-failed', `${wanted.join(', ')}: ${String(error)}`)
      },
    )
  }

  private isMakeable(name: string): boolean {
    return isValidTopicName(name) && !isInternalTopic(name) && name !== clusterMetadataTopic && !this.beingMade.has(name)
  }

  private async create(names: readonly string[], context: RequestContext): Promise<void> {
    const { numPartitions, defaultReplicationFactor: replicationFactor, requestTimeoutMs } = this.broker.config
    const topics = names.map((name) => ({ name, numPartitions, replicationFactor, assignments: [], configs: [] }))
    const request = { topics, timeoutMs: requestTimeoutMs, validateOnly: false }
    const outcome = await forward(this.broker, apis.createTopics, request, { ...context, apiVersion: apis.createTopics.versionMax })
    if ('error' in outcome) throw new Error(errorName(outcome.error))
    for (const topic of outcome.response.topics) this.tell(topic.name, topic.errorCode, topic.errorMessage)
  }

  /** TOPIC_ALREADY_EXISTS: another broker was asked for it too. */
  private tell(name: string, error: number, message: string | null): void {
    if (error === ErrorCode.NONE || error === ErrorCode.TOPIC_ALREADY_EXISTS) return
    this.broker.log.write('warn', 'auto-create-failed', `${name}: ${errorName(error)}${message === null ? '' : ` (${message})`}`)
  }

  private forget(names: readonly string[]): void {
    for (const name of names) this.beingMade.delete(name)
  }
}
