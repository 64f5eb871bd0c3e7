import { assert } from '../../base/assert.ts'
import type { NodeId } from '../../base/units.ts'
import type { BrokerImage } from '../../metadata/brokers-image.ts'
import { directoryOf, type PartitionImage } from '../../metadata/partition-image.ts'
import { partitionChange, type PartitionTarget } from '../partitions/partition-change.ts'
import type { PartitionKey } from '../partitions/partition-index.ts'
import { changeSetting, type ControllerState, type RecordBatch, uncleanElectionAllowed } from '../state.ts'

/**
 * Fencing is safe even when the broker is alive: whoever leads next was in the committed ISR and so has all that was acknowledged, and the old leader
 * can no longer change the ISR, because that is a compare-and-set here on an epoch that has moved on.
 */
export function fenceBroker(state: ControllerState, broker: BrokerImage, out: RecordBatch): void {
  removeFromIsrs(state, broker.id, state.index.inIsrOf(broker.id), out)
  out.add('brokerRegistrationChange', { brokerId: broker.id, brokerEpoch: broker.epoch, fenced: 1 })
}

/** Partitions that nobody leads get the broker as leader where it is in the ISR. */
export function unfenceBroker(state: ControllerState, broker: BrokerImage, out: RecordBatch): void {
  out.add('brokerRegistrationChange', { brokerId: broker.id, brokerEpoch: broker.epoch, fenced: -1 })
  const isActive = (id: NodeId): boolean => id === broker.id || state.image.brokers.isActive(id)
  for (const key of state.index.leaderless.all()) change(state, key, isActive, () => ({}), out)
}

/** Leaders move away first; the broker goes on answering until the others have seen it. */
export function beginControlledShutdown(state: ControllerState, broker: BrokerImage, out: RecordBatch): void {
  removeFromIsrs(state, broker.id, state.index.inIsrOf(broker.id), out)
  out.add('brokerRegistrationChange', { brokerId: broker.id, brokerEpoch: broker.epoch, inControlledShutdown: 1 })
}

/**
 * Takes a broker out of ISRs and leadership. Where eligible leader replicas are enabled it stays eligible as long as the rest of the ISR commits nothing;
 * where they are not, the last member of an ISR stays in it. In either case the partition has no leader until it, or another that has all, is back.
 */
export function removeFromIsrs(state: ControllerState, broker: NodeId, partitions: Iterable<PartitionKey>, out: RecordBatch): void {
  const isActive = (id: NodeId): boolean => id !== broker && state.image.brokers.isActive(id)
  for (const key of partitions) change(state, key, isActive, (partition) => ({ isr: partition.isr.filter((id) => id !== broker) }), out)
}

/**
 * Takes a broker out of ISRs, leadership and eligibility: what it had may be gone. (ReplicationControlManager.handleBrokerShutdown after an unclean
 * one.) Without eligible leader replicas as `removeFromIsrs`: the last member of an ISR leads again with what it has.
 */
export function removeLossy(state: ControllerState, broker: NodeId, partitions: readonly PartitionKey[], out: RecordBatch): void {
  const isActive = (id: NodeId): boolean => id !== broker && state.image.brokers.isActive(id)
  const target = ({ isr }: PartitionImage): PartitionTarget => ({ isr: isr.filter((id) => id !== broker), lossy: [broker] })
  for (const key of partitions) change(state, key, isActive, target, out)
}

/** Partitions of which the broker is said to have all that was acknowledged, in sync or eligible. */
export function trustedOn(state: ControllerState, broker: NodeId): readonly PartitionKey[] {
  return [...state.index.inIsrOf(broker), ...state.index.inElrOf(broker)]
}

/**
 * What was in directories of the broker that have failed is gone (ReplicationControlManager.handleDirectoriesOffline): it leaves the ISRs, leads no more,
 * and is not eligible.
 * The leader epoch rises with that, also where another broker leads on: what a replica had fetched before, and may be saying still, proves
 * nothing of what the broker has now. (Kafka does not do this; a fetch on its way can bring such a replica back into the ISR there.)
 */
export function removeFromDirectories(state: ControllerState, broker: NodeId, directories: readonly string[], out: RecordBatch): void {
  const isActive = (id: NodeId): boolean => id !== broker && state.image.brokers.isActive(id)
  const target = ({ isr }: PartitionImage): PartitionTarget => ({
    isr: isr.filter((id) => id !== broker),
    lossy: [broker],
    bumpEpoch: true,
  })
  for (const key of inDirectories(state, broker, directories)) change(state, key, isActive, target, out)
}

/** Partitions whose replica on the broker is in one of the directories. Looks at all there are: a directory does not fail often. */
function* inDirectories(state: ControllerState, broker: NodeId, directories: readonly string[]): Iterable<PartitionKey> {
  for (const topic of state.image.topics.all()) {
    for (const partition of topic.partitions) {
      const directory = partition === undefined ? undefined : directoryOf(partition, broker)
      if (partition === undefined || directory === undefined || !directories.includes(directory)) continue
      yield { topicId: topic.id, partition: partition.partition }
    }
  }
}

function change(
  state: ControllerState,
  { topicId, partition: at }: PartitionKey,
  isActive: (id: NodeId) => boolean,
  target: (partition: PartitionImage) => PartitionTarget,
  out: RecordBatch,
): void {
  const topic = state.image.topics.byId(topicId)
  const partition = topic?.partitions[at]
  assert(topic !== undefined && partition !== undefined, `partition ${at} of ${topicId} is in the index, not in the image`)
  const election = uncleanElectionAllowed(state, topic) ? 'unclean' : 'online'
  const draft = partitionChange(partition, { ...target(partition), election }, changeSetting(state, topic, partition, isActive))
  if (draft !== null) out.add('partitionChange', draft)
}
