import type { Ports, Timer } from '../../base/ports.ts'
import type { Millis, NodeId, Offset, Uuid } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { BrokerHeartbeatResponse } from '../../protocol/messages/broker-heartbeat.ts'
import type { BrokerRegistrationRequestDraft } from '../../protocol/messages/broker-registration.ts'
import { type ControllerChannel, NoControllerError } from '../controller-channel.ts'

/**
 * A broker's standing with the controller:
 *
 *   starting ── register ──► fenced ── heartbeat says so ──► running ──┐ fenced again after a silence; unfenced once caught up
 *                              ▲                                        │
 *                              └────────────────────────────────────────┘
 *   running or fenced ── stop ──► leaving (leaders are moved away) ── controller agrees, or time is over ──► left
 */
export type LifecycleState = 'starting' | 'fenced' | 'running' | 'leaving' | 'left'

export interface LifecycleOptions {
  readonly brokerId: NodeId
  readonly heartbeatIntervalMs: Millis
  /** After so long without a heartbeat the controller fences the broker. */
  readonly sessionTimeoutMs: Millis
  /** Beyond it a single registration attempt counts as failed, and is made again. */
  readonly requestTimeoutMs: Millis
  /** A start that is not registered within this gives up (`initial.broker.registration.timeout.ms`). */
  readonly registrationTimeoutMs: Millis
  readonly registration: (previousBrokerEpoch: number) => BrokerRegistrationRequestDraft
  /** The last metadata record that this broker has applied. */
  readonly metadataOffset: () => Offset
  readonly offlineLogDirs: () => readonly Uuid[]
  /** The controller has given this broker an epoch: metadata is to be caught up with to there. */
  readonly onRegistered: () => void
}

/** The controller will not have this broker; its message says why and what to do. */
export class RegistrationRefusedError extends Error {
  override readonly name = 'RegistrationRefusedError'
}

/** While another incarnation of this broker is still believed alive, and between attempts in general. */
const registrationRetryMs: Millis = 50
/** While leaders are being moved away, the controller is asked this often whether it is done. */
const leavingPollMs: Millis = 10

/** Heartbeats of a broker that leaves, each with its own time to find a controller; after so many without an answer it goes. */
const unansweredLeavesMax = 2

const fatalRegistrationErrors: Readonly<Partial<Record<number, string>>> = {
  [ErrorCode.INCONSISTENT_CLUSTER_ID]:
    'its log directories belong to another cluster than the controllers. Check log.dirs and controller.quorum.voters',
  [ErrorCode.UNSUPPORTED_VERSION]:
    "the cluster has finalised a feature level that this release does not support. Start the release that did it, lower the level with 'kafka-features downgrade', and come back",
  [ErrorCode.INVALID_REGISTRATION]: 'its log directories are empty, double or reserved. Check log.dirs and their meta.properties',
  [ErrorCode.BROKER_ID_NOT_REGISTERED]: 'its id is not accepted. Check node.id',
}

export class BrokerLifecycle {
  state: LifecycleState = 'starting'
  /** Of the newest registration; -1 before the first. */
  brokerEpoch = -1
  private readonly ports: Ports
  private readonly channel: ControllerChannel
  private readonly options: LifecycleOptions
  private timer: Timer | null = null
  /** When the last heartbeat was sent that the controller answered without a fence. */
  private heardOfSince: Millis = -Infinity
  private inFlight = false
  private again = false
  private unansweredLeaves = 0
  private onRunning: (() => void) | null = null
  private onMayLeave: (() => void) | null = null

  constructor(ports: Ports, channel: ControllerChannel, options: LifecycleOptions) {
    this.ports = ports
    this.channel = channel
    this.options = options
  }

  /** Registers, then heartbeats until `stop`. Resolves when the controller has unfenced this broker. @throws RegistrationRefusedError */
  async start(previousBrokerEpoch: number): Promise<void> {
    await this.register(previousBrokerEpoch, this.ports.clock.mono() + this.options.registrationTimeoutMs)
    const running = new Promise<void>((resolve) => {
      this.onRunning = resolve
    })
    this.beat()
    await running
  }

  /**
   * More metadata has been applied. A fenced broker that waits to be caught up says so at once, and so does any broker while another one is
   * leaving: the controller lets that one go when all others know of it.
   */
  onMetadataApplied(someoneLeaves: boolean): void {
    if (this.state === 'fenced' || (this.state === 'running' && someoneLeaves)) this.beat()
  }

  /** A log directory has failed: the controller is told with the next heartbeat, which goes now. */
  onDirectoryFailed(): void {
    this.beat()
  }

  /** Asks to leave; resolves when the controller has moved leadership away, or after `timeoutMs`. */
  async leave(timeoutMs: Millis): Promise<void> {
    if (this.state === 'starting' || this.state === 'left') return
    this.state = 'leaving'
    await new Promise<void>((resolve) => {
      const timer = this.ports.clock.after(timeoutMs, () => {
        this.ports.log.write(
          'warn',
          'shutdown-unanswered',
          `no controller has let this broker go within ${timeoutMs} ms; it stops all the same`,
        )
        resolve()
      })
      this.onMayLeave = () => {
        timer.cancel()
        resolve()
      }
      this.beat()
    })
  }

  stop(): void {
    this.state = 'left'
    this.timer?.cancel()
    this.timer = null
  }

