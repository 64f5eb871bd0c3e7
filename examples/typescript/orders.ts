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

/** One member of a group: what it has worked off it commits, and the next run goes on from there. Start it twice and they share the partitions. */
async function consume(): Promise<void> {
  const consumer = new Consumer({ clientId: 'orders', bootstrapBrokers, groupId: 'orders-ts-readers', deserializers: stringDeserializers })
  try {
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false })
    let read = 0
    for await (const message of stream) {
      await message.commit()
      read += 1
      if (read === records) break
    }
    console.log(`read ${read} records`)
  } finally {
    await new Promise((done) => consumer.close(true, done))
  }
}

await createTopic()
await produce()
await consume()
