import type { Log } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { Ballast } from '../log/ballast/ballast.ts'
import { insisting } from '../log/ballast/ballasted-disk.ts'
import { ControllerWorker } from './controller-worker.ts'
import { exitCodes, StartProblem } from './exit-codes.ts'
import { checkDirectories, type Identities, lockDirectories } from './log-directories.ts'
import { watchLoop } from './loop-watch.ts'
import { makeBroker, type NodePart } from './parts.ts'
import { type SystemPorts, systemPorts } from './ports.ts'

/** An orderly stop that has not come to its end by then is broken off. */
const stopMsMax: Millis = 20_000

/** One node of a cluster in this process, with the roles that its configuration names. */
export class NodeRun {
  private readonly log: Log
  private readonly ports: SystemPorts
  private readonly config: ServerConfig
  private readonly propertiesPath: string
  private readonly onFailed: (error: Error) => void
  private broker: NodePart | null = null
  private controller: NodePart | null = null
  private stopping: Promise<boolean> | null = null

  /** `onFailed`: a part that had started cannot go on. */
  constructor(log: Log, config: ServerConfig, propertiesPath: string, onFailed: (error: Error) => void) {
    this.log = log
    this.ports = systemPorts(log, config.socketListenBacklogSize)
    this.config = config
    this.propertiesPath = propertiesPath
    this.onFailed = onFailed
  }

  /** Resolves when all roles serve. Rejects with StartProblem, NetworkError, DiskError. */
  async start(): Promise<void> {
    const { config, ports } = this
    const identities = checkDirectories(ports.disk, config, this.propertiesPath)
    const ballast = new Ballast(ports, config.metadataLogDir, config.metadataBallastBytes)
    lockDirectories((path) => insisting(ballast, () => ports.disk.lockEarly(path)), config)
    watchLoop(ports, 'main', config.brokerSessionTimeoutMs / 4)
    // Side by side: the broker waits for the cluster's metadata in any case.
    const starting = [this.startController(identities), this.startBroker()]
    try {
      await Promise.all(starting)
    } finally {
      // A part that still starts when another has failed must not fail unheard.
      for (const part of starting) part.catch(() => {})
    }
  }

  /** The broker hands its partitions over while the controller still runs. False: it took too long and was broken off. */
  stop(): Promise<boolean> {
    this.stopping ??= this.stopInOrder()
    return this.stopping
  }

  private async stopInOrder(): Promise<boolean> {
    const late = new Promise<boolean>((resolve) => void setTimeout(() => resolve(false), stopMsMax))
    const orderly = async (): Promise<boolean> => {
      await this.broker?.stop()
      await this.controller?.stop()
      return true
    }
    return Promise.race([orderly(), late])
  }

  private async startController(identities: Identities): Promise<void> {
    const { config } = this
    if (!config.processRoles.includes('controller')) return
    const identity = identities.get(config.metadataLogDir)
    if (identity === undefined) throw new StartProblem(exitCodes.directory, `${config.metadataLogDir} is not formatted.`)
    this.controller = new ControllerWorker(this.log, { config, identity }, this.onFailed)
    await this.controller.start()
  }

  private async startBroker(): Promise<void> {
    const { config } = this
    if (!config.processRoles.includes('broker')) return
    const broker = await makeBroker(this.ports, config, (reason) => this.onFailed(new StartProblem(exitCodes.failed, reason)))
    this.broker = broker
    if (this.stopping === null) await broker.start()
  }
}
