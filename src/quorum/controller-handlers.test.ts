import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeId } from '../base/units.ts'
import { type Api, apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { frameSizeBytes, readResponse, writeRequest } from '../protocol/frames.ts'
import type { Draft, Schema } from '../protocol/schema.ts'
import { ClusterWorld } from '../sim/cluster-world.ts'

const timeoutMs = 5_000

async function cluster(seed: number) {
  const world = new ClusterWorld(3, seed)
  await world.startAll()
  const active = world.activeController()
  assert.ok(active !== null)
  return { world, active, other: active === 1 ? 2 : 1 }
}

/** Whole requests as a broker passes them on, over a connection to a controller. */
function envelopes(world: ClusterWorld, node: NodeId) {
  const peer = world.controllerPeer(node)
  return async <Req extends Schema>(api: Api<Req>, version: number, body: Draft<Req>) => {
    const requestData = Buffer.concat(writeRequest(api, version, 77, 'a client', body)).subarray(frameSizeBytes)
    return world.run(
      peer.request(
        apis.envelope,
        0,
        { requestData, requestPrincipal: null, clientHostAddress: Buffer.from([127, 0, 0, 1]) },
        { timeoutMs },
      ),
    )
  }
}

const topic = (name: string) => ({ topics: [{ name, numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] }], timeoutMs })

test('the active controller answers what is in an envelope, in the version of its client and with its correlation id', async () => {
  const { world, active } = await cluster(1)
  const send = envelopes(world, active)
  for (const version of [7, apis.createTopics.versionMin]) {
    const { errorCode, responseData } = await send(apis.createTopics, version, topic(`t-${version}`))
    assert.equal(errorCode, ErrorCode.NONE)
    assert.ok(responseData !== null)
    const { correlationId, body } = readResponse(apis.createTopics, version, responseData)
    assert.deepEqual([correlationId, body.topics[0]?.name, body.topics[0]?.errorCode], [77, `t-${version}`, ErrorCode.NONE])
    assert.ok(world.image().topics.byName(`t-${version}`) !== undefined)
  }
})

test('a controller that is not the active one says so of the envelope, and does nothing', async () => {
  const { world, other } = await cluster(2)
  const answer = await envelopes(world, other)(apis.createTopics, 7, topic('t'))
  assert.deepEqual([answer.errorCode, answer.responseData], [ErrorCode.NOT_CONTROLLER, null])
  assert.equal(world.image().topics.byName('t'), undefined)
})

test('only what clients may ask of a controller is taken out of an envelope', async () => {
  const { world, active } = await cluster(3)
  const send = envelopes(world, active)
  const heartbeat = { brokerId: 1, currentMetadataOffset: 0, wantFence: true, wantShutDown: true }
  assert.equal((await send(apis.brokerHeartbeat, 1, heartbeat)).errorCode, ErrorCode.INVALID_REQUEST)
  assert.equal((await send(apis.alterPartition, 3, { brokerId: 1, topics: [] })).errorCode, ErrorCode.INVALID_REQUEST)
  assert.equal((await send(apis.metadata, 12, { topics: null })).errorCode, ErrorCode.INVALID_REQUEST)
  const nested = { requestData: Buffer.alloc(0), requestPrincipal: null, clientHostAddress: Buffer.alloc(4) }
  assert.equal((await send(apis.envelope, 0, nested)).errorCode, ErrorCode.INVALID_REQUEST)
})

test('a version that the controller does not know is refused by the envelope', async () => {
  const { world, active } = await cluster(4)
  const send = envelopes(world, active)
  const request = Buffer.concat(writeRequest(apis.createTopics, 7, 77, 'a client', topic('t'))).subarray(frameSizeBytes)
  request.writeInt16BE(99, 2)
  const peer = world.controllerPeer(active)
  const body = { requestData: request, requestPrincipal: null, clientHostAddress: Buffer.alloc(4) }
  const answer = await world.run(peer.request(apis.envelope, 0, body, { timeoutMs }))
  assert.equal(answer.errorCode, ErrorCode.UNSUPPORTED_VERSION)
  assert.equal((await send(apis.createTopics, 7, topic('t'))).errorCode, ErrorCode.NONE)
})

test('an envelope whose content is not a request closes its connection, and the controller goes on', async () => {
  const { world, active } = await cluster(5)
  const peer = world.controllerPeer(active)
  for (const requestData of [Buffer.alloc(3), Buffer.concat([Buffer.from([0, 19, 0, 7, 0, 0, 0, 1]), Buffer.alloc(2, 0xff)])]) {
    const body = { requestData, requestPrincipal: null, clientHostAddress: Buffer.alloc(4) }
    await assert.rejects(world.run(peer.request(apis.envelope, 0, body, { timeoutMs })), { name: 'PeerError' })
  }
  assert.equal((await envelopes(world, active)(apis.createTopics, 7, topic('t'))).errorCode, ErrorCode.NONE)
})

test('every controller is registered with its endpoint soon after the start, and again after a restart as another incarnation', async () => {
  const { world, other } = await cluster(6)
  const registered = () => [1, 2, 3].every((id) => world.image().controllers.byId(id) !== undefined)
  await world.until(registered, 2_000)
  const before = world.image().controllers.byId(other)?.incarnationId
  world.kill(other)
  world.start(other)
  await world.until(() => world.image().controllers.byId(other)?.incarnationId !== before, 3_000)
  const leaderKilled = world.activeController()
  assert.ok(leaderKilled !== null)
  world.kill(leaderKilled)
  await world.until(() => world.activeController() !== null, 3_000)
  assert.ok(registered(), 'the next controller has it from the log')
})
