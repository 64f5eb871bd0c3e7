import { NO_UUID } from '../../base/units.ts'
import { noLayer } from '../../config/layers.ts'
import { parseServerConfig } from '../../config/parse-server-config.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import { ClusterImage } from '../../metadata/image.ts'
import { newRecord } from '../../metadata/new-record.ts'
import { type Api, apiByKey } from '../../protocol/apis.ts'
import { codec, decode, encode } from '../../protocol/codec.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { readRequestHeader, writeResponse } from '../../protocol/frames.ts'
import { envelopeRequest } from '../../protocol/messages/envelope.ts'
import type { Draft, Message, Schema } from '../../protocol/schema.ts'
import type { RequestContext } from '../../server/handlers.ts'
import { NoControllerError } from '../../broker/controller-channel.ts'
import type { BrokerContext, ServedPartition } from '../../broker/handlers/context.ts'
import type { GroupHandlersContext } from '../../broker/handlers/groups/context.ts'
import { FakeGroups } from './fake-groups.ts'

/** A broker for the tests of handlers: an image made of records, partitions by hand, a controller that answers what it is told to. */

export const topicId = 'dGVzdC10b3BpYy1pZC0wMQ'
const metadataVersion = 30

export function fakeConfig(changes: Readonly<Record<string, string>> = {}): ServerConfig {
  const properties = {
    'process.roles': 'broker',
    'node.id': '1',
    'controller.quorum.voters': '9@127.0.0.1:19092',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': 'data',
    ...changes,
  }
  const parsed = parseServerConfig(Object.entries(properties).map(([name, value], i) => ({ name, value, line: i + 1 })))
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems))
  return parsed.config
}

export function addBroker(image: ClusterImage, id: number, options: { readonly fenced?: boolean; readonly listener?: string } = {}): void {
  image.apply(
    newRecord('registerBroker', metadataVersion, {
      brokerId: id,
      brokerEpoch: 100 + id,
      incarnationId: NO_UUID,
      endPoints: [{ name: options.listener ?? 'PLAINTEXT', host: `host-${id}`, port: 9090 + id, securityProtocol: 0 }],
      features: [],
      rack: `rack-${id}`,
      fenced: options.fenced ?? false,
      inControlledShutdown: false,
      logDirs: [],
    }),
  )
}

export interface TopicOptions {
  readonly id?: string
  readonly partitions?: number
  readonly leader?: number
  readonly replicas?: readonly number[]
  readonly isr?: readonly number[]
}

export function addTopic(image: ClusterImage, name: string, options: TopicOptions = {}): void {
  const id = options.id ?? topicId
  const replicas = options.replicas ?? [1, 2]
  image.apply(newRecord('topic', metadataVersion, { name, topicId: id }))
  for (let partitionId = 0; partitionId < (options.partitions ?? 1); partitionId += 1) {
    image.apply(
      newRecord('partition', metadataVersion, {
        partitionId,
        topicId: id,
        replicas,
        isr: options.isr ?? replicas,
        removingReplicas: [],
        addingReplicas: [],
        leader: options.leader ?? 1,
        leaderEpoch: 7,
        partitionEpoch: 3,
        directories: replicas.map(() => 'AAAAAAAAAAAAAAAAAAAAAQ'),
      }),
    )
  }
}

/** Answers a forwarded request, found in its envelope, by the name of its API; or is not there. */
export type ControllerStub = (api: Api, version: number, request: Message<Schema>) => Draft<Schema> | ErrorCode | null

export class FakeBroker implements GroupHandlersContext {
  readonly brokerId = 1
  readonly clusterId = 'fake-cluster'
  readonly image = new ClusterImage()
  metadataOffset = 41
  config = fakeConfig()
  brokerEpoch = 101
  readonly lines: string[] = []
  readonly partitions: ServedPartition[] = []
  readonly directories: BrokerContext['directories'] = []
  moveReplica: BrokerContext['moveReplica'] = () => Promise.resolve(ErrorCode.LOG_DIR_NOT_FOUND)
  readonly seen: { readonly api: string; readonly version: number; readonly request: unknown }[] = []
  stub: ControllerStub = () => null
  readonly groups = new FakeGroups()
  readonly clock: BrokerContext['clock']

  constructor(clock: BrokerContext['clock']) {
    this.clock = clock
    for (const id of [1, 2]) addBroker(this.image, id)
  }

  get layers() {
    return {
      given: this.config.given,
      dynamicDefault: this.image.configs.ofAllBrokers(),
      dynamicBroker: this.image.configs.of(4, '1') ?? noLayer,
    }
  }

  readonly entropy = { uint32: () => 5, uuid: () => topicId }
  readonly log = { write: (level: string, event: string, message: string) => void this.lines.push(`${level} ${event} ${message}`) }

  readonly controller: BrokerContext['controller'] = {
    request: async <Req extends Schema, Res extends Schema>(api: Api<Req, Res>, version: number, body: Draft<Req>) => {
      const answer = api.name === 'Envelope' ? this.answerEnvelope(encode(api.request, version, body)) : this.answer(api, version, body)
      return decode(api.response, version, encode(api.response, version, answer as Draft<Res>))
    },
  }

