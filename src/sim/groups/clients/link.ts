import type { Millis, NodeId } from '../../../base/units.ts'
import type { ApiCommand, GroupApi, GroupReply } from '../../../groups/commands.ts'
import { apis } from '../../../protocol/apis.ts'
import { decode, encode } from '../../../protocol/codec.ts'
import type { Draft, Message, Schema } from '../../../protocol/schema.ts'
import type { SimulatedBroker } from '../broker.ts'
import type { Channel } from '../channel.ts'
import type { Actor, Scheduler } from '../scheduler.ts'

export type Request<K extends GroupApi> = Draft<(typeof apis)[K]['request']>
export type Response<K extends GroupApi> = Message<(typeof apis)[K]['response']>

/** What a link needs of its surroundings. */
export interface LinkWorld {
  readonly scheduler: Scheduler
  readonly channel: Channel
  readonly brokers: readonly SimulatedBroker[]
  readonly requestTimeoutMs: Millis
}

export interface Asking<K extends GroupApi> {
  readonly api: K
  readonly version: number
  readonly request: Request<K>
  readonly timeoutMs?: Millis
  readonly onCopy?: (copy: number) => void
}

/** An answer; or null: nobody knows what came of the request. */
export interface Answer<K extends GroupApi> {
  readonly response: Response<K>
  readonly copy: number
  readonly deposedAt: Millis | null
}

const findMs: Millis = 20
const backoffMinMs: Millis = 30
const backoffMaxMs: Millis = 120

/** How a client reaches the coordinator of its group: it asks some broker who that is, believes it, and asks again when that proves wrong. */
export class Link {
  readonly actor: Actor
  private readonly partition: number
  private readonly world: LinkWorld
  private coordinator: NodeId | null = null

  constructor(actor: Actor, partition: number, world: LinkWorld) {
    this.actor = actor
    this.partition = partition
    this.world = world
  }

  /** The next call asks who coordinates. */
  forget(): void {
    this.coordinator = null
  }

  /** Only in this life of the client, and not while it stands still. */
  after(delay: Millis, run: () => void): void {
    this.world.scheduler.afterFor(this.actor, delay, run)
  }

  backoff(run: () => void): void {
    this.after(this.world.scheduler.between(backoffMinMs, backoffMaxMs), run)
  }

  call<K extends GroupApi>(asking: Asking<K>, then: (answer: Answer<K> | null) => void): void {
    const to = this.world.brokers.find(({ id }) => id === this.coordinator)
    if (to === undefined) return this.find(() => this.call(asking, then))
    const command = commandOf(this.actor.name, asking)
    this.world.channel.send({
      from: this.actor,
      to,
      partition: this.partition,
      command,
      timeoutMs: asking.timeoutMs ?? this.world.requestTimeoutMs,
      onCopy: (copy) => asking.onCopy?.(copy),
      onOutcome: (outcome) => {
        if (outcome.kind === 'lost') {
          this.forget()
          return then(null)
        }
        const { served, copy } = outcome
        then({ response: responseOf(asking.api, asking.version, served.reply), copy, deposedAt: served.deposedAt })
      },
    })
  }

  private find(then: () => void): void {
    const { scheduler, brokers } = this.world
    const asked = scheduler.random.pick(brokers)
    this.after(scheduler.between(1, findMs), () => {
      this.coordinator = asked.actor.isUp ? asked.leaderOf(this.partition) : null
      if (this.coordinator === null) this.backoff(then)
      else then()
    })
  }
}

/** Through bytes, as over a network: what the version cannot say is not said. */
function commandOf<K extends GroupApi>(clientId: string, { api, version, request }: Asking<K>): ApiCommand {
  const schema: Schema = apis[api].request
  const decoded = decode(schema, version, encode(schema, version, request))
  return { api, request: decoded, context: { version, clientId, clientHost: '/sim' } } as unknown as ApiCommand
}

function responseOf<K extends GroupApi>(api: K, version: number, reply: GroupReply): Response<K> {
  const schema: Schema = apis[api].response
  return decode(schema, version, encode(schema, version, (reply.response ?? {}) as Draft<Schema>)) as Response<K>
}
