import type { ServerConfig } from '../../config/server-config.ts'
import { isActive } from '../../metadata/brokers-image.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import { supportedFeatures } from '../../metadata/supported-features.ts'
import type { Timestamp } from '../../base/units.ts'
import type { BrokerView } from '../../replication/partition-replica.ts'
import type { AliveBroker } from '../../znodes/registration.ts'

/** Of SecurityProtocol's ids: PLAINTEXT is the only one that is served. */
const plaintextId = 0

/** What a broker says of itself when it registers with the controller. */
export function registrationOf(config: ServerConfig) {
  return {
    listeners: config.advertisedListeners.map(({ name, host, port }) => ({ name, host, port, securityProtocol: plaintextId })),
    features: features(),
    rack: config.brokerRack,
  }
}

/** What it says of itself beside the metadata log. */
export function aliveBroker(config: ServerConfig, timestamp: Timestamp): AliveBroker {
  const listeners = config.advertisedListeners.map(({ name, host, port, protocol }) => ({ name, host, port, securityProtocol: protocol }))
  return { listeners, rack: config.brokerRack, features: features(), timestamp }
}

function features() {
  return supportedFeatures
    .filter((it) => it.max > 0)
    .map((it) => ({ name: it.name, minSupportedVersion: it.min, maxSupportedVersion: it.max }))
}

/** What the metadata says of brokers; of this one its own word counts, which may be newer. */
export function brokerView(brokerId: number, image: () => ClusterImage, ownEpoch: () => number): BrokerView {
  return {
    isEligibleForIsr: (id, epoch) => {
      const broker = image().brokers.byId(id)
      return isActive(broker) && (epoch === -1 || broker?.epoch === epoch)
    },
    brokerEpoch: (id) => (id === brokerId ? ownEpoch() : (image().brokers.byId(id)?.epoch ?? -1)),
  }
}
