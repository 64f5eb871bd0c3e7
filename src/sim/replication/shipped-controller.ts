import { assert } from '../../base/assert.ts'
import { Prng } from '../../base/prng.ts'
import type { NodeId } from '../../base/units.ts'
import { configRules } from '../../config/config-rules.ts'
import type { ControllerApi, ControllerCommand, ControllerReply } from '../../controller/commands.ts'
import { ControllerLedger } from '../../controller/controller-ledger.ts'
import { defaultControllerSettings } from '../../controller/settings.ts'
import { METADATA_VERSION_LATEST } from '../../metadata/metadata-version.ts'
import { newRecord } from '../../metadata/new-record.ts'
import type { PartitionImage } from '../../metadata/partition-image.ts'
import { initialLevels, supportedFeatures } from '../../metadata/supported-features.ts'
import { apis } from '../../protocol/apis.ts'
import { decode, encode } from '../../protocol/codec.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Draft, Message, Schema } from '../../protocol/schema.ts'
import type { IsrAnswer } from '../../replication/partition-replica.ts'
import type { Image, PartitionController, Proposal, Registration } from './partition-controller.ts'

const clusterId = 'simulated-cluster'
const topic = 'simulated'
/** Sessions do not end by themselves here: the simulation fences. */
const sessionMs = 1e9
/** Between two requests: enough for a fence not to be one too many. */
const stepMs = 10_000

/** The controller that is shipped, with a log that is committed at once. Registrations, fences and proposals reach it as the requests of brokers do. */
export class ShippedController implements PartitionController {
  readonly history: Image[] = []
  readonly replicas: readonly NodeId[]
  private readonly ledger: ControllerLedger
  private readonly prng = new Prng(1)
  private now = 0
  private nextOffset = 0
  private tickets = 0

  constructor(replicas: readonly NodeId[], minIsr: number) {
    this.replicas = replicas
    const limits = { sessionTimeoutMs: sessionMs, leaderRebalanceEnable: false }
    const settings = { ...defaultControllerSettings, ...limits, nodeId: 100, clusterId }
    this.ledger = new ControllerLedger(settings, configRules(new Map()), this.prng)
    const levels = initialLevels(METADATA_VERSION_LATEST)
    this.submit({ api: 'activate', bootstrap: levels.map((level) => newRecord('featureLevel', METADATA_VERSION_LATEST, level)) })
    for (const id of replicas) this.unfence(id, this.register(id, false))
    const configs = [{ name: 'min.insync.replicas', value: String(minIsr) }]
    const assignments = [{ partitionIndex: 0, brokerIds: [...replicas] }]
    this.call('createTopics', { topics: [{ name: topic, numPartitions: -1, replicationFactor: -1, assignments, configs }] })
    this.look()
  }

  get image(): Image {
    const last = this.history.at(-1)
    assert(last !== undefined, 'there is an image from the beginning')
    return last
  }

  /** A new incarnation, on the same disk; if that has lost something, it does not know what it had. */
  register(id: NodeId, lossy: boolean): number {
    const before = this.ledger.image.brokers.byId(id)
    if (before !== undefined) this.submit({ api: 'brokerConnectionLost', brokerId: id, brokerEpoch: before.epoch })
    const { brokerEpoch, errorCode } = this.call('brokerRegistration', {
      brokerId: id,
      clusterId,
      incarnationId: this.prng.uuid(),
      listeners: [{ name: 'PLAINTEXT', host: `broker${id}`, port: 9092, securityProtocol: 0 }],
      features: supportedFeatures.map(({ name, min, max }) => ({ name, minSupportedVersion: min, maxSupportedVersion: max })),
      rack: null,
      logDirs: [directoryOf(id)],
      previousBrokerEpoch: lossy ? -1 : (before?.epoch ?? -1),
    })
    assert(errorCode === ErrorCode.NONE && brokerEpoch !== undefined, `broker ${id} is registered, not refused with ${errorCode}`)
    return brokerEpoch
  }

