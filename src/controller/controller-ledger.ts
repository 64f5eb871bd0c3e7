import { assert, unreachable } from '../base/assert.ts'
import type { Decision, Ticket } from '../base/machine.ts'
import type { Entropy } from '../base/ports.ts'
import { type Millis, NEVER, type NodeId, type Offset } from '../base/units.ts'
import type { HostedLedger } from '../ledger/ledger-host.ts'
import { ClusterImage } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import { brokerHeartbeat } from './brokers/broker-heartbeat.ts'
import { registerBroker } from './brokers/broker-registration.ts'
import { fenceBroker } from './brokers/fencing.ts'
import { Sessions, type SilentNode } from './brokers/sessions.ts'
import { unregisterBroker } from './brokers/unregister-broker.ts'
import { activate } from './cluster/activation.ts'
import { describeCluster, registerController } from './cluster/controllers.ts'
import { updateFeatures } from './cluster/features.ts'
import { allocateProducerIds } from './cluster/producer-ids.ts'
import type { ApiCommand, ApiReply, ControllerCommand, ControllerReply, FenceCommand, InternalCommand } from './commands.ts'
import { alterConfigs, incrementalAlterConfigs } from './configs/alter-configs.ts'
import type { ConfigRules } from './configs/config-rules.ts'
import { assignReplicasToDirs } from './partitions/assign-directories.ts'
import { alterPartition } from './partitions/alter-partition.ts'
import { electLeaders, electUncleanLeaders, rebalanceLeaders } from './partitions/elect-leaders.ts'
import { PartitionIndex } from './partitions/partition-index.ts'
import { alterPartitionReassignments, listPartitionReassignments } from './partitions/reassignments.ts'
import { notController } from './replies.ts'
import type { ControllerSettings } from './settings.ts'
import { type ControllerState, RecordBatch } from './state.ts'
import { createPartitions } from './topics/create-partitions.ts'
import { createTopics } from './topics/create-topics.ts'
import { deleteTopics } from './topics/delete-topics.ts'

/** Wakes that are later than this by more than timers are: the node itself stood still, and could hear nobody. */
const lateWakeMsMin: Millis = 100

/**
 * The controller.
 *
 *  1. `replay` alone changes image and index. `decide` writes nothing but what no log holds: sessions.
 *  2. Standby until the command `activate`; then `wakeAt` counts. It never goes back: who resigns makes a new one (or activates this one again).
 *  3. One decision never changes a partition twice: the second change would be made from the state before the first. So one broker at a time is fenced.
 *  4. A partition's leader is in its ISR and active. Members of an ISR are not fenced, but, without eligible leader replicas, the last one, which never
 *     leaves it: see partition-change.ts.
 *
 * Kafka's active controller also writes a NoOpRecord every 500 ms, to let its metrics see that the quorum commits; nothing here needs it, and it would
 * wake every node of an idle cluster twice a second.
 */
export class ControllerLedger implements HostedLedger<ControllerCommand, MetadataRecord, ControllerReply> {
  readonly image = new ClusterImage()
  private readonly state: ControllerState & { nextOffset: Offset }
  private isActive = false
  private nextRebalance: Millis = NEVER
  private nextUncleanRound: Millis = NEVER

  /** What to answer when this node does not lead (any more). */
  static readonly refuse = notController

  constructor(settings: ControllerSettings, rules: ConfigRules, entropy: Entropy) {
    assert(settings.sessionTimeoutMs > settings.heartbeatIntervalMs, 'a broker session shorter than the interval of its heartbeats')
    const { image } = this
    const index = new PartitionIndex()
    this.state = { settings, rules, entropy, image, index, sessions: new Sessions(settings), topicRules: new Map(), nextOffset: 0 }
  }

  expectOffset(next: Offset): void {
    this.state.nextOffset = next
  }

  replay(record: MetadataRecord): void {
    this.image.apply(record)
    this.state.index.follow(this.image.takeChanges())
  }

  decide(now: Millis, ticket: Ticket, command: ControllerCommand): Decision<MetadataRecord, ControllerReply> {
    const out = this.newBatch()
    const reply = isInternal(command) ? this.internal(now, command, out) : answer(this.state, now, command, out)
    return { records: out.records, answers: [{ to: ticket, reply }] }
  }

  private newBatch(): RecordBatch {
    this.state.topicRules.clear()
    return new RecordBatch(this.image.metadataVersion)
  }

  private internal(now: Millis, command: InternalCommand, out: RecordBatch): ControllerReply {
    switch (command.api) {
      case 'activate':
        this.activate(now, command.silent ?? null)
        activate(this.state, command.bootstrap, out)
        return { api: command.api, response: { done: true } }
      case 'fence':
        return { api: command.api, response: { done: this.fence(now, command, out) } }
      case 'brokerConnectionLost':
        return { api: command.api, response: { done: this.state.sessions.connectionLost(command.brokerId, command.brokerEpoch) } }
      default:
        return unreachable(command)
    }
  }

