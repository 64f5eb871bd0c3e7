import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { generate } from '../../bench/generator/generator.mjs'
import { Meter } from '../../bench/meter.mjs'
import { Subject } from '../../bench/subject.mjs'
import { startCluster } from '../rig/cluster.mjs'

const patientSeconds = 240
const limits = { maxWaitMs: 100, maxBytes: 10_000_000, partitionMaxBytes: 1_000_000 }
const content = { batchBytes: 16_000, recordSize: 1024, codec: 'none' }
const skip = process.platform === 'linux' ? false : 'needs Linux (/proc)'
/** @type {Subject} */
let subject

/** @param {string} name */
async function topicOfOne(name) {
  const topics = [{ name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }]
  await subject.controllerCall('createTopics', 7, { topics, timeoutMs: 60_000, validateOnly: false })
  await subject.cluster.waitInSync(name)
  return { topic: name, led: await subject.led(name) }
}

/** @param {{ topic: string, led: import('../../bench/generator/plan.mjs').Led[] }} where @returns {import('../../bench/generator/plan.mjs').ProducePlan} */
const producing = (where) => ({
  kind: 'produce',
  ...where,
  connections: 3,
  window: 5,
  content,
  idempotent: false,
  ratePerSecond: 0,
  warmUpSeconds: 0,
  seconds: patientSeconds,
  bytesMax: 1_000_000,
})

/** @param {{ topic: string, led: import('../../bench/generator/plan.mjs').Led[] }} where @returns {import('../../bench/generator/plan.mjs').FetchPlan} */
const reading = (where) => ({
  kind: 'fetch',
  ...where,
  connections: 1,
  from: 'beginning',
  limits,
  warmUpSeconds: 0,
  seconds: patientSeconds,
})

describe('the generator against a node', { skip }, () => {
  before(async () => {
    subject = new Subject('odradek', await startCluster({ kind: 'odradek', nodes: 1 }))
  })
  after(() => subject.stop())

  test('what idempotent producers have had acknowledged is read again by a consumer, whole', async () => {
    const where = await topicOfOne('closed')
    const meter = new Meter(subject.pids)
    const produced = await generate(
      { ...producing(where), idempotent: true },
      { onMeasuring: () => meter.begin(), onMeasured: () => meter.end() },
    )
    assert.deepEqual(produced.errors, {})
    assert.ok(produced.bytes >= 1_000_000 && produced.bytes === produced.records * content.recordSize)
    assert.equal(produced.latency.count, produced.requests)
    assert.ok(produced.latency.max >= produced.latency.p99)
    assert.ok(meter.sum('readBytes') >= 1_000_000, `${meter.sum('readBytes')}`)
    const fetched = await generate(reading(where))
    assert.ok(fetched.complete)
    // what was in flight at the end is there too
    const most = produced.records + 3 * 5 * (produced.records / produced.requests)
    assert.ok(fetched.records >= produced.records && fetched.records <= most, `${fetched.records} of ${produced.records}`)
  })

  test('at a given rate every request that was due is counted, however slow the machine', async () => {
    const where = await topicOfOne('open')
    const load = await generate({ ...producing(where), ratePerSecond: 50, seconds: 2, bytesMax: 1e9 })
    assert.deepEqual(load.errors, {})
    assert.ok(Math.abs(load.latency.count - 100) <= 4, `${load.latency.count}`)
  })

  test('an error of the cluster is told by its code', async () => {
    const { led } = await topicOfOne('known')
    const load = await generate({ ...producing({ topic: 'unknown', led }), seconds: 0.3 })
    assert.deepEqual(Object.keys(load.errors), ['3'])
    assert.equal(load.records, 0)
  })

  test('a broker that is not there is a failure with its reason', async () => {
    await assert.rejects(generate(producing({ topic: 't', led: [{ partition: 0, port: 1 }] })), /the load generator failed: .*ECONNREFUSED/)
  })
})
