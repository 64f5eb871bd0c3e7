import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextOf } from '../sim/broker/fake-broker.ts'
import { Gate } from './gate.ts'

test('a request that comes early is answered in the turn in which the gate opens; later ones are answered at once', async () => {
  const gate = new Gate()
  const seen: number[] = []
  const { describeCluster } = gate.guard({
    describeCluster: (_request, context) => {
      seen.push(context.correlationId)
      return { throttleTimeMs: 0, errorCode: 0, clusterId: 'c', controllerId: 1, brokers: [] }
    },
  })
  assert.ok(describeCluster !== undefined)
  const body = { includeClusterAuthorizedOperations: false, endpointType: 1, includeFencedBrokers: false }
  const early = [1, 2].map((correlationId) => describeCluster(body, { ...contextOf(1), correlationId }))
  await new Promise((resolve) => void setImmediate(resolve))
  assert.deepEqual(seen, [])
  gate.open()
  await Promise.all(early.map((it) => Promise.resolve(it)))
  assert.deepEqual(seen, [1, 2])
  assert.ok(!(describeCluster(body, { ...contextOf(1), correlationId: 3 }) instanceof Promise))
  assert.deepEqual(seen, [1, 2, 3])
})
