import { codec } from '../../protocol/codec.ts'
import { MalformedError, Reader } from '../../protocol/reader.ts'
import { array, bytes, type Draft, int32, message, type Message, type Schema, string, structs } from '../../protocol/schema.ts'
import { Writer } from '../../protocol/writer.ts'

/**
 * What consumers of the classic protocol tell each other through the broker (org.apache.kafka.clients.consumer.internals.ConsumerProtocol), protocol
 * type 'consumer'. The bytes begin with an int16, the version. A version that is newer than what is known here is read as the newest known, as clients
 * do: later versions only add fields at the end, so bytes that are left over are no error.
 */
const versionMax = 3
const versionBytes = 2

const topicPartitions = {
  topic: string('0+'),
  partitions: array('0+', 'int32'),
}

export const consumerProtocolSubscription = message(
  'ConsumerProtocolSubscription',
  -1,
  { versions: '0-3', flexible: 'none' },
  {
    topics: array('0+', 'string'),
    userData: bytes('0+', { nullable: '0+', default: null }),
    ownedPartitions: structs('1+', topicPartitions, { ignorable: true }),
    generationId: int32('2+', { default: -1, ignorable: true }),
    rackId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  },
)
export type ConsumerProtocolSubscription = Message<typeof consumerProtocolSubscription>
export type ConsumerProtocolSubscriptionDraft = Draft<typeof consumerProtocolSubscription>

export const consumerProtocolAssignment = message(
  'ConsumerProtocolAssignment',
  -1,
  { versions: '0-3', flexible: 'none' },
  {
    assignedPartitions: structs('0+', topicPartitions),
    userData: bytes('0+', { nullable: '0+', default: null }),
  },
)
export type ConsumerProtocolAssignment = Message<typeof consumerProtocolAssignment>
export type ConsumerProtocolAssignmentDraft = Draft<typeof consumerProtocolAssignment>

/** A message and the version in front of it: as the newest known when it is newer. */
export interface Versioned<T> {
  readonly version: number
  readonly message: T
}

/** @throws MalformedError */
export function readSubscription(metadata: Buffer): Versioned<ConsumerProtocolSubscription> {
  return read(consumerProtocolSubscription, metadata)
}

/** @throws MalformedError */
export function readAssignment(assignment: Buffer): Versioned<ConsumerProtocolAssignment> {
  return read(consumerProtocolAssignment, assignment)
}

/** @throws UnsayableError for a name of more than 32767 bytes. */
export function writeSubscription(version: number, subscription: ConsumerProtocolSubscriptionDraft): Buffer {
  return write(consumerProtocolSubscription, version, subscription)
}

/** @throws UnsayableError for a name of more than 32767 bytes. */
export function writeAssignment(version: number, assignment: ConsumerProtocolAssignmentDraft): Buffer {
  return write(consumerProtocolAssignment, version, assignment)
}

/** The subscription, or null for bytes that are none: what members of other protocol types exchange may be anything. */
export function parseSubscription(metadata: Buffer): ConsumerProtocolSubscription | null {
  return orNull(readSubscription, metadata)?.message ?? null
}

/** Null for bytes that are no assignment. */
export function parseAssignment(assignment: Buffer): ConsumerProtocolAssignment | null {
  return orNull(readAssignment, assignment)?.message ?? null
}

/** In which version an answer to this subscription is to be written: its own; the oldest, if it is none. */
export function versionOfSubscription(metadata: Buffer): number {
  return orNull(readSubscription, metadata)?.version ?? 0
}

function orNull<T>(read: (from: Buffer) => T, from: Buffer): T | null {
  try {
    return read(from)
  } catch (error) {
    if (error instanceof MalformedError) return null
    throw error
  }
}

/** The topics that a classic consumer is subscribed to; null: unparsable. */
export function subscribedTopics(metadata: Buffer): readonly string[] | null {
  return parseSubscription(metadata)?.topics ?? null
}

function read<S extends Schema>(schema: S, from: Buffer): Versioned<Message<S>> {
  if (from.length < versionBytes) throw new MalformedError(`${schema.name} of ${from.length} bytes`)
  const reader = new Reader(from)
  const claimed = reader.int16()
  if (claimed < 0) throw new MalformedError(`${schema.name} version ${claimed}`)
  const version = Math.min(claimed, versionMax)
  return { version, message: codec(schema, version).read(reader) }
}

function write<S extends Schema>(schema: S, version: number, draft: Draft<S>): Buffer {
  const writer = new Writer()
  writer.int16(version)
  codec(schema, version).write(writer, draft)
  return writer.toBuffer()
}
