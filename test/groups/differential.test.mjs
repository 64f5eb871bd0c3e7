// The same sequences of raw requests to Apache Kafka and to this project, the same errors and shapes back. Kafka's answers lie in
// kafka-answers.json, so that no Kafka is needed to judge us; they are made by
//   CLUSTER=kafka node test/groups/differential.test.mjs --record
// and CLUSTER=kafka without --record shows that they can be repeated.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { startCluster, underTest } from '../rig/cluster.mjs'
import { root, without } from '../rig/peers.mjs'
import { ask } from '../rig/wire.mjs'
import { describeStep, makeTopics, properties, replay } from './replay.mjs'
import { subjects } from './sequences/all.mjs'

const file = join(root, 'test', 'groups', 'kafka-answers.json')
const recording = process.argv.includes('--record')
const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
/** @type {Record<string, Record<string, { request: string, answer: any }[]>>} */
const recorded = {}

/** One line for a request and its answer, so that a change can be read. @param {typeof recorded} answers */
function text(answers) {
  const list = (open, close, items) => (items.length === 0 ? open + close : `${open}\n${items.join(',\n')}\n${close}`)
  const subjectsText = Object.entries(answers).map(([subject, sequences]) => {
    const all = Object.entries(sequences).map(
      ([name, told]) =>
        `${JSON.stringify(name)}: ${list(
          '[',
          ']',
          told.map((it) => JSON.stringify(it)),
        )}`,
    )
    return `${JSON.stringify(subject)}: ${list('{', '}', all)}`
  })
  return `${list('{', '}', subjectsText)}\n`
}

/**
 * The answers that differ, each with its request: more can be seen from that than from two long lists.
 * @param {readonly any[]} steps @param {{ request: string, answer: any }[]} told @param {{ request: string, answer: any }[]} wanted
 */
function compare(steps, told, wanted) {
  assert.deepEqual(
    told.map(({ request }) => request),
    wanted.map(({ request }) => request),
    'the sequence is another one than that which Kafka was asked: record it anew',
  )
  const differing = told
    .map((it, index) => ({ ...it, kafka: wanted[index].answer }))
    .filter(({ answer, kafka }, index) => steps[index].apart === undefined && !isDeepStrictEqual(answer, kafka))
  const text = differing.map(
    ({ request, answer, kafka }) => `${request}\n  Kafka: ${JSON.stringify(kafka)}\n  ours:  ${JSON.stringify(answer)}`,
  )
  assert.equal(text.length, 0, `${text.length} answers differ from those of Kafka:\n${text.join('\n')}`)
}

/** Steps that are compared: those with an answer. @param {readonly any[]} steps */
const answered = (steps) => steps.filter((step) => step.pauseMs === undefined && step.park !== true)

describe('groups answer as those of Kafka', { skip: underTest === 'kafka' && without('java'), concurrency: 6 }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  let port = 0
  /** @type {Record<string, string>} */
  let topicIds = {}

  before(async () => {
    cluster = await startCluster({ nodes: 1, properties })
    port = cluster.nodes[0]?.port ?? 0
    topicIds = await makeTopics(port)
    await cluster.waitInSync(...Object.keys(topicIds))
    await makeOffsetsTopic()
  })
  after(async () => {
    await cluster?.stop()
    if (recording) writeFileSync(file, text(recorded))
  })

  /** The first one to ask for a coordinator has the topic made. */
  async function makeOffsetsTopic() {
    const deadline = performance.now() + 30_000
    for (;;) {
      const answer = await ask(port, 'findCoordinator', 6, { coordinatorKeys: ['warm', 'warmer', 'a', 'b', 'c', 'd', 'e', 'f'] })
      const listed = await ask(port, 'offsetFetch', 9, {
        groups: ['a', 'b', 'c', 'd', 'e', 'f'].map((groupId) => ({ groupId, topics: null })),
      })
      if (answer.coordinators.every((it) => it.errorCode === 0) && listed.groups.every((it) => it.errorCode === 0)) return
      if (performance.now() > deadline) throw new Error('no coordinator within 30 s')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  let number = 0
  for (const [subject, sequences] of Object.entries(subjects)) {
    for (const sequence of sequences) {
      const prefix = `differential-${(number += 1)}-group`
      test(`${subject}: ${sequence.name}`, async () => {
        const answers = await replay(port, sequence, prefix, topicIds)
        const steps = answered(sequence.steps)
        const told = steps.map((step, index) => ({ request: describeStep(step), answer: answers[index] }))
        if (recording) {
          recorded[subject] ??= Object.fromEntries(sequences.map(({ name }) => [name, []]))
          recorded[subject][sequence.name] = told
        } else compare(steps, told, known[subject]?.[sequence.name] ?? [])
      })
    }
  }
})
