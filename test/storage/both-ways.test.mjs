// The data directories of a cluster change hands: Kafka and Odradek take turns as the program that is started on the very same folders and
// server.properties, metadata and all. Whoever comes finds what the other left, goes on writing, and is found right by the next.
// An idempotent producer that knows nothing of it goes on through all of it. Needs Kafka's jars and Java.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startCluster } from '../rig/cluster.mjs'
import { Java } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'
import { lowerFeatures, sameTold, Story, storyProperties } from './story.mjs'

/** @typedef {Awaited<ReturnType<typeof startCluster>>} Cluster */
/** @typedef {'kafka' | 'odradek'} Kind */

/** @param {Cluster} cluster @param {Kind} kind @param {'SIGTERM' | 'SIGKILL'} signal how those who ran it so far end */
async function handOver(cluster, kind, signal) {
  for (const node of cluster.nodes) node.kill(signal)
  await Promise.all(cluster.nodes.map((node) => node.waitDown(60_000)))
  for (const node of cluster.nodes) {
    node.kind = kind
    node.spawn()
  }
  await Promise.all(cluster.nodes.map((node) => node.waitListening()))
  await cluster.waitReady()
}

/**
 * @param {{ from: Kind, to: Kind, signal: 'SIGTERM' | 'SIGKILL', nodes: number }} options
 */
async function takeTurns({ from, to, signal, nodes }) {
  const cluster = await startCluster({ kind: from, nodes, properties: storyProperties })
  const java = new Java()
  const other = signal === 'SIGKILL' ? 'SIGTERM' : 'SIGKILL'
  const story = new Story(cluster, java)
  try {
    await story.makeTopics()
    await story.run('createTopic', { topic: 'load', partitions: 2, replicationFactor: nodes })
    await story.run('loadStart', { topic: 'load', partitions: [0, 1], intervalMs: 20 })
    await story.write()
    if (from === 'kafka') await lowerFeatures(java, cluster.bootstrap)
    for (const [kind, by] of [
      [to, signal],
      [to, other],
      [from, signal],
    ]) {
      const before = await story.tell()
      await handOver(cluster, kind, by)
      const what = `what ${kind} tells, after ${by}`
      sameTold(await story.tell(), before, what)
      await story.write()
    }
    const { errors } = await story.run('loadStop', {})
    assert.deepEqual(errors, {})
    const { lost, doubled, disordered, misplaced } = await story.run('loadVerify', {})
    assert.deepEqual({ lost, doubled, disordered, misplaced }, { lost: 0, doubled: 0, disordered: 0, misplaced: 0 })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${cluster.logTails()}`, { cause: error })
  } finally {
    await java.kill()
    await cluster.stop()
  }
}

const turns = /** @type {const} */ ([
  { from: 'odradek', to: 'kafka', signal: 'SIGKILL', nodes: 1 },
  { from: 'kafka', to: 'odradek', signal: 'SIGTERM', nodes: 1 },
])
/** Five minutes more. */
const moreTurns = /** @type {const} */ ([
  { from: 'odradek', to: 'kafka', signal: 'SIGTERM', nodes: 1 },
  { from: 'kafka', to: 'odradek', signal: 'SIGKILL', nodes: 1 },
  { from: 'odradek', to: 'kafka', signal: 'SIGTERM', nodes: 3 },
  { from: 'kafka', to: 'odradek', signal: 'SIGKILL', nodes: 3 },
])

describe('data directories change hands', { skip: without('java') }, () => {
  for (const options of process.env.BOTH_WAYS === 'all' ? [...turns, ...moreTurns] : turns) {
    const { from, to, signal, nodes } = options
    test(`what ${from} wrote on ${nodes === 1 ? 'one node' : `${nodes} nodes`} until ${signal} is served, gone on with and given back by ${to}`, () =>
      takeTurns(options))
  }
})
