import type { Timestamp, TopicPartition } from '../base/units.ts'

const topicNameMax = 249

/** Kafka's rule for topic names (org.apache.kafka.common.internals.Topic), without which a name must not become a path. */
export function safeTopicName(name: string): boolean {
  return name !== '.' && name !== '..' && name.length <= topicNameMax && /^[A-Za-z0-9._-]+$/.test(name)
}

/** The partition that a directory's name speaks of; null for any other name. */
export function parsePartitionName(name: string): TopicPartition | null {
  const match = /^(.+)-(\d{1,10})$/.exec(name)
  const topic = match?.[1]
  const partition = Number(match?.[2])
  if (topic === undefined || !safeTopicName(topic) || partition > 0x7fff_ffff || String(partition) !== match?.[2]) return null
  return { topic, partition }
}

const futurePattern = /^(.+-\d{1,10})\.[0-9a-zA-Z]+-future$/

/** The partition of which a directory holds a copy that is to take its place (LogManager, KIP-113); null for any other name. */
export function parseFutureName(name: string): TopicPartition | null {
  const partition = futurePattern.exec(name)?.[1]
  return partition === undefined ? null : parsePartitionName(partition)
}

const strayPattern = /^(.+-\d{1,10})\.([0-9a-f]{16})[0-9a-f]{16}-stray$/

/** What was set aside (`PartitionLog.setAsideOnDisk`), and when; null for any other name, also one that Kafka has given to what is stray. */
export function parseSetAsideName(name: string): { readonly partition: string; readonly at: Timestamp } | null {
  const match = strayPattern.exec(name)
  const at = Number.parseInt(match?.[2] ?? '', 16)
  return match?.[1] === undefined || !Number.isSafeInteger(at) ? null : { partition: match[1], at }
}

export function isStrayName(name: string): boolean {
  return name.endsWith('-stray')
}

/** A directory that was renamed to be removed, or that a future replica or a stray one left. */
export function isDeletedName(name: string): boolean {
  return name.endsWith('-delete')
}
