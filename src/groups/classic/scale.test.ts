import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { ClassicClient, Coordinator, settle } from './fixture.test.ts'

test('A thousand members join, sync, send heartbeats and rebalance without work that grows with their square', () => {
  const coordinator = new Coordinator()
  const clients = Array.from({ length: 1_000 }, () => new ClassicClient(coordinator))
  settle(clients, () => coordinator.pass(6_000))
  assert.equal(coordinator.group().members.size, 1_000)
  for (const client of clients) assert.equal(client.heartbeat(), ErrorCode.NONE)
  settle(clients)
  assert.deepEqual([coordinator.group().generationId, coordinator.group().state], [2, 'Stable'])
})
