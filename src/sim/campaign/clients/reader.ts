import { type Millis, type Offset, partitionName } from '../../../base/units.ts'
import type { ClusterClient } from '../../../client/cluster-client.ts'
import { type CampaignClient, type ClientWorld, pauseOf, prngOf, reasonOf } from './client.ts'

const patienceMs: Millis = 3_000
const waitMs: Millis = 60
const pauseMsMax: Millis = 120
const beginsAnewChance = 0.02

/**
 * Has all partitions of the topic assigned, and reads on from where it was; now and then one from its beginning again, for what is old comes from the
 * files of whoever leads by then.
 */
export class Reader implements CampaignClient {
  readonly name: string
  readonly place: string
  private readonly of: ClientWorld
  private isStopped = false

  constructor(name: string, of: ClientWorld) {
    this.name = name
    this.place = name
    this.of = of
  }

  async run(): Promise<void> {
    const { world, recorder, partitions, topic, seed } = this.of
    const prng = prngOf(seed, this.name)
    const client = world.client(this.name, this.place)
    const positions = new Map<number, Offset>(Array.from({ length: partitions }, (_unused, partition) => [partition, 0]))
    const keys = [...positions.keys()].map((partition) => partitionName(topic, partition))
    recorder.ok(recorder.invoke(this.name, { f: 'assign', keys }, world.clock.mono()), world.clock.mono())
    while (!this.isStopped) {
      const partition = prng.below(partitions)
      if (prng.chance(beginsAnewChance)) this.beginAnew(partition, positions)
      await this.poll(client, partition, positions)
      await pauseOf(world, prng.between(1, pauseMsMax))
    }
    client.close()
  }

  stop(): void {
    this.isStopped = true
  }

  private beginAnew(partition: number, positions: Map<number, Offset>): void {
    const { recorder, world, topic } = this.of
    const at = [{ key: partitionName(topic, partition), offset: 0 }]
    recorder.ok(recorder.invoke(this.name, { f: 'seek', positions: at }, world.clock.mono()), world.clock.mono())
    positions.set(partition, 0)
  }

  private async poll(client: ClusterClient, partition: number, positions: Map<number, Offset>): Promise<void> {
    const { recorder, world, topic } = this.of
    const key = partitionName(topic, partition)
    const id = recorder.invoke(this.name, { f: 'poll' }, world.clock.mono())
    try {
      const from = positions.get(partition) ?? 0
      const { records } = await client.fetch({ topic, partition }, from, { timeoutMs: patienceMs, maxWaitMs: waitMs })
      const polls = records.map((it) => ({ key, value: it.value?.toString() ?? '', offset: it.offset }))
      const last = polls.at(-1)
      if (last !== undefined) positions.set(partition, last.offset + 1)
      recorder.ok(id, world.clock.mono(), { polls })
    } catch (error) {
      recorder.info(id, world.clock.mono(), reasonOf(error))
    }
  }
}

/** When all is quiet: a new client reads all there is, from the beginning. @throws ApiError, PeerError when something cannot be read */
export async function drain(of: ClientWorld, name: string): Promise<number> {
  const { world, recorder, topic, partitions } = of
  const client = world.client(name, name)
  const all = Array.from({ length: partitions }, (_unused, partition) => partition)
  const keys = all.map((partition) => partitionName(topic, partition))
  const bracket = recorder.invoke(name, { f: 'drain', keys }, world.clock.mono())
  const ends: { readonly key: string; readonly offset: Offset }[] = []
  for (const partition of all) {
    const key = partitionName(topic, partition)
    const end = await client.listOffset({ topic, partition }, -1, { timeoutMs: 20_000 })
    for (let from = 0; from < end;) {
      const id = recorder.invoke(name, { f: 'poll' }, world.clock.mono())
      const { records } = await client.fetch({ topic, partition }, from, { timeoutMs: 20_000, maxWaitMs: 100 })
      const polls = records.map((it) => ({ key, value: it.value?.toString() ?? '', offset: it.offset }))
      recorder.ok(id, world.clock.mono(), { polls })
      from = Math.max(from, (polls.at(-1)?.offset ?? from - 1) + 1)
    }
    ends.push({ key, offset: end })
  }
  recorder.ok(bracket, world.clock.mono(), { positions: ends })
  client.close()
  return ends.reduce((sum, it) => sum + it.offset, 0)
}
