import { GROUP_VERSION } from '../../../metadata/supported-features.ts'
import type { BrokerContext } from '../context.ts'

/** KafkaApis.isConsumerGroupProtocolEnabled: the configuration has the protocol, and the cluster's `group.version` allows it. */
export function hasConsumerProtocol(broker: BrokerContext): boolean {
  return broker.config.groupCoordinatorRebalanceProtocols.includes('consumer') && broker.image.features.level(GROUP_VERSION) >= 1
}
