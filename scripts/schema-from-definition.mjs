#!/usr/bin/env node
// Drafts a schema file from Kafka's own message definitions: a start for a new API, to be read and completed by hand.
//   node scripts/schema-from-definition.mjs FOLDER-OF-DEFINITIONS Produce > src/protocol/messages/produce.ts
// FOLDER is any folder below which Kafka's *.json message definitions lie; the second argument is the API's name without Request/Response,
// or the full name of a record.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const IMPLICIT_FACTORY = {
  bool: 'bool',
  int8: 'int8',
  int16: 'int16',
  uint16: 'uint16',
  int32: 'int32',
  uint32: 'uint32',
  int64: 'int64',
  float64: 'float64',
  uuid: 'uuid',
  string: 'string',
  bytes: 'bytes',
  records: 'records',
}

function* jsonFiles(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) yield* jsonFiles(path)
    else if (name.endsWith('.json')) yield path
  }
}

function parse(path) {
  const text = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => !line.trim().startsWith('//'))
    .join('\n')
  return JSON.parse(text)
}

const camel = (name) => name.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (head) => head.toLowerCase())

function literal(type, text) {
  if (text === null || text === 'null') return 'null'
  if (type === 'bool') return text
  if (type === 'string') return `'${text}'`
  if (String(text) === '9223372036854775807') return 'INT64_MAX'
  return String(Number(text))
}

function draft(definition) {
  const used = new Set(['message', 'type Draft', 'type Message'])
  const common = new Map((definition.commonStructs ?? []).map((it) => [it.name, it]))
  const shared = []
  const emitted = new Set()
  let needsMax = false
  const fieldsText = (fields, indent) => fields.map((it) => `${indent}${camel(it.name)}: ${fieldText(it, indent)},`).join('\n')
  function structFields(type, field, indent) {
    if (field.fields !== undefined) return `{\n${fieldsText(field.fields, `${indent}  `)}\n${indent}}`
    const it = common.get(type)
    if (it === undefined) throw new Error(`no struct ${type}`)
    if (!emitted.has(type)) {
      emitted.add(type)
      shared.push(`const ${camel(type)} = {\n${fieldsText(it.fields, '  ')}\n}\n`)
    }
    return camel(type)
  }
  function fieldText(field, indent) {
    const options = []
    if (field.nullableVersions) options.push(`nullable: '${field.nullableVersions}'`)
    const isArray = field.type.startsWith('[]')
    const type = isArray ? field.type.slice(2) : field.type
    if (field.default !== undefined) {
      const value = isArray ? 'null' : literal(type, field.default)
      if (value === 'INT64_MAX') needsMax = true
      options.push(`default: ${value}`)
    }
    if (field.tag !== undefined) options.push(`tag: ${field.tag}`)
    if (field.taggedVersions !== undefined && field.taggedVersions !== field.versions) options.push(`tagged: '${field.taggedVersions}'`)
    if (field.ignorable === true || field.ignorable === 'true') options.push('ignorable: true')
    if (field.flexibleVersions === 'none') options.push(`flexible: 'none'`)
    const tail = options.length === 0 ? '' : `, { ${options.join(', ')} }`
    if (IMPLICIT_FACTORY[type] !== undefined) {
      used.add(isArray ? 'array' : type)
      return isArray ? `array('${field.versions}', '${type}'${tail})` : `${type}('${field.versions}'${tail})`
    }
    used.add(isArray ? 'structs' : 'struct')
    return `${isArray ? 'structs' : 'struct'}('${field.versions}', ${structFields(type, field, indent)}${tail})`
  }
  const name = camel(definition.name)
  const body = fieldsText(definition.fields, '  ')
  const text = `${shared.join('\n')}${shared.length > 0 ? '\n' : ''}export const ${name} = message('${definition.name}', ${definition.apiKey ?? -1}, { versions: '${definition.validVersions}', flexible: '${definition.flexibleVersions}' }, {${body === '' ? '' : `\n${body}\n`}})
export type ${definition.name} = Message<typeof ${name}>
export type ${definition.name}Draft = Draft<typeof ${name}>
`
  return { text, used, needsMax }
}

const [folder, ...names] = process.argv.slice(2)
if (folder === undefined || names.length === 0) {
  console.error('usage: node scripts/schema-from-definition.mjs FOLDER NAME [NAME …]')
  process.exit(2)
}
const wanted = new Set(names.flatMap((name) => [name, `${name}Request`, `${name}Response`]))
const definitions = [...jsonFiles(folder)].map(parse).filter((it) => wanted.has(it.name))
definitions.sort((a, b) => [...wanted].indexOf(a.name) - [...wanted].indexOf(b.name))
if (definitions.length === 0) {
  console.error(`no definition named ${names.join(', ')} below ${folder}`)
  process.exit(1)
}
const drafts = definitions.map(draft)
const used = new Set(drafts.flatMap((it) => [...it.used]))
const root = process.env.SCHEMA_IMPORT ?? '../schema.ts'
const max = drafts.some((it) => it.needsMax) ? `import { INT64_MAX } from '${root.replace('schema.ts', 'reader.ts')}'\n` : ''
console.log(
  `${max}import { ${[...used].sort((a, b) => a.replace('type ', '').localeCompare(b.replace('type ', ''))).join(', ')} } from '${root}'\n\n${drafts.map((it) => it.text).join('\n')}`,
)