  private activate(now: Millis, silent: SilentNode | null): void {
    const { settings, sessions } = this.state
    sessions.begin(now, this.image.brokers.all(), silent)
    this.isActive = true
    this.nextRebalance = settings.leaderRebalanceEnable ? now + settings.leaderRebalanceIntervalMs : NEVER
    this.nextUncleanRound = now + settings.uncleanElectionIntervalMs
  }

  private fence(now: Millis, { brokerId, brokerEpoch }: FenceCommand, out: RecordBatch): boolean {
    const broker = this.image.brokers.byId(brokerId)
    if (broker === undefined || broker.epoch !== brokerEpoch) return false
    this.state.sessions.connectionLost(brokerId, brokerEpoch)
    if (broker.fenced || !this.state.sessions.takeFastFence(now, brokerId)) return false
    fenceBroker(this.state, broker, out)
    return true
  }

  wakeAt(): Millis {
    if (!this.isActive) return NEVER
    return Math.min(this.nextExpiry()?.at ?? NEVER, this.nextRebalance, this.nextUncleanRound)
  }

  private nextExpiry(): { readonly id: NodeId; readonly at: Millis } | null {
    let next: { readonly id: NodeId; readonly at: Millis } | null = null
    for (const { id, epoch, fenced } of this.image.brokers.all()) {
      const at = fenced ? NEVER : this.state.sessions.expiresAt(id, epoch)
      if (at < (next?.at ?? NEVER)) next = { id, at }
    }
    return next
  }

  wake(now: Millis): Decision<MetadataRecord, ControllerReply> {
    const out = this.newBatch()
    const due = this.wakeAt()
    if (now < due) return { records: [], answers: [] }
    const { sessions, settings } = this.state
    const late = now - due
    const expired = this.nextExpiry()
    if (expired !== null && expired.at <= now) {
      // Heartbeats that came meanwhile are still to be read: time for them too
      if (late > lateWakeMsMin) sessions.forgive(late + 2 * settings.heartbeatIntervalMs)
      else this.fenceSilent(expired.id, out)
    } else if (this.nextRebalance <= now) {
      const more = rebalanceLeaders(this.state, out)
      this.nextRebalance = more ? now : now + this.state.settings.leaderRebalanceIntervalMs
    } else {
      const more = electUncleanLeaders(this.state, out)
      this.nextUncleanRound = more ? now : now + this.state.settings.uncleanElectionIntervalMs
    }
    return { records: out.records, answers: [] }
  }

  private fenceSilent(id: NodeId, out: RecordBatch): void {
    const broker = this.image.brokers.byId(id)
    assert(broker !== undefined && !broker.fenced, `broker ${id} has a session to lose`)
    fenceBroker(this.state, broker, out)
  }
}

function isInternal(command: ControllerCommand): command is InternalCommand {
  return command.api === 'activate' || command.api === 'fence' || command.api === 'brokerConnectionLost'
}

function answer(state: ControllerState, now: Millis, command: ApiCommand, out: RecordBatch): ApiReply {
  const { api } = command
  switch (api) {
    case 'brokerRegistration':
      return { api, response: registerBroker(state, now, command.request, command.context, out) }
    case 'brokerHeartbeat':
      return { api, response: brokerHeartbeat(state, now, command.request, out) }
    case 'unregisterBroker':
      return { api, response: unregisterBroker(state, command.request, out) }
    case 'alterPartition':
      return { api, response: alterPartition(state, command.request, command.context, out) }
    case 'allocateProducerIds':
      return { api, response: allocateProducerIds(state, command.request, out) }
    case 'assignReplicasToDirs':
      return { api, response: assignReplicasToDirs(state, command.request, out) }
    case 'controllerRegistration':
      return { api, response: registerController(state, command.request, out) }
    default:
      return answerAdmin(state, command, out)
  }
}

type NodeApi =
  | 'brokerRegistration'
  | 'brokerHeartbeat'
  | 'unregisterBroker'
  | 'alterPartition'
  | 'allocateProducerIds'
  | 'controllerRegistration'
  | 'assignReplicasToDirs'

function answerAdmin(state: ControllerState, command: Exclude<ApiCommand, { readonly api: NodeApi }>, out: RecordBatch): ApiReply {
  const { api } = command
  switch (api) {
    case 'createTopics':
      return { api, response: createTopics(state, command.request, command.context, out) }
    case 'deleteTopics':
      return { api, response: deleteTopics(state, command.request, command.context, out) }
    case 'createPartitions':
      return { api, response: createPartitions(state, command.request, out) }
    case 'alterConfigs':
      return { api, response: alterConfigs(state, command.request, out) }
    case 'incrementalAlterConfigs':
      return { api, response: incrementalAlterConfigs(state, command.request, out) }
    case 'electLeaders':
      return { api, response: electLeaders(state, command.request, command.context, out) }
    case 'alterPartitionReassignments':
      return { api, response: alterPartitionReassignments(state, command.request, out) }
    case 'listPartitionReassignments':
      return { api, response: listPartitionReassignments(state, command.request) }
    case 'updateFeatures':
      return { api, response: updateFeatures(state, command.request, command.context, out) }
    case 'describeCluster':
      return { api, response: describeCluster(state, command.request, command.context) }
    default:
      return unreachable(command)
  }
}
