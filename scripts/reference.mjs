// npm run reference: writes the pages of docs/reference that follow from the code (apis.md, configuration.md, cli.md); with --check it only
// says which of them are stale, and exits 1 then.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

const check = process.argv.includes('--check')
if (process.env.ODRADEK_DIST === undefined && !check) prepare()
const dist = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))
/** @param {string} path */
const load = (path) => import(pathToFileURL(join(dist, path)).href)
const { apis } = await load('protocol/apis.js')
const { brokerConfigs } = await load('config/broker-configs.js')
const { groupConfigs, topicConfigs } = await load('config/topic-configs.js')

const written = '_Written by `npm run reference` from the code; `npm run check` finds it stale when it is._'

/** @param {number} low @param {number} high */
const range = (low, high) => (low === high ? String(low) : `${low} to ${high}`)

/** What Kafka serves on a kind of listener and we do not; a test asks running nodes whether this is so. */
const notServed = { controller: ['DescribeConfigs'], broker: [] }

function apisPage() {
  const rows = Object.values(apis)
    .sort((a, b) => a.key - b.key)
    .map(
      (it) =>
        `| ${it.key} | ${it.name} | ${range(it.versionMin, it.versionMax)} | ${it.listeners.filter((kind) => !notServed[kind].includes(it.name)).join(', ')} |`,
    )
  return `# APIs and versions

${written}

These are all the requests that are served, in the versions that Apache Kafka 4.3.1 accepts, and on which kind of listener. What is not in here is
not advertised, and a request for it closes the connection. Clients find out by themselves (ApiVersions).

| Key | API | Versions | Listeners |
|---|---|---|---|
${rows.join('\n')}

Produce is advertised from version 0, as Kafka does it (older librdkafka looks for it); versions below 3 are answered with UNSUPPORTED_VERSION.

Not there: transactions (AddPartitionsToTxn, TxnOffsetCommit, EndTxn, …; FindCoordinator and InitProducerId refuse a transactional id), share groups
and streams groups, security (SASL, ACLs, delegation tokens, SCRAM), client quotas, and client metrics.
`
}

/** A default as a reader wants it. @param {string | null | undefined} value */
function shown(value) {
  if (value === undefined) return 'must be given'
  return value === null ? 'not set' : value === '' ? '(empty)' : `\`${value.replaceAll('|', '\\|')}\``
}

const modes = { 'read-only': 'at start', 'per-broker': 'one broker', 'cluster-wide': 'all brokers' }

/** @param {Map<string, any>} table @param {boolean} withMode */
function configTable(table, withMode) {
  const rows = [...table.values()]
    .filter((it) => it.acted && !it.internal)
    .map((it) => {
      const theirs = it.because === undefined ? '' : ` (Kafka: ${shown(it.kafkaDefault)})`
      return `| \`${it.name}\` | ${it.type} | ${shown(it.default)}${theirs} | ${withMode ? `${modes[it.mode]} | ` : ''}${it.doc} |`
    })
  const head = withMode
    ? '| Name | Type | Default | Changes | What it does |\n|---|---|---|---|---|'
    : '| Name | Type | Default | What it does |\n|---|---|---|---|'
  return `${head}\n${rows.join('\n')}`
}

/** @param {Map<string, any>} table */
function withoutEffect(table) {
  return [...table.values()]
    .filter((it) => !it.acted && !it.internal)
    .map((it) => `\`${it.name}\``)
    .join(', ')
}

function configurationPage() {
  return `# Configuration

${written}

Names, types and valid values are Kafka's, but for those of our own that begin with \`odradek.\`. [Where defaults differ](configuration-differences.md) says why. An unknown name, or a wrong value, in a
\`server.properties\` is named with its line, and the node does not start; a name that Kafka has and that has no effect here is warned about once.

## Brokers and controllers

In \`server.properties\`. _Changes_ says what a dynamic configuration can do while the node runs: nothing (it is read at the start), for one broker or
for all of them.

${configTable(brokerConfigs, true)}

## Topics

Given when a topic is created, or altered later (\`kafka-configs\`, IncrementalAlterConfigs); in force within the time a broker takes to hear of it.

${configTable(topicConfigs, false)}

## Groups

Of one consumer group, whether or not it is there yet (\`kafka-configs --entity-type groups\`); what is not set is the broker's \`group.…\`, and what is
set has to keep within its \`group.consumer.min.…\` and \`group.consumer.max.…\`.

${configTable(groupConfigs, false)}

## Known, and without effect

Brokers and controllers: ${withoutEffect(brokerConfigs)}.

Topics: ${withoutEffect(topicConfigs)}.

Groups: ${withoutEffect(groupConfigs)}.
`
}

const commands = [[], ['dev'], ['server'], ['storage'], ['storage', 'random-uuid'], ['storage', 'format'], ['storage', 'info']]

function cliPage() {
  const parts = commands.map((words) => {
    const { stdout, status } = spawnSync(process.execPath, [join(dist, 'cli', 'main.js'), ...words, '--help'], {
      encoding: 'utf8',
      env: { ...process.env, COLUMNS: '100', NO_COLOR: '1' },
    })
    if (status !== 0) throw new Error(`odradek ${words.join(' ')} --help ended with status ${status}`)
    return `## odradek${words.map((it) => ` ${it}`).join('')}\n\n\`\`\`\n${stdout.trimEnd()}\n\`\`\`\n`
  })
  return `# Command line

${written}

In a checkout \`npm start -- …\` is \`odradek dev …\`, and \`node dist/cli/main.js\` is \`odradek\` (after \`npm run build\`).

Exit statuses: 0 done; 1 failed; 64 wrong arguments or a wrong property; 70 a log directory is locked, not formatted, or belongs to another cluster
or node; 71 a port is in use or may not be taken. What is written to standard error says what to do.

Environment: \`ODRADEK_LOG_LEVEL\` (\`debug\`, \`info\`, \`warn\`, \`error\`), \`ODRADEK_LOG_FORMAT\` (\`text\`, \`json\`: one object per line).

${parts.join('\n')}`
}

const pages = { 'apis.md': apisPage, 'configuration.md': configurationPage, 'cli.md': cliPage }
let stale = 0
for (const [name, make] of Object.entries(pages)) {
  const file = join(root, 'docs', 'reference', name)
  const text = make()
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  stale += 1
  if (!check) writeFileSync(file, text)
  process.stdout.write(check ? `docs/reference/${name} is stale: run npm run reference\n` : `wrote docs/reference/${name}\n`)
}
process.exit(check && stale > 0 ? 1 : 0)
