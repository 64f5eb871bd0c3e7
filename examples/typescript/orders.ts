// Creates a topic, writes to it and reads it back, with @platformatic/kafka and nothing else.
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'

const topic = 'orders-ts'
const partitions = 3
const copies = 3
const records = 1000
const bootstrapBrokers = (process.argv[2] ?? '127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094').split(',')

async function createTopic(): Promise<void> {
  const admin = new Admin({ clientId: 'orders', bootstrapBrokers })
  try {
    if ((await admin.listTopics()).includes(topic)) {
      console.log(`${topic} is there already`)
    } else {
      await admin.createTopics({ topics: [topic], partitions, replicas: copies })
      console.log(`created ${topic}: ${partitions} partitions, ${copies} copies of each`)
    }
  } finally {
    await admin.close()
  }
}

/** acks -1 is "all": every in-sync copy has the record before it is acknowledged. */
async function produce(): Promise<void> {
  const producer = new Producer({ clientId: 'orders', bootstrapBrokers, serializers: stringSerializers, idempotent: true })
  try {
    for (let i = 0; i < records; i += 100) {
      const messages = Array.from({ length: 100 }, (_, n) => ({ topic, key: `customer-${n % 10}`, value: `order ${i + n}` }))
      await producer.send({ messages, acks: -1 })
    }
    console.log(`sent ${records} records`)
  } finally {
    await producer.close()
  }
}

/** Consumer groups are not there yet: partitions are read by their offsets, each from its leader. */
async function consume(): Promise<void> {
  const options = { clientId: 'orders', bootstrapBrokers }
  const consumer = new Consumer({ ...options, groupId: 'none', deserializers: stringDeserializers })
  try {
    const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? []
    const metadata = (await consumer.metadata({ topics: [topic] })).topics.get(topic)
    if (metadata === undefined) throw new Error(`${topic} is not known`)
    let read = 0
    for (const [partition, end] of ends.entries()) {
      const node = metadata.partitions[partition]?.leader ?? -1
      for (let offset = 0n; offset < end;) {
        const wanted = { partition, fetchOffset: offset, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 1_048_576 }
        const answer = await consumer.fetch({ node, topics: [{ topicId: metadata.id, partitions: [wanted] }] })
        for (const batch of answer.responses[0]?.partitions[0]?.records ?? []) {
          // the first batch may begin before the wanted offset
          const fresh = batch.records.filter((it) => batch.firstOffset + BigInt(it.offsetDelta) >= offset)
          read += fresh.length
          offset = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
        }
      }
    }
    console.log(`read ${read} records`)
  } finally {
    await new Promise((done) => consumer.close(true, done))
  }
}

await createTopic()
await produce()
await consume()
