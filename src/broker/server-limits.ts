import type { ServerConfig } from '../config/server-config.ts'
import type { ServerLimits } from '../server/limits.ts'

/** The bounds of a broker's listeners, from Kafka's configuration names. */
export function limitsOf(config: ServerConfig): Partial<ServerLimits> {
  return {
    requestBytesMax: config.socketRequestMaxBytes,
    connectionsMax: config.maxConnections,
    connectionsPerIpMax: config.maxConnectionsPerIp,
    connectionsPerIpOverrides: config.maxConnectionsPerIpOverrides,
    idleMsMax: config.connectionsMaxIdleMs,
  }
}
