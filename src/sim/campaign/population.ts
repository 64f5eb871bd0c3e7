import type { CampaignClient, ClientWorld } from './client.ts'
import type { CampaignOptions } from './options.ts'
import { Producer } from './producer.ts'
import { Reader } from './reader.ts'

/** All clients of a seed. */
export class Population {
  readonly producers: readonly Producer[]
  readonly all: readonly CampaignClient[]
  private running: Promise<unknown> = Promise.resolve()

  constructor(options: CampaignOptions, of: ClientWorld) {
    this.producers = several(options.producers, (at) => new Producer(`producer ${at}`, of))
    const readers = several(options.readers, (at) => new Reader(`reader ${at}`, of))
    this.all = [...this.producers, ...readers]
  }

  start(): void {
    this.running = Promise.all(this.all.map((it) => it.run()))
  }

  /** Resolves when all have ended what they did. */
  async stop(): Promise<void> {
    for (const client of this.all) client.stop()
    await this.running
  }

  get acknowledged(): number {
    return this.producers.reduce((sum, it) => sum + it.acknowledged, 0)
  }
}

function several<T>(count: number, make: (at: number) => T): readonly T[] {
  return Array.from({ length: count }, (_unused, at) => make(at + 1))
}

/** Where clients stand, before there are any. */
export function placesOf(options: CampaignOptions): readonly string[] {
  return [...several(options.producers, (at) => `producer ${at}`), ...several(options.readers, (at) => `reader ${at}`)]
}
