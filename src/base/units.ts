/**
 * Numbers that must not be mixed up. An int64 of Kafka's is a plain `number` here (checked to be a safe integer where it matters),
 * branded so that an offset is not an epoch is not a node. A brand costs nothing at run time.
 */
declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]?: Name }

/** A position in a partition's log. -1 stands for "none". */
export type Offset = Branded<number, 'Offset'>
/** A partition's leader epoch, or the epoch of the metadata quorum. -1 stands for "unknown". */
export type Epoch = Branded<number, 'Epoch'>
/** `node.id`. -1 stands for "none". */
export type NodeId = Branded<number, 'NodeId'>
/** A duration, or an instant of the monotonic clock, in milliseconds (may have a fraction). */
export type Millis = Branded<number, 'Millis'>
/** Wall-clock milliseconds since 1970, as Kafka's timestamps. */
export type Timestamp = Branded<number, 'Timestamp'>
/** Kafka's text form of a UUID: 22 characters of base64url. */
export type Uuid = Branded<string, 'Uuid'>

export const NO_UUID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA'
/** The reserved topic id of `__cluster_metadata` (org.apache.kafka.common.Uuid.METADATA_TOPIC_ID). */
export const METADATA_TOPIC_ID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAQ'
export const NO_OFFSET: Offset = -1
export const NO_EPOCH: Epoch = -1
export const NO_NODE: NodeId = -1
/** Wake me never: the value of `wakeAt()` when nothing is due. */
export const NEVER: Millis = Infinity

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** `topic-partition`, Kafka's name of a partition's directory, and a key for maps. */
export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}
