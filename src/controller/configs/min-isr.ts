import { ResourceType, type ConfigResource } from '../../metadata/configs-image.ts'
import type { PartitionImage } from '../../metadata/partition-image.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import { done, type Outcome, refused } from '../outcome.ts'
import { type ControllerState, isElrEnabled, type RecordBatch } from '../state.ts'

export const MIN_ISR = 'min.insync.replicas'

/**
 * `min.insync.replicas` says from which size on an ISR commits, and so who is eligible to lead outside of it (KIP-966, ConfigurationControlManager).
 * With eligible leader replicas enabled there is one value for all brokers in the metadata, which can be changed but not taken away, and none for
 * a single broker: controller and leaders always mean the same.
 */
export function minIsrRefusal(state: ControllerState, { type, name }: ConfigResource, config: string, value: string | null): Outcome {
  if (config !== MIN_ISR || type !== ResourceType.BROKER || !isElrEnabled(state)) return done
  if (name !== '') return refused('INVALID_CONFIG', 'Broker-level min.insync.replicas cannot be altered while ELR is enabled.')
  if (value !== null) return done
  return refused('INVALID_CONFIG', 'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.')
}

/**
 * After a change of `min.insync.replicas` an ISR that committed nothing may commit: who is eligible in its stead is so no longer. A partition whose ISR
 * is empty commits nothing whatever the value, and keeps its eligible replicas: without them it could not be led again. (Kafka clears those too.)
 */
export function clearElr(state: ControllerState, { type, name }: ConfigResource, out: RecordBatch): void {
  const topicName = type === ResourceType.TOPIC ? name : ''
  const topics = topicName === '' ? [...state.image.topics.all()] : [state.image.topics.byName(topicName)]
  const trusting = topics.flatMap((topic) => (topic === undefined ? [] : withElr(topic)))
  const clearing = trusting.filter(({ isr }) => isr.length > 0)
  if (clearing.length === trusting.length) {
    if (clearing.length > 0) out.add('clearElr', { topicName })
    return
  }
  for (const { topicId, partition } of clearing) out.add('partitionChange', { topicId, partitionId: partition, eligibleLeaderReplicas: [] })
}

function withElr({ partitions }: TopicImage): readonly PartitionImage[] {
  return partitions.flatMap((it) => (it === undefined || it.eligibleLeaderReplicas.length === 0 ? [] : [it]))
}

/** What has to be in the metadata before eligible leader replicas can be (ConfigurationControlManager.maybeGenerateElrSafetyRecords). */
export function addMinIsrOfAllBrokers(state: ControllerState, out: RecordBatch): void {
  const { configs } = state.image
  const record = { resourceType: ResourceType.BROKER, name: MIN_ISR }
  if (!configs.ofAllBrokers().has(MIN_ISR)) {
    const value = state.rules.topicValue(MIN_ISR, new Map(), new Map())
    out.add('config', { ...record, resourceName: '', value })
  }
  for (const { type, name } of configs.all()) {
    if (type !== ResourceType.BROKER || name === '' || !configs.of(type, name).has(MIN_ISR)) continue
    out.add('config', { ...record, resourceName: name, value: null })
  }
}
