// node scripts/judge.mjs FILE.ndjson…: judges a history of clients, whoever recorded it, and prints the verdict. What the lines look like is told in
// src/sim/history/ndjson.ts; several files are several recorders of one history, with processes of their own and one clock.
//   --expiring KEY          a key that loses old records (again for each)
//   --copy NAME=IN,IN:OUT   an exactly-once copy (again for each)
//   --lag-max MS            a longer lag is an error
//   --told-max N            so many of a kind in full
// Exit status: 0 nothing is wrong, 1 something is, 2 no history could be read, 64 usage.
import { createReadStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { prepare, root } from './prepare.mjs'

const usage = 'usage: node scripts/judge.mjs [--expiring KEY] [--copy NAME=IN,IN:OUT,OUT] [--lag-max MS] [--told-max N] FILE.ndjson…\n'

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        expiring: { type: 'string', multiple: true, default: [] },
        copy: { type: 'string', multiple: true, default: [] },
        'lag-max': { type: 'string' },
        'told-max': { type: 'string', default: '8' },
      },
    })
    const copies = values.copy.map((text) => {
      const [, name, inputs, outputs] = /^([^=]+)=([^:]+):([^:]+)$/.exec(text) ?? []
      if (name === undefined) throw new TypeError(`not a copy: ${text}`)
      return { name, inputs: inputs.split(','), outputs: outputs.split(',') }
    })
    const lag = values['lag-max']
    const options = { expiring: values.expiring, copies, toldMax: Number(values['told-max']) }
    if (lag !== undefined) options.realtimeLagMsMax = Number(lag)
    if (positionals.length === 0 || Number.isNaN(options.toldMax) || Number.isNaN(options.realtimeLagMsMax ?? 0)) return null
    return { files: positionals, options }
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    return null
  }
}

async function readFile(reader, file) {
  reader.nextFile()
  let rest = ''
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) reader.readLine(line)
  }
  if (!reader.readLast(rest)) process.stdout.write(`${file}: the last line breaks off and was left out\n`)
}

const given = readArguments()
if (given === null) {
  process.stderr.write(usage)
  process.exit(64)
}
if (process.env.ODRADEK_DIST === undefined) prepare()
const dist = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))
const load = (name) => import(pathToFileURL(join(dist, 'sim', 'history', name)).href)
const { HistoryReader } = await load('ndjson.js')
const { examine } = await load('judge.js')
const { describeVerdict } = await load('describe.js')

const reader = new HistoryReader()
for (const file of given.files) {
  try {
    await readFile(reader, file)
  } catch (error) {
    process.stderr.write(`${file}: ${error.message}\n`)
    process.exit(2)
  }
}
const verdict = examine(reader.history, given.options)
process.stdout.write(`${describeVerdict(verdict).join('\n')}\n`)
process.exitCode = verdict.errors.length === 0 ? 0 : 1
