// What classic members say to one another through the coordinator: Kafka's ConsumerProtocolSubscription and ConsumerProtocolAssignment
// (clients/src/main/resources/common/message), written by hand for the bare client and for sequences of requests.

/** @param {string | null} text */
function string16(text) {
  if (text === null) return Buffer.from([0xff, 0xff])
  const bytes = Buffer.from(text)
  const size = Buffer.alloc(2)
  size.writeInt16BE(bytes.length)
  return Buffer.concat([size, bytes])
}

/** @param {number} value */
function int32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** @param {number} value */
function int16(value) {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

/** @param {Buffer | null} bytes */
const bytes32 = (bytes) => (bytes === null ? int32(-1) : Buffer.concat([int32(bytes.length), bytes]))

/** @param {Record<string, readonly number[]>} partitions by topic */
function topicPartitions(partitions) {
  const topics = Object.entries(partitions)
  const parts = topics.map(([topic, numbers]) => Buffer.concat([string16(topic), int32(numbers.length), ...numbers.map(int32)]))
  return Buffer.concat([int32(topics.length), ...parts])
}

/**
 * A member's subscription, as its `metadata` in JoinGroup.
 * @param {readonly string[]} topics
 * @param {{ version?: number, owned?: Record<string, readonly number[]>, generation?: number, rack?: string | null, userData?: Buffer | null }} [options]
 */
export function subscription(topics, { version = 1, owned = {}, generation = -1, rack = null, userData = null } = {}) {
  const parts = [int16(version), int32(topics.length), ...topics.map(string16), bytes32(userData)]
  if (version >= 1) parts.push(topicPartitions(owned))
  if (version >= 2) parts.push(int32(generation))
  if (version >= 3) parts.push(string16(rack))
  return Buffer.concat(parts)
}

/** A member's share, as the leader gives it in SyncGroup. @param {Record<string, readonly number[]>} partitions by topic */
export function assignment(partitions, version = 1) {
  return Buffer.concat([int16(version), topicPartitions(partitions), bytes32(null)])
}

/** What `assignment` wrote. @param {Buffer} bytes @returns {Record<string, number[]>} */
export function readAssignment(bytes) {
  /** @type {Record<string, number[]>} */
  const found = {}
  if (bytes.length === 0) return found
  let at = 2
  const next = () => bytes.readInt32BE((at += 4) - 4)
  for (let topics = next(); topics > 0; topics -= 1) {
    const size = bytes.readInt16BE(at)
    const topic = bytes.toString('utf8', at + 2, at + 2 + size)
    at += 2 + size
    found[topic] = Array.from({ length: next() }, next)
  }
  return found
}
