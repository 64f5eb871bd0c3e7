// Random sequences of what can be done to a partition's log from outside, the same for the same seed, and what can be seen of it afterwards.
import { batchHeader, buildBatch, recordsOf } from '../rig/build.mjs'

const hour = 3_600_000
const megabyte = 1 << 20
/** Time stands still while the sequences are told: retention looks at hours. */
const now = Math.floor(Date.now() / 1000) * 1000

/** mulberry32 @param {number} seed */
function randomOf(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit) => Math.floor(next() * limit)
  return { below, between: (from, to) => from + below(to - from + 1), pick: (list) => list[below(list.length)], chance: (p) => next() < p }
}

/** With the configuration that each begins with. */
const kinds = [
  { 'segment.bytes': megabyte, 'retention.ms': -1 },
  { 'segment.bytes': megabyte, 'retention.ms': -1, 'index.interval.bytes': 100 },
  { 'segment.bytes': megabyte, 'retention.ms': -1, 'message.timestamp.type': 'LogAppendTime' },
  { 'segment.bytes': megabyte, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': 0.001 },
  { 'segment.bytes': megabyte, 'cleanup.policy': 'compact,delete', 'retention.ms': -1, 'min.cleanable.dirty.ratio': 0.001 },
]

/**
 * What may be changed while it runs; `null` goes back to the default. `segment.ms` is not: an active segment that is older is closed here also when nothing
 * is appended, in Kafka by the next append, so that segments end in other places.
 */
const changes = [
  ['retention.bytes', [-1, megabyte, 2 * megabyte, 1, 0, null]],
  ['retention.ms', [-1, 3 * hour, 30 * hour, null]],
  ['segment.bytes', [megabyte, 2 * megabyte]],
  ['max.message.bytes', [2000, null]],
  // not gzip: two programs compress to different sizes, and segments end in other places
  ['compression.type', ['producer', 'uncompressed']],
]

/** @typedef {{ what: 'produce', records: number, bytes: number, codec: string, ageMs: number, fill: number, from: number, tombstones: boolean } | { what: 'deleteRecords', at: number } | { what: 'configure', name: string, value: string | null } | { what: 'look' }} Step */

/** @param {number} seed @returns {{ configs: Record<string, string | number>, steps: Step[] }} */
export function sequence(seed) {
  const random = randomOf(seed)
  const configs = kinds[seed % kinds.length] ?? {}
  const compacted = String(configs['cleanup.policy']).includes('compact')
  /** @type {Step[]} */
  const steps = []
  let ageMs = 60 * hour
  for (let i = 0; i < 36; i += 1) {
    ageMs = Math.max(1000, ageMs - random.between(0, 4 * hour))
    const dice = random.below(12)
    if (dice === 0) steps.push({ what: 'deleteRecords', at: random.pick([0, 0.2, 0.5, 0.9, 1, 1.5, -1]) })
    else if (dice === 1) {
      const [name, values] = random.pick(changes)
      const value = random.pick(values)
      steps.push({ what: 'configure', name, value: value === null ? null : String(value) })
    } else if (dice === 2) steps.push({ what: 'look' })
    else {
      steps.push({
        what: 'produce',
        records: random.between(1, 12),
        bytes: random.pick([10, 500, 30_000, 60_000]),
        codec: random.pick(['none', 'none', 'none', 'gzip', 'lz4', 'snappy']),
        ageMs,
        fill: random.between(1, 250),
        from: random.below(20),
        tombstones: compacted && random.chance(0.3),
      })
    }
  }
  return { configs, steps: [...steps, { what: 'look' }] }
}

/** @param {Extract<Step, { what: 'produce' }>} step */
function batchOf({ records, bytes, codec, ageMs, fill, from, tombstones }) {
  return buildBatch(
    { timestamp: now - ageMs, codec },
    Array.from({ length: records }, (_, i) => ({
      key: Buffer.from(`k${from + i}`),
      // no two bytes alike in a row: what is compressed should not become nothing
      value: tombstones && i % 3 === 0 ? null : Buffer.from(Array.from({ length: bytes }, (_, n) => (fill * n * (i + 1)) & 0xff)),
      timestamp: now - ageMs + i,
    })),
  )
}

/** One of the two logs. */
export class Side {
  /** @param {import('../rig/wire.mjs').Wire} wire @param {string} topic */
  constructor(wire, topic) {
    this.wire = wire
    this.topic = topic
  }

  /** @param {Record<string, string | number>} configs */
  async create(configs) {
    const named = Object.entries(configs).map(([name, value]) => ({ name, value: String(value) }))
    const topic = { name: this.topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: named }
    return (await this.wire.call('createTopics', 6, { topics: [topic], timeoutMs: 10_000 })).topics[0].errorCode
  }

  /** What is answered, as far as it is to be the same on both sides. @param {Step} step */
  async carryOut(step) {
    switch (step.what) {
      case 'produce':
        return this.produce(step)
      case 'deleteRecords': {
        const offset = step.at < 0 ? -1 : Math.floor(((await this.offsets()).end ?? 0) * step.at)
        const topics = [{ name: this.topic, partitions: [{ partitionIndex: 0, offset }] }]
        const { errorCode, lowWatermark } = (await this.wire.call('deleteRecords', 2, { topics, timeoutMs: 5000 })).topics[0].partitions[0]
        return { errorCode, lowWatermark }
      }
      case 'configure':
        return this.configure(step.name, step.value)
      default:
        return undefined
    }
  }

  async produce(step) {
    const topicData = [{ name: this.topic, partitionData: [{ index: 0, records: batchOf(step) }] }]
    const { responses } = await this.wire.call('produce', 11, { acks: -1, timeoutMs: 5000, topicData })
    const { errorCode, baseOffset } = responses[0].partitionResponses[0]
    return { errorCode, baseOffset }
  }

  async configure(name, value) {
    const configs = [{ name, configOperation: value === null ? 1 : 0, value }]
    const resources = [{ resourceType: 2, resourceName: this.topic, configs }]
    return (await this.wire.call('incrementalAlterConfigs', 1, { resources, validateOnly: false })).responses[0].errorCode
  }

  /** Earliest, latest, and the record with the greatest timestamp. */
  async offsets() {
    const found = []
    for (const timestamp of [-2, -1, -3]) {
      const topics = [{ name: this.topic, partitions: [{ partitionIndex: 0, timestamp }] }]
      const answer = await this.wire.call('listOffsets', 7, { replicaId: -1, isolationLevel: 0, topics })
      found.push(answer.topics[0].partitions[0].offset)
    }
    // Kafka answers with a record below the log start until its segment is removed
    return { start: found[0], end: found[1], greatest: found[0] === 0 ? found[2] : undefined }
  }

  /** Everything that a reader can see: offsets, and each record in few words. */
  async look() {
    const offsets = await this.offsets()
    const records = []
    for (let offset = offsets.start; offset < offsets.end;) {
      const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 2 * megabyte }]
      const body = { maxWaitMs: 0, minBytes: 1, maxBytes: 4 * megabyte, topics: [{ topic: this.topic, partitions }] }
      const { errorCode, records: bytes } = (await this.wire.call('fetch', 12, body)).responses[0].partitions[0]
      if (errorCode !== 0) return { offsets, errorCode }
      const all = recordsOf(bytes ?? Buffer.alloc(0))
      for (const record of all) if (record.offset >= offset) records.push(shortly(record))
      // A batch ends where it did before records were taken out of it.
      const next = ([...batchHeader.batchHeaders(bytes ?? Buffer.alloc(0))].at(-1)?.header.lastOffset ?? -1) + 1
      if (next <= offset) break
      offset = next
    }
    return { offsets, records }
  }
}

function shortly({ offset, timestamp, key, value, stampedByLog }) {
  const size = value === null ? 'null' : `${value.length} bytes of ${value[1] ?? ''}`
  return `${offset} ${stampedByLog ? 'stamped' : timestamp - now} ${key?.toString()} ${size}`
}
