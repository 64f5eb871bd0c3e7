import type { Millis } from '../../../base/units.ts'
import { Admin } from './admin.ts'
import { ClassicMembership } from './classic-member.ts'
import type { CampaignClient, ClientWorld } from './client.ts'
import { ConsumerMembership } from './consumer-member.ts'
import { GroupMember } from './group-member.ts'
import type { CampaignOptions } from '../options.ts'
import { Producer } from './producer.ts'
import { Reader } from './reader.ts'

const classicHeartbeatMs: Millis = 300
const consumerHeartbeatMs: Millis = 400

/** All clients of a seed. */
export class Population {
  readonly all: readonly CampaignClient[]
  private readonly producers: readonly Producer[]
  private readonly members: readonly GroupMember[]
  private readonly of: ClientWorld
  private running: Promise<unknown> = Promise.resolve()

  constructor(options: CampaignOptions, of: ClientWorld) {
    this.of = of
    this.producers = several(options.producers, (name) => new Producer(`producer ${name}`, of))
    const readers = several(options.readers, (name) => new Reader(`reader ${name}`, of))
    const classic = several(
      options.classicMembers,
      (name) => new GroupMember(`classic ${name}`, 'classics', classicHeartbeatMs, of, (host) => new ClassicMembership(host)),
    )
    const consumers = several(
      options.consumerMembers,
      (name) => new GroupMember(`consumer ${name}`, 'consumers', consumerHeartbeatMs, of, (host) => new ConsumerMembership(host)),
    )
    this.members = [...classic, ...consumers]
    const admins = options.hasAdmin ? [new Admin(of, options.replicationFactor)] : []
    this.all = [...this.producers, ...readers, ...this.members, ...admins]
  }

  start(): void {
    this.running = Promise.all(this.all.map((it) => it.run()))
  }

  /** Nothing is changed by an operator any more, and no member of a group dies. */
  settle(): void {
    for (const client of this.all) if (client instanceof Admin) client.stop()
    for (const member of this.members) member.isSettled = true
  }

  /** Resolves when all have ended what they did. */
  async stop(): Promise<void> {
    for (const client of this.all) client.stop()
    await this.running
  }

  get acknowledged(): number {
    return this.producers.reduce((sum, it) => sum + it.acknowledged, 0)
  }

  /** G-6: what keeps groups from being settled; empty when each partition has one owner in each group. */
  obstacles(): readonly string[] {
    const groups = new Set(this.members.map((it) => it.groupId))
    return [...groups].flatMap((groupId) => this.obstaclesOf(groupId))
  }

  private obstaclesOf(groupId: string): readonly string[] {
    const members = this.members.filter((it) => it.groupId === groupId)
    const unsettled = members.filter((it) => it.stable === null)
    if (unsettled.length > 0) return unsettled.map((it) => `group ${groupId}: ${it.describe()}`)
    const owned = members.flatMap((it) => [...(it.stable ?? [])])
    const all = Array.from({ length: this.of.partitions }, (_unused, partition) => partition)
    const wrong = all.filter((partition) => owned.filter((it) => it === partition).length !== 1)
    if (wrong.length === 0) return []
    const told = members.map((it) => it.describe()).join('; ')
    return [`group ${groupId}: partition ${wrong.join(', ')} has no owner or more than one: ${told}`]
  }
}

function several<T>(count: number, make: (name: string) => T): readonly T[] {
  return Array.from({ length: count }, (_unused, at) => make(String(at + 1)))
}

/** Where clients stand on the network; there may be fewer of them. */
export function placesOf(options: CampaignOptions): readonly string[] {
  return [
    ...several(options.producers, (name) => `producer ${name}`),
    ...several(options.readers, (name) => `reader ${name}`),
    ...several(options.classicMembers, (name) => `classic ${name}`),
    ...several(options.consumerMembers, (name) => `consumer ${name}`),
    ...(options.hasAdmin ? ['admin'] : []),
  ]
}
