import type { Prng } from '../../base/prng.ts'
import type { Uuid } from '../../base/units.ts'
import type { GroupTopic, GroupTopics } from '../../groups/state.ts'
import { type PartitionKey, partitionKey, splitKey } from './shadow.ts'

export interface SimulatedTopic {
  readonly name: string
  readonly id: Uuid
  readonly partitionCount: number
}

const noRacks: readonly string[] = []

/** The topics as one broker knows them, or as they are: the news come to each broker in its own time, in order. */
export class TopicsView implements GroupTopics {
  private byNames: ReadonlyMap<string, SimulatedTopic> = new Map()
  private version = 0

  /** Returns the names of what has changed; nothing when this is old news. */
  learn(version: number, topics: ReadonlyMap<string, SimulatedTopic>): ReadonlySet<string> {
    const changed = new Set<string>()
    if (version <= this.version) return changed
    for (const name of new Set([...this.byNames.keys(), ...topics.keys()])) {
      const [before, after] = [this.byNames.get(name), topics.get(name)]
      if (before?.id !== after?.id || before?.partitionCount !== after?.partitionCount) changed.add(name)
    }
    this.version = version
    this.byNames = topics
    return changed
  }

  byName(name: string): GroupTopic | undefined {
    return asGroupTopic(this.byNames.get(name))
  }

  byId(id: Uuid): GroupTopic | undefined {
    for (const topic of this.byNames.values()) if (topic.id === id) return asGroupTopic(topic)
    return undefined
  }

  names(): Iterable<string> {
    return this.byNames.keys()
  }
}

function asGroupTopic(topic: SimulatedTopic | undefined): GroupTopic | undefined {
  return topic === undefined ? undefined : { ...topic, racks: () => noRacks }
}

/** The topics as the controller has them: made, grown and deleted, and made again under the same name with another id. */
export class SimulatedTopics {
  private topics: ReadonlyMap<string, SimulatedTopic> = new Map()
  version = 0
  /** Topics that are not there any more count, too: records and assignments may still name them. */
  private readonly namesById = new Map<Uuid, string>()
  private readonly random: Prng

  constructor(random: Prng) {
    this.random = random
  }

  get current(): ReadonlyMap<string, SimulatedTopic> {
    return this.topics
  }

  /** Also of a topic that has been deleted. */
  nameOf(id: Uuid): string | undefined {
    return this.namesById.get(id)
  }

  /** A partition named by its topic's name, as it is named by its topic's id now; null when the topic is not there. */
  byId(key: PartitionKey): PartitionKey | null {
    const { topic, partition } = splitKey(key)
    const id = this.topics.get(topic)?.id
    return id === undefined ? null : partitionKey(id, partition)
  }

  /** A partition named by the id of a topic that is there or has been. */
  byName(key: PartitionKey): PartitionKey {
    const { topic, partition } = splitKey(key)
    return partitionKey(this.namesById.get(topic) ?? topic, partition)
  }

  create(name: string, partitionCount: number): void {
    const topic = { name, id: this.random.uuid(), partitionCount }
    this.namesById.set(topic.id, name)
    this.change((topics) => topics.set(name, topic))
  }

  grow(name: string, partitionCount: number): void {
    const topic = this.topics.get(name)
    if (topic !== undefined && topic.partitionCount < partitionCount)
      this.change((topics) => topics.set(name, { ...topic, partitionCount }))
  }

  remove(name: string): void {
    this.change((topics) => topics.delete(name))
  }

  private change(apply: (topics: Map<string, SimulatedTopic>) => void): void {
    const topics = new Map(this.topics)
    apply(topics)
    this.topics = topics
    this.version += 1
  }
}
