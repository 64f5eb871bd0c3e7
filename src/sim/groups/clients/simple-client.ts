import type { Link } from './link.ts'
import { type MemberWorld, nobody } from './member.ts'
import { OffsetsClient } from './offsets-client.ts'
import { type PartitionKey, partitionKey, splitKey } from '../shadow.ts'

/**
 * Keeps offsets in a group without joining it: it commits with no generation, reads, and deletes now and then. In groups that have members it is
 * turned away.
 */
export class SimpleClient {
  readonly groupId: string
  readonly link: Link
  private readonly world: MemberWorld
  private readonly offsets: OffsetsClient

  constructor(groupId: string, link: Link, world: MemberWorld) {
    this.groupId = groupId
    this.link = link
    this.world = world
    this.offsets = new OffsetsClient(groupId, link, world)
  }

  start(): void {
    this.actSometimes()
  }

  private actSometimes(): void {
    const { options, scheduler } = this.world
    this.link.after(scheduler.between(0.5, 1.5) * options.commitEveryMs, () => {
      if (!this.world.isQuiet) this.act()
      this.actSometimes()
    })
  }

  private act(): void {
    const { random } = this.world.scheduler
    const keys = this.some()
    if (keys.length === 0) return
    if (random.chance(0.5))
      return this.offsets.fetch(
        keys,
        nobody,
        () => false,
        () => {},
      )
    if (random.chance(0.04)) return this.deleteOffsets(keys)
    if (random.chance(0.02)) return this.deleteGroup()
    this.offsets.commit(keys, nobody, () => {})
  }

  private some(): PartitionKey[] {
    const { random } = this.world.scheduler
    const keys: PartitionKey[] = []
    for (const { id, partitionCount } of this.world.topics.current.values())
      for (let partition = 0; partition < partitionCount; partition += 1) if (random.chance(0.4)) keys.push(partitionKey(id, partition))
    return keys
  }

  private deleteOffsets(keys: readonly PartitionKey[]): void {
    const names = keys.map((key) => this.world.topics.byName(key))
    const topics = names.map((key) => {
      const { topic, partition } = splitKey(key)
      return { name: topic, partitions: [{ partitionIndex: partition }] }
    })
    this.world.scheduler.tell(`${this.link.actor.name} deletes offsets of ${this.groupId}: [${names.join(' ')}]`)
    this.link.call({ api: 'offsetDelete', version: 0, request: { groupId: this.groupId, topics } }, () => {})
  }

  private deleteGroup(): void {
    this.world.scheduler.tell(`${this.link.actor.name} deletes ${this.groupId}`)
    this.link.call({ api: 'deleteGroups', version: 2, request: { groupsNames: [this.groupId] } }, () => {})
  }
}
