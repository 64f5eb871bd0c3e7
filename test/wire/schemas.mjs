// All schemas of the build under test, and Kafka's own definitions of the same messages.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { jarsComplete, jarsFolder, kafkaVersion, root } from '../rig/peers.mjs'
import { textsOfJar } from './jar.mjs'

const built = process.env.ODRADEK_BUILT ?? join(root, 'dist')
/** @param {string[]} path */
export const load = (...path) => import(pathToFileURL(join(built, ...path)).href)

/** @param {string[]} folder */
async function schemasIn(...folder) {
  const found = []
  for (const file of readdirSync(join(built, ...folder)).sort()) {
    if (!file.endsWith('.js') || file.endsWith('.test.js')) continue
    const exported = await load(...folder, file)
    for (const value of Object.values(exported)) if (value?.validVersions !== undefined && value.fields !== undefined) found.push(value)
  }
  return found
}

/** Kafka's generator gives requests, responses and their headers a suffix. @param {string} name */
const javaName = (name) => (/(Request|Response|Header)$/.test(name) ? `${name}Data` : name)

/** With the class that Kafka generates for each. */
export async function allSchemas() {
  const messages = await schemasIn('protocol', 'messages')
  const records = await schemasIn('metadata', 'records')
  return [
    ...messages.map((schema) => ({ schema, javaClass: `org.apache.kafka.common.message.${javaName(schema.name)}` })),
    ...records.map((schema) => ({ schema, javaClass: `org.apache.kafka.common.metadata.${schema.name}` })),
  ]
}

const jars = ['kafka-clients', 'kafka-metadata'].map((name) => join(jarsFolder(), `${name}-${kafkaVersion}.jar`))

/** For a test's `skip` option: false when the jars with the definitions are there, else the reason. */
export function withoutDefinitions() {
  if (jarsComplete() && jars.every((jar) => existsSync(jar))) return false
  return `needs the jars of Apache Kafka ${kafkaVersion}; run: node scripts/peers.mjs (wants Maven), or name their folder in KAFKA_JARS`
}

/** Kafka's definitions by name. They are JSON with comment lines. */
export function definitions() {
  const texts = jars.flatMap((jar) => [...textsOfJar(jar, (name) => /^common\/(message|metadata)\/\w+\.json$/.test(name)).values()])
  const parsed = texts.map((text) => JSON.parse(text.replace(/^\s*\/\/.*$/gm, '')))
  return new Map(parsed.map((definition) => [definition.name, definition]))
}

/** A field's name as we write it. @param {string} name */
export const ourName = (name) => name.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (head) => head.toLowerCase())