  fence(id: NodeId): void {
    const broker = this.ledger.image.brokers.byId(id)
    if (broker !== undefined && !broker.fenced)
      this.submit({ api: 'fence', brokerId: id, brokerEpoch: broker.epoch, why: 'of the simulation' })
  }

  unfence(id: NodeId, brokerEpoch: number): void {
    this.call('brokerHeartbeat', {
      brokerId: id,
      brokerEpoch,
      currentMetadataOffset: this.nextOffset - 1,
      wantFence: false,
      wantShutDown: false,
    })
  }

  /** It becomes the first of the replicas, and those in sync elect the first. */
  move(to: NodeId): void {
    const { isr, leader } = this.partition
    if (leader === to || !isr.includes(to)) return
    const replicas = [to, ...this.replicas.filter((id) => id !== to)]
    this.call('alterPartitionReassignments', { topics: [{ name: topic, partitions: [{ partitionIndex: 0, replicas }] }] })
    this.call('electLeaders', { electionType: 0, topicPartitions: [{ topic, partitions: [0] }] })
  }

  alterPartition(from: NodeId, brokerEpoch: number, proposal: Proposal): IsrAnswer {
    const { leaderEpoch, partitionEpoch, leaderRecoveryState } = proposal
    const newIsrWithEpochs = proposal.isr.map((member) => ({ ...member }))
    const asked = { partitionIndex: 0, leaderEpoch, partitionEpoch, leaderRecoveryState, newIsr: [], newIsrWithEpochs }
    const topics = [{ topicId: this.partition.topicId, partitions: [asked] }]
    const response = this.call('alterPartition', { brokerId: from, brokerEpoch, topics })
    const answer = response.topics[0]?.partitions[0]
    const error = answer?.errorCode ?? response.errorCode
    if (answer !== undefined && error === ErrorCode.NONE)
      return { error, isr: answer.isr ?? [], leaderEpoch: answer.leaderEpoch ?? -1, partitionEpoch: answer.partitionEpoch ?? -1 }
    const refusal = Object.values(ErrorCode).find((code) => code === error)
    assert(refusal !== undefined && refusal !== ErrorCode.NONE, `an error has a code: ${error}`)
    return { error: refusal }
  }

  private get partition(): PartitionImage {
    const found = this.ledger.image.topics.byName(topic)?.partitions[0]
    assert(found !== undefined, 'the topic has been made')
    return found
  }

  /** By way of bytes, which fill in what is not said. */
  private call<K extends ControllerApi>(api: K, request: Draft<(typeof apis)[K]['request']>): Message<(typeof apis)[K]['response']> {
    const schema: Schema = apis[api].request
    const version: number = apis[api].versionMax
    const message = decode(schema, version, encode(schema, version, request as Draft<Schema>))
    const reply = this.submit({ api, request: message, context: { version, listener: 'CONTROLLER' } } as unknown as ControllerCommand)
    return reply.response as unknown as Message<(typeof apis)[K]['response']>
  }

  private submit(command: ControllerCommand): ControllerReply {
    this.now += stepMs
    this.tickets += 1
    this.ledger.expectOffset(this.nextOffset)
    const { records, answers } = this.ledger.decide(this.now, this.tickets, command)
    for (const record of records) this.ledger.replay(record)
    this.nextOffset += records.length
    if (records.length > 0 && this.history.length > 0) this.look()
    const [answer] = answers
    assert(answer !== undefined, 'a command is answered')
    return answer.reply
  }

  private look(): void {
    const { leader, leaderEpoch, partitionEpoch, isr, eligibleLeaderReplicas: elr } = this.partition
    const brokers = new Map<NodeId, Registration>()
    for (const { id, epoch, fenced } of this.ledger.image.brokers.all()) brokers.set(id, { brokerEpoch: epoch, fenced })
    this.history.push({ leader, leaderEpoch, partitionEpoch, isr, elr, brokers })
  }
}

function directoryOf(id: NodeId): string {
  const bytes = Buffer.alloc(16, 7)
  bytes.writeInt32BE(id, 0)
  return bytes.toString('base64url')
}