  private async register(previousBrokerEpoch: number, deadline: Millis): Promise<void> {
    for (let told = false; ; told = true) {
      const error = await this.tryToRegister(previousBrokerEpoch)
      if (error === null || this.state === 'left') return
      const fatal = fatalRegistrationErrors[error]
      if (fatal !== undefined)
        throw new RegistrationRefusedError(`The controller refuses broker ${this.options.brokerId} (${errorName(error)}): ${fatal}.`)
      if (this.ports.clock.mono() >= deadline) {
        throw new RegistrationRefusedError(
          `Broker ${this.options.brokerId} could not register in time (last answer: ${errorName(error)}). Are a majority of the controllers in controller.quorum.voters up?`,
        )
      }
      if (!told) this.ports.log.write('info', 'registration-waits', `not registered yet: ${errorName(error)}`)
      await new Promise<void>((resolve) => void this.ports.clock.after(registrationRetryMs, resolve))
    }
  }

  private async tryToRegister(previousBrokerEpoch: number): Promise<number | null> {
    try {
      const response = await this.channel.request(
        apis.brokerRegistration,
        apis.brokerRegistration.versionMax,
        this.options.registration(previousBrokerEpoch),
        { timeoutMs: this.options.requestTimeoutMs, errorOf: (it) => it.errorCode },
      )
      if (response.errorCode !== ErrorCode.NONE) return response.errorCode
      this.brokerEpoch = response.brokerEpoch
      if (this.state !== 'leaving' && this.state !== 'left') this.state = 'fenced'
      this.options.onRegistered()
      return null
    } catch (error) {
      if (error instanceof NoControllerError) return ErrorCode.NOT_CONTROLLER
      throw error
    }
  }

  /** Sends a heartbeat now, or right after the one on its way. */
  private beat(): void {
    if (this.state === 'left' || this.state === 'starting') return
    if (this.inFlight) {
      this.again = true
      return
    }
    this.timer?.cancel()
    this.timer = null
    this.inFlight = true
    void this.exchange().finally(() => {
      this.inFlight = false
      if (this.again) {
        this.again = false
        this.beat()
      } else this.beatLater()
    })
  }

  private beatLater(): void {
    if (this.state === 'left' || this.timer !== null) return
    const pause = this.state === 'leaving' ? leavingPollMs : this.options.heartbeatIntervalMs
    this.timer = this.ports.clock.after(pause, () => {
      this.timer = null
      this.beat()
    })
  }

  /**
   * Until when no controller can have fenced this broker for its silence, so that nobody else leads what it leads; reads of a coordinator rest on it.
   * A broker that stood still for longer sees that here before it sees anything else.
   */
  get leaseUntil(): Millis {
    return this.heardOfSince + this.options.sessionTimeoutMs
  }

  private async exchange(): Promise<void> {
    const { options } = this
    const sentAt = this.ports.clock.mono()
    try {
      const response = await this.channel.request(
        apis.brokerHeartbeat,
        apis.brokerHeartbeat.versionMax,
        {
          brokerId: options.brokerId,
          brokerEpoch: this.brokerEpoch,
          currentMetadataOffset: options.metadataOffset(),
          wantFence: false,
          wantShutDown: this.state === 'leaving',
          offlineLogDirs: options.offlineLogDirs(),
        },
        { timeoutMs: options.requestTimeoutMs, errorOf: (it) => it.errorCode },
      )
      if (response.errorCode === ErrorCode.NONE) this.heardOfSince = response.isFenced ? -Infinity : sentAt
      await this.digest(response)
    } catch (error) {
      if (!(error instanceof NoControllerError)) throw error
      if (this.state === 'leaving') return this.onUnansweredLeave()
      this.ports.log.write('warn', 'heartbeat-unanswered', `no controller answers heartbeats: ${error.message}`)
    }
  }

  /** Where all nodes stop together there may be no controller left to let this one go: nobody takes its partitions over then. */
  private onUnansweredLeave(): void {
    this.unansweredLeaves += 1
    if (this.unansweredLeaves < unansweredLeavesMax) return
    this.ports.log.write('info', 'shutdown-alone', 'no controller answers any more: stopping without a hand-over')
    this.onMayLeave?.()
  }

  private async digest(response: BrokerHeartbeatResponse): Promise<void> {
    if (this.state === 'left') return
    switch (response.errorCode) {
      case ErrorCode.NONE:
        return this.obey(response)
      case ErrorCode.STALE_BROKER_EPOCH:
      case ErrorCode.BROKER_ID_NOT_REGISTERED: {
        this.ports.log.write(
          'warn',
          'registration-lost',
          `the controller does not know broker epoch ${this.brokerEpoch}: registering again`,
        )
        const error = await this.tryToRegister(this.brokerEpoch)
        if (error === null) this.again = true
        return
      }
      default:
        this.ports.log.write('warn', 'heartbeat-refused', `heartbeat: ${errorName(response.errorCode)}`)
    }
  }

  private obey(response: BrokerHeartbeatResponse): void {
    if (this.state === 'leaving') {
      if (response.shouldShutDown) this.onMayLeave?.()
      return
    }
    if (response.isFenced) {
      if (this.state === 'running')
        this.ports.log.write('warn', 'broker-was-fenced', 'fenced by the controller; leads nothing until it has caught up')
      this.state = 'fenced'
      return
    }
    this.state = 'running'
    this.onRunning?.()
    this.onRunning = null
  }
}
