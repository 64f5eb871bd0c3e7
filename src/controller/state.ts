import type { Entropy } from '../base/ports.ts'
import type { NodeId, Offset, Uuid } from '../base/units.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { newRecord } from '../metadata/new-record.ts'
import { DIRECTORY_LOST, DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED, directoryOf, type PartitionImage } from '../metadata/partition-image.ts'
import type { MetadataRecord, RecordDraft, RecordType } from '../metadata/record-types.ts'
import { ELR_VERSION } from '../metadata/supported-features.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import type { Sessions } from './brokers/sessions.ts'
import type { ConfigRules } from './configs/config-rules.ts'
import type { ChangeSetting } from './partitions/partition-change.ts'
import type { PartitionIndex, PartitionKey } from './partitions/partition-index.ts'
import type { ControllerSettings } from './settings.ts'

/** What every subject of the controller reads. Only replay changes image and index. */
export interface ControllerState {
  readonly settings: ControllerSettings
  readonly rules: ConfigRules
  readonly entropy: Entropy
  readonly image: ClusterImage
  readonly index: PartitionIndex
  readonly sessions: Sessions
  /** What the present decision has looked up of topics, by name. */
  readonly topicRules: Map<string, TopicRules>
  /** Where the first record of the present decision will stand. */
  readonly nextOffset: Offset
}

export interface TopicRules {
  /** `min.insync.replicas` in force. */
  readonly minIsr: number
  /** `unclean.leader.election.enable` in force. */
  readonly uncleanElection: boolean
  /** `flush.messages` in force is 1: what is acknowledged is on the disks of all in-sync replicas. */
  readonly durable: boolean
}

/** The records of one decision, in order. */
export class RecordBatch {
  readonly records: MetadataRecord[] = []
  private readonly metadataVersion: number

  constructor(metadataVersion: number) {
    this.metadataVersion = metadataVersion
  }

  get size(): number {
    return this.records.length
  }

  add<K extends RecordType>(type: K, draft: RecordDraft<K>): void {
    this.records.push(newRecord(type, this.metadataVersion, draft))
  }
}

/** What partition changes of a topic have to know; `isActive` narrows or widens who may lead. */
export function changeSetting(
  state: ControllerState,
  topic: TopicImage,
  partition: PartitionImage,
  isActive: (broker: NodeId) => boolean = (broker) => state.image.brokers.isActive(broker),
): ChangeSetting {
  return {
    metadataVersion: state.image.metadataVersion,
    isActive,
    hasReplica: (broker) => hasOnlineDirectory(state, partition, broker),
    minIsr: topicRules(state, topic).minIsr,
    elrEnabled: isElrEnabled(state),
    directoryFor: (broker) => directoryFor(state, broker),
  }
}

/** A directory that is unknown or still to be told counts as online; one that its broker no longer names does not (BrokerRegistration.hasOnlineDir). */
function hasOnlineDirectory(state: ControllerState, partition: PartitionImage, broker: NodeId): boolean {
  const directory = directoryOf(partition, broker)
  return directory === undefined || isOnlineDirectory(state, broker, directory)
}

export function isOnlineDirectory(state: ControllerState, broker: NodeId, directory: Uuid): boolean {
  const registered = state.image.brokers.byId(broker)?.logDirs ?? []
  if (directory === DIRECTORY_MIGRATING || directory === DIRECTORY_UNASSIGNED) return true
  if (directory === DIRECTORY_LOST) return false
  return registered.length === 0 || registered.includes(directory)
}

/** Where a broker will put a new replica: known when it has one directory, else told by the broker later. */
export function directoryFor(state: ControllerState, broker: NodeId): Uuid {
  const registered = state.image.brokers.byId(broker)
  if (registered === undefined) return DIRECTORY_MIGRATING
  const [only, another] = registered.logDirs
  return only !== undefined && another === undefined ? only : DIRECTORY_UNASSIGNED
}

/** Whether the cluster works with eligible leader replicas (KIP-966). */
export function isElrEnabled({ image }: ControllerState): boolean {
  return image.features.level(ELR_VERSION) >= 1
}

export function uncleanElectionAllowed(state: ControllerState, topic: TopicImage): boolean {
  return topicRules(state, topic).uncleanElection
}

/** Whether what was acknowledged of a partition survives the loss of power (`flush.messages` 1). */
export function isDurable(state: ControllerState, { topicId }: PartitionKey): boolean {
  const topic = state.image.topics.byId(topicId)
  return topic !== undefined && topicRules(state, topic).durable
}

function topicRules(state: ControllerState, { name }: TopicImage): TopicRules {
  const known = state.topicRules.get(name)
  if (known !== undefined) return known
  const value = (config: string): string =>
    state.rules.topicValue(config, state.image.configs.ofTopic(name), state.image.configs.ofAllBrokers())
  const found = {
    minIsr: Number(value('min.insync.replicas')),
    uncleanElection: value('unclean.leader.election.enable') === 'true',
    durable: value('flush.messages') === '1',
  }
  state.topicRules.set(name, found)
  return found
}
