// The records of __consumer_offsets of the build under test, and Kafka's definitions of them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { jarsComplete, jarsFolder, kafkaVersion } from '../rig/peers.mjs'
import { textsOfJar } from '../wire/jar.mjs'
import { load } from '../wire/schemas.mjs'

const jar = join(jarsFolder(), `kafka-group-coordinator-${kafkaVersion}.jar`)

/** For a test's `skip` option: false when the jar is there, else the reason. */
export function withoutGroupCoordinator() {
  if (jarsComplete() && existsSync(jar)) return false
  return `needs the jars of Apache Kafka ${kafkaVersion}; run: node scripts/peers.mjs (wants Maven), or name their folder in KAFKA_JARS`
}

/** All record types: `{ type, key, value }`, the last two schemas. */
export async function recordTypes() {
  const { groupRecordTypes } = await load('groups', 'records', 'fact.js')
  return Object.entries(groupRecordTypes).map(([type, { key, value }]) => ({ type, key, value }))
}

/** The class that Kafka generates for a message. @param {{ name: string }} schema */
export const javaClass = ({ name }) => `org.apache.kafka.coordinator.group.generated.${name}`

/** Kafka's definitions by name. They are JSON with comment lines. */
export function definitions() {
  const texts = [...textsOfJar(jar, (name) => /^common\/message\/\w+\.json$/.test(name)).values()]
  const parsed = texts.map((text) => JSON.parse(text.replace(/^\s*\/\/.*$/gm, '')))
  return new Map(parsed.map((definition) => [definition.name, definition]))
}
