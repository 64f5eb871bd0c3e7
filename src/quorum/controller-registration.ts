import type { Ports, Timer } from '../base/ports.ts'
import type { Millis, Uuid } from '../base/units.ts'
import { Peer, PeerError } from '../client/peer.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { supportedFeatures } from '../metadata/supported-features.ts'
import { apis } from '../protocol/apis.ts'
import { ErrorCode, errorName } from '../protocol/errors.ts'
import type { QuorumEndpoint, QuorumLeader } from './metadata-quorum.ts'

const retryMs: Millis = 200
const requestTimeoutMs: Millis = 2_000

/** Tells the active controller of this controller: its endpoints and features (KIP-919). Goes on until the metadata names this incarnation. */
export class ControllerRegistration {
  private readonly ports: Ports
  private readonly config: ServerConfig
  private readonly incarnationId: Uuid
  private readonly known: { leader(): QuorumLeader; image(): ClusterImage }
  private peer: Peer | null = null
  private timer: Timer | null = null
  private sending = false
  private running = false

  constructor(ports: Ports, config: ServerConfig, known: { leader(): QuorumLeader; image(): ClusterImage }) {
    this.ports = ports
    this.config = config
    this.known = known
    this.incarnationId = ports.entropy.uuid()
  }

  start(): void {
    this.running = true
    void this.attempt()
  }

  onLeaderChange(leader: QuorumLeader): void {
    if (leader.endpoint !== null) void this.attempt()
  }

  stop(): void {
    this.running = false
    this.timer?.cancel()
    this.peer?.close()
  }

  private get isDone(): boolean {
    return this.known.image().controllers.byId(this.config.nodeId)?.incarnationId === this.incarnationId
  }

  private async attempt(): Promise<void> {
    const { endpoint } = this.known.leader()
    if (!this.running || this.sending || this.isDone) return
    if (endpoint !== null) {
      this.sending = true
      await this.send(endpoint)
      this.sending = false
    }
    this.timer?.cancel()
    if (this.running && !this.isDone) this.timer = this.ports.clock.after(retryMs, () => void this.attempt())
  }

  private async send(endpoint: QuorumEndpoint): Promise<void> {
    if (this.peer === null || this.peer.host !== endpoint.host || this.peer.port !== endpoint.port) {
      this.peer?.close()
      this.peer = new Peer(this.ports, { ...endpoint, clientId: `controller-${this.config.nodeId}-registration` })
    }
    try {
      const { errorCode, errorMessage } = await this.peer.request(apis.controllerRegistration, 0, this.draft(), {
        timeoutMs: requestTimeoutMs,
      })
      if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.NOT_CONTROLLER) {
        this.ports.log.write('warn', 'controller-registration', `controller registration: ${errorMessage ?? errorName(errorCode)}`)
      }
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
    } finally {
      if (this.isDone) {
        this.peer?.close()
        this.peer = null
      }
    }
  }

  private draft() {
    return {
      controllerId: this.config.nodeId,
      incarnationId: this.incarnationId,
      zkMigrationReady: false,
      listeners: this.config.controllerAdvertisedListeners.map((it) => ({
        name: it.name,
        host: it.host,
        port: it.port,
        securityProtocol: 0,
      })),
      features: supportedFeatures.map((it) => ({ name: it.name, minSupportedVersion: it.min, maxSupportedVersion: it.max })),
    }
  }
}
