import type { Ports } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'

export type ZooKeeperPorts = Pick<Ports, 'clock' | 'entropy' | 'network'>

export interface ZooKeeperOptions {
  /** `zookeeper.connect`: `host:port,host:port/chroot`. The chroot is made when it is not there. */
  readonly connect: string
  /** `zookeeper.session.timeout.ms`: asked for; the ensemble may grant another. */
  readonly sessionTimeoutMs: Millis
  /**
   * `user:password` of the scheme `digest`. What is made then belongs to that user and can be read by all, as with Kafka's
   * `zookeeper.set.acl=true`; without it anyone may do anything with it.
   */
  readonly digest?: string
  /** Of paths below the chroot: with a digest, nodes that only that user may read (Kafka's ZkData.SensitiveRootPaths). None when left out. */
  readonly isSensitive?: (path: string) => boolean
  /** `zookeeper.ssl.client.enable`: refused, as there is no TLS below the connections. */
  readonly tls?: boolean
  /** `jute.maxbuffer` of the servers, which drop who sends more: a longer request is refused here (`badArguments`). 1,048,575 when left out. */
  readonly requestBytesMax?: number
  /** A longer answer counts as malformed. 64 MiB when left out: a server does not bound its lists of children. */
  readonly answerBytesMax?: number
  /** Requests without an answer, those that wait for a connection included; more are refused (`systemError`). 100,000 when left out. */
  readonly requestsWaitingMax?: number
}

export const requestBytesMax = 0xf_ffff
export const answerBytesMax = 64 * 1024 * 1024
export const requestsWaitingMax = 100_000
