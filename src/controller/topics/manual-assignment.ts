import type { NodeId } from '../../base/units.ts'
import type { ControllerState } from '../state.ts'

/** What is wrong with replicas that somebody chose, in Kafka's words (ReplicationControlManager.validateManualPartitionAssignment). */
export function manualAssignmentProblem(
  state: ControllerState,
  brokers: readonly NodeId[],
  replicationFactor: number | null,
): string | null {
  if (brokers.length === 0) return 'The manual partition assignment includes an empty replica list.'
  const seen = new Set<NodeId>()
  for (const broker of brokers) {
    if (state.image.brokers.byId(broker) === undefined) {
      return `The manual partition assignment includes broker ${broker}, but no such broker is registered.`
    }
    if (seen.has(broker)) return `The manual partition assignment includes the broker ${broker} more than once.`
    seen.add(broker)
  }
  if (replicationFactor === null || brokers.length === replicationFactor) return null
  return (
    `The manual partition assignment includes a partition with ${brokers.length} replica(s), but this is not consistent with previous ` +
    `partitions, which have ${replicationFactor} replica(s).`
  )
}
