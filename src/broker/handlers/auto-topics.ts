import type { Millis } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { RequestContext } from '../../server/handlers.ts'
import { OFFSETS_TOPIC } from '../internal-topics.ts'
import type { BrokerContext } from './context.ts'
import { forward } from './forwarding.ts'
import { creatableTopic } from './creatable-topic.ts'
import { isInternalTopic, isValidTopicName } from './topic-entries.ts'

/** Topics of one request that are made by themselves, and topics that are being made at a time; what is beyond is asked for again. */
const topicsPerRequestMax = 100
const topicsBeingMadeMax = 1000
const clusterMetadataTopic = '__cluster_metadata'
/** Every consumer that starts asks for the topic of offsets: after a failure the controller is left alone for a while, and the log for longer. */
const offsetsTopicRetryMs: Millis = 250
const offsetsTopicComplaintMs: Millis = 30_000

/**
 * Makes topics that clients asked for and that are not there (DefaultAutoTopicCreationManager): a CreateTopics request with this broker's
 * `num.partitions` and `default.replication.factor` (the topic of committed offsets: `offsets.topic.…`), passed on to the controller. A topic that is
 * being made is not asked for twice.
 */
export class TopicMaker {
  private readonly broker: BrokerContext
  private readonly beingMade = new Set<string>()
  private offsetsTopicRetryAt: Millis = -Infinity
  private complaint: { readonly text: string; readonly until: Millis } | null = null

  constructor(broker: BrokerContext) {
    this.broker = broker
  }

  /** Returns at once. Names that no topic can have, and internal topics that nothing here writes to, are passed over. */
  make(names: readonly string[], context: RequestContext): void {
    const room = Math.min(topicsPerRequestMax, topicsBeingMadeMax - this.beingMade.size)
    const wanted = names.filter((name) => this.isMakeable(name)).slice(0, Math.max(0, room))
    if (wanted.length === 0) return
    for (const name of wanted) this.beingMade.add(name)
    this.create(wanted, context).then(
      () => this.forget(wanted),
      (error: unknown) => {
        this.forget(wanted)
        for (const name of wanted) this.complain(name, String(error))
      },
    )
  }

  private isMakeable(name: string): boolean {
    if (this.beingMade.has(name)) return false
    if (name === OFFSETS_TOPIC) return this.broker.clock.mono() >= this.offsetsTopicRetryAt
    return isValidTopicName(name) && !isInternalTopic(name) && name !== clusterMetadataTopic
  }

  private async create(names: readonly string[], context: RequestContext): Promise<void> {
    const { config } = this.broker
    const topics = names.map((name) => creatableTopic(name, config))
    const request = { topics, timeoutMs: config.requestTimeoutMs, validateOnly: false }
    const outcome = await forward(this.broker, apis.createTopics, request, { ...context, apiVersion: apis.createTopics.versionMax })
    if ('error' in outcome) throw new Error(errorName(outcome.error))
    for (const topic of outcome.response.topics) this.tell(topic.name, topic.errorCode, topic.errorMessage)
  }

  /** TOPIC_ALREADY_EXISTS: another broker was asked for it too. */
  private tell(name: string, error: number, message: string | null): void {
    if (error === ErrorCode.NONE || error === ErrorCode.TOPIC_ALREADY_EXISTS) return
    const advice = name === OFFSETS_TOPIC && error === ErrorCode.INVALID_REPLICATION_FACTOR ? `; ${this.advice()}` : ''
    this.complain(name, `${errorName(error)}${message === null ? '' : ` (${message})`}${advice}`)
  }

  private advice(): string {
    const { offsetsTopicReplicationFactor } = this.broker.config
    return `no group can work before ${offsetsTopicReplicationFactor} brokers run, or offsets.topic.replication.factor is lower than that`
  }

  private complain(name: string, why: string): void {
    const text = `${name}: ${why}`
    if (name === OFFSETS_TOPIC && this.holdsBack(text)) return
    this.broker.log.write('warn', 'auto-create-failed', text)
  }

  private holdsBack(text: string): boolean {
    const now = this.broker.clock.mono()
    this.offsetsTopicRetryAt = now + offsetsTopicRetryMs
    if (this.complaint?.text === text && now < this.complaint.until) return true
    this.complaint = { text, until: now + offsetsTopicComplaintMs }
    return false
  }

  private forget(names: readonly string[]): void {
    for (const name of names) this.beingMade.delete(name)
  }
}