  partition(topic: string, index: number): ServedPartition | undefined {
    return this.partitions.find((it) => it.topic === topic && it.partition === index)
  }

  private answer(api: Api, version: number, request: unknown): Draft<Schema> {
    this.seen.push({ api: api.name, version, request })
    const given = this.stub(api, version, request as Message<Schema>)
    if (given === null || typeof given === 'number') throw new NoControllerError('there is none')
    return given
  }

  private answerEnvelope(bytes: Buffer): Draft<Schema> {
    const envelope = decode(envelopeRequest, 0, bytes)
    const { header, body } = readRequestHeader(envelope.requestData, (key) => apiByKey.get(key))
    const api = apiByKey.get(header.requestApiKey)
    if (api === undefined) throw new Error(`no API ${header.requestApiKey}`)
    const request = codec(api.request, header.requestApiVersion).read(body)
    this.seen.push({ api: api.name, version: header.requestApiVersion, request })
    const given = this.stub(api, header.requestApiVersion, request)
    if (given === null) throw new NoControllerError('there is none')
    if (typeof given === 'number') return { responseData: null, errorCode: given }
    const frame = Buffer.concat(writeResponse(api, header.requestApiVersion, header.correlationId, given)).subarray(4)
    return { responseData: frame, errorCode: ErrorCode.NONE }
  }
}

export interface FakePartitionOptions {
  readonly topic?: string
  readonly partition?: number
  readonly isLeader?: boolean
  readonly logStartOffset?: number
  readonly logEndOffset?: number
  readonly highWatermark?: number
  readonly epochStartOffset?: number
  readonly cleanup?: readonly string[]
}

/** A partition whose log has a record at each offset, with the offset times ten as its timestamp, all of epoch 7. */
export class FakePartition implements ServedPartition {
  readonly topic: string
  readonly partition: number
  readonly topicId = topicId
  isLeader: boolean
  readonly watchers = new Set<() => void>()
  readonly log
  readonly replica

  constructor(options: FakePartitionOptions = {}) {
    const { logStartOffset = 0, logEndOffset = 10, highWatermark = 8, epochStartOffset = 0, cleanup = ['delete'] } = options
    this.topic = options.topic ?? 't'
    this.partition = options.partition ?? 0
    this.isLeader = options.isLeader ?? true
    this.log = {
      logStartOffset,
      logEndOffset,
      sizeBytes: 1234,
      config: { cleanupDelete: cleanup.includes('delete'), cleanupCompact: cleanup.includes('compact') },
      endOffsetForEpoch: (epoch: number) => (epoch === 7 ? { epoch: 7, endOffset: logEndOffset } : { epoch: -1, endOffset: -1 }),
      epochForOffset: () => 7,
      offsetForTimestamp: async (timestamp: number) => {
        const offset = Math.max(logStartOffset, Math.ceil(timestamp / 10))
        return offset < logEndOffset ? { timestamp: offset * 10, offset, leaderEpoch: 7 } : null
      },
      offsetOfMaxTimestamp: async () => ({ timestamp: (logEndOffset - 1) * 10, offset: logEndOffset - 1, leaderEpoch: 7 }),
      describeProducers: () => [
        { producerId: 5, producerEpoch: 0, lastSequence: 9, lastTimestamp: 90, coordinatorEpoch: -1, currentTxnStartOffset: -1 },
      ],
    }
    this.replica = {
      highWatermark,
      leaderEpoch: 7,
      epochStartOffset,
      lowWatermark: logStartOffset,
      epochError: (epoch: number) => this.epochError(epoch),
    }
  }

  private epochError(epoch: number): ErrorCode {
    if (!this.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (epoch === -1 || epoch === 7) return ErrorCode.NONE
    return epoch < 7 ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
  }

  moveLogStart(offset: number): void {
    this.log.logStartOffset = Math.max(this.log.logStartOffset, offset)
  }

  watchLowWatermark(look: () => void): () => void {
    this.watchers.add(look)
    return () => this.watchers.delete(look)
  }

  lowWatermarkIs(offset: number): void {
    this.replica.lowWatermark = offset
    for (const look of this.watchers) look()
  }
}

export function contextOf(apiVersion: number, listenerName = 'PLAINTEXT'): RequestContext {
  return {
    connection: {
      id: 1,
      listenerName,
      listenerKind: 'broker',
      clientHost: '::ffff:10.1.2.3',
      clientPort: 4000,
      localPort: 9092,
      softwareName: '',
      softwareVersion: '',
      isOpen: true,
      onClose: () => () => undefined,
      softwareIs: () => undefined,
      exemptFromBudget: () => undefined,
    },
    apiKey: 0,
    apiVersion,
    correlationId: 77,
    clientId: 'client',
    receivedAt: 0,
  }
}

/** What a client of that version would read: also proves that the answer can be sent in it. */
export function sent<Res extends Schema>(api: Api<Schema, Res>, version: number, answer: unknown): Message<Res> {
  return decode(api.response, version, encode(api.response, version, answer as Draft<Res>))
}
