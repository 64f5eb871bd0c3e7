import type { Prng } from '../../../base/prng.ts'
import { type Millis, partitionName } from '../../../base/units.ts'
import { type CampaignClient, type ClientWorld, pauseOf, prngOf, reasonOf } from './client.ts'

const batchMax = 3
const patienceMs: Millis = 8_000
const pauseMsMax: Millis = 40
/** A silence that a person would notice. */
const silenceMs: Millis = 500

/** Sends batches of values that are never sent again to all partitions, idempotently and with acks=all, one batch at a time for each. */
export class Producer implements CampaignClient {
  readonly name: string
  readonly place: string
  acknowledged = 0
  private readonly of: ClientWorld
  private isStopped = false

  constructor(name: string, of: ClientWorld) {
    this.name = name
    this.place = name
    this.of = of
  }

  async run(): Promise<void> {
    const all = Array.from({ length: this.of.partitions }, (_unused, partition) => this.produceTo(partition))
    await Promise.all(all)
  }

  stop(): void {
    this.isStopped = true
  }

  private async produceTo(partition: number): Promise<void> {
    const process = `${this.name}/${partition}`
    const { world, seed } = this.of
    const prng = prngOf(seed, process)
    const client = world.client(process, this.place)
    for (let n = 0; !this.isStopped;) {
      const values = Array.from({ length: prng.between(1, batchMax) }, () => `${process}-${n++}`)
      await this.send(process, partition, values, (records) =>
        client.produce({ topic: this.of.topic, partition }, records, { timeoutMs: patienceMs }),
      )
      await this.pause(prng)
    }
    client.close()
  }

  private async send(
    process: string,
    partition: number,
    values: readonly string[],
    produce: (records: readonly { readonly value: Buffer }[]) => Promise<number>,
  ): Promise<void> {
    const { recorder, world, topic, story } = this.of
    const key = partitionName(topic, partition)
    const begin = world.clock.mono()
    const id = recorder.invoke(process, { f: 'send', sends: values.map((value) => ({ key, value })) }, begin)
    const tell = (what: string): void => {
      const took = world.clock.mono() - begin
      if (took >= silenceMs) story.tell('client', `${this.name}: ${key} ${what} after ${took.toFixed(0)} ms`)
    }
    try {
      const offset = await produce(values.map((value) => ({ value: Buffer.from(value) })))
      this.acknowledged += values.length
      tell('acknowledges')
      // Asked again for what it had, a broker may not know where it was
      const offsets = values.map((_unused, at) => (offset < 0 ? null : offset + at))
      recorder.ok(id, world.clock.mono(), { offsets })
    } catch (error) {
      tell('has not answered')
      recorder.info(id, world.clock.mono(), reasonOf(error))
    }
  }

  private pause(prng: Prng): Promise<void> {
    return pauseOf(this.of.world, prng.between(1, pauseMsMax))
  }
}
