import type { Uuid } from '../base/units.ts'
import type { TouchKind } from './fetch-sessions.ts'
import type { SessionPartition } from './fetch-session.ts'

/** Which sessions and open fetches cover a partition. */
export class FetchInterest {
  private readonly topics = new Map<Uuid, Map<number, Set<SessionPartition>>>()

  add(partition: SessionPartition): void {
    let ofTopic = this.topics.get(partition.topicId)
    if (ofTopic === undefined) this.topics.set(partition.topicId, (ofTopic = new Map()))
    const interested = ofTopic.get(partition.partition)
    if (interested === undefined) ofTopic.set(partition.partition, new Set([partition]))
    else interested.add(partition)
  }

  remove(partition: SessionPartition): void {
    const ofTopic = this.topics.get(partition.topicId)
    const interested = ofTopic?.get(partition.partition)
    if (ofTopic === undefined || interested === undefined) return
    interested.delete(partition)
    if (interested.size === 0) ofTopic.delete(partition.partition)
    if (ofTopic.size === 0) this.topics.delete(partition.topicId)
  }

  touch(topicId: Uuid, partition: number, kind: TouchKind): void {
    const interested = this.topics.get(topicId)?.get(partition)
    if (interested === undefined) return
    for (const each of interested) each.touched(kind)
  }
}
