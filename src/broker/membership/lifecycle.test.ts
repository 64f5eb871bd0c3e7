import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handlers, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import { ControllerStand } from '../../sim/controller-stand.ts'
import { ControllerChannel } from '../controller-channel.ts'
import { BrokerLifecycle, RegistrationRefusedError } from './lifecycle.ts'

type Heartbeat = RequestOf<'brokerHeartbeat'>
type HeartbeatAnswer = ResponseDraftOf<'brokerHeartbeat'>

const heartbeatIntervalMs = 200
const sessionTimeoutMs = 1_300
const fine: HeartbeatAnswer = { throttleTimeMs: 0, errorCode: ErrorCode.NONE, isCaughtUp: true, isFenced: false, shouldShutDown: false }

async function setUp(script: { readonly register?: () => [number, number]; readonly beat?: (request: Heartbeat) => HeartbeatAnswer } = {}) {
  const stand = new ControllerStand()
  const registrations: RequestOf<'brokerRegistration'>[] = []
  const beats: (Heartbeat & { readonly at: number })[] = []
  const broker = { metadataOffset: 5, registered: 0 }
  const handlers: Handlers = {
    brokerRegistration: (request) => {
      registrations.push(request)
      const [errorCode, brokerEpoch] = script.register?.() ?? [ErrorCode.NONE, 40 + registrations.length]
      return { throttleTimeMs: 0, errorCode, brokerEpoch }
    },
    brokerHeartbeat: (request) => {
      beats.push({ ...request, at: stand.clock.mono() })
      return script.beat?.(request) ?? fine
    },
  }
  await stand.listen(1, handlers)
  stand.leads(1)
  const channel = new ControllerChannel(stand.ports, 'test', () => stand.leader)
  const lifecycle = new BrokerLifecycle(stand.ports, channel, {
    brokerId: 7,
    heartbeatIntervalMs,
    sessionTimeoutMs,
    requestTimeoutMs: 1_000,
    registrationTimeoutMs: 3_000,
    registration: (previousBrokerEpoch) => ({
      brokerId: 7,
      clusterId: 'c',
      incarnationId: 'AAAAAAAAAAAAAAAAAAAABw',
      listeners: [],
      features: [],
      rack: null,
      logDirs: [],
      previousBrokerEpoch,
    }),
    metadataOffset: () => broker.metadataOffset,
    offlineLogDirs: () => [],
    onRegistered: () => void (broker.registered += 1),
  })
  return { stand, handlers, lifecycle, registrations, beats, broker }
}

test('a broker registers with its epoch of before, beats, and is in service once it is unfenced', async () => {
  const { stand, lifecycle, registrations, beats, broker } = await setUp()
  await stand.run(lifecycle.start(33))
  assert.equal(registrations[0]?.previousBrokerEpoch, 33)
  assert.deepEqual([lifecycle.state, lifecycle.brokerEpoch, broker.registered], ['running', 41, 1])
  assert.deepEqual([beats[0]?.brokerEpoch, beats[0]?.currentMetadataOffset, beats[0]?.wantShutDown], [41, 5, false])
  await stand.clock.advance(heartbeatIntervalMs * 5)
  assert.ok(beats.length >= 5 && beats.length <= 6)
  lifecycle.stop()
})

test('a fenced broker says so at once when it has applied more metadata; one in service does not, unless another one leaves', async () => {
  let fenced = true
  const { stand, lifecycle, beats, broker } = await setUp({ beat: () => ({ ...fine, isFenced: fenced }) })
  const starting = lifecycle.start(-1)
  await stand.clock.advance(20)
  assert.deepEqual([lifecycle.state, beats.length], ['fenced', 1])
  broker.metadataOffset = 9
  fenced = false
  lifecycle.onMetadataApplied(false)
  await stand.run(starting, 10)
  assert.equal(beats.at(-1)?.currentMetadataOffset, 9)
  const before = beats.length
  lifecycle.onMetadataApplied(false)
  await stand.clock.advance(20)
  assert.equal(beats.length, before)
  lifecycle.onMetadataApplied(true)
  await stand.clock.advance(20)
  assert.equal(beats.length, before + 1)
  lifecycle.stop()
})

test('the lease counts from the sending of the last heartbeat that was answered, and a fence ends it', async () => {
  let fenced = false
  const { stand, lifecycle, beats } = await setUp({ beat: () => ({ ...fine, isFenced: fenced }) })
  assert.ok(lifecycle.leaseUntil < stand.clock.mono(), 'none before the first answer')
  await stand.run(lifecycle.start(-1))
  await stand.clock.advance(heartbeatIntervalMs * 3 + 20)
  const last = beats.at(-1)?.at ?? 0
  assert.ok(lifecycle.leaseUntil <= last + sessionTimeoutMs && lifecycle.leaseUntil > last + sessionTimeoutMs - heartbeatIntervalMs)
  fenced = true
  await stand.clock.advance(heartbeatIntervalMs + 20)
  assert.ok(lifecycle.leaseUntil < stand.clock.mono())
  lifecycle.stop()
})

test('what is applied while a heartbeat is under way is said right after it', async () => {
  const { stand, lifecycle, beats, broker } = await setUp({ beat: (request) => ({ ...fine, isFenced: request.currentMetadataOffset < 8 }) })
  const starting = lifecycle.start(-1)
  await stand.clock.advance(3)
  broker.metadataOffset = 8
  lifecycle.onMetadataApplied(false)
  lifecycle.onMetadataApplied(false)
  await stand.run(starting, 20)
  assert.deepEqual(
    beats.map((it) => it.currentMetadataOffset),
    beats.length === 1 ? [8] : [5, 8],
  )
  lifecycle.stop()
})

test('an error that no waiting mends ends the start at once, with what to do about it', async () => {
  for (const [error, advice] of [
    [ErrorCode.INCONSISTENT_CLUSTER_ID, /another cluster.*Check log\.dirs/],
    [ErrorCode.UNSUPPORTED_VERSION, /kafka-features downgrade/],
    [ErrorCode.INVALID_REGISTRATION, /meta\.properties/],
  ] as const) {
    const { stand, lifecycle } = await setUp({ register: () => [error, -1] })
    const from = stand.clock.mono()
    await assert.rejects(stand.run(lifecycle.start(-1)), (thrown: unknown) => {
      assert.ok(thrown instanceof RegistrationRefusedError)
      assert.match(thrown.message, advice)
      return true
    })
    assert.ok(stand.clock.mono() - from < 50)
  }
})

test('a broker whose predecessor is still believed alive tries until it is let in, and gives up when its time is over', async () => {
  let refusals = 0
  const { stand, lifecycle, registrations } = await setUp({
    register: () => ((refusals += 1) <= 5 ? [ErrorCode.DUPLICATE_BROKER_REGISTRATION, -1] : [ErrorCode.NONE, 77]),
  })
  await stand.run(lifecycle.start(-1))
  assert.deepEqual([registrations.length, lifecycle.brokerEpoch], [6, 77])
  assert.equal(stand.lines.filter((line) => line.includes('registration-waits')).length, 1)
  lifecycle.stop()

  const never = await setUp({ register: () => [ErrorCode.DUPLICATE_BROKER_REGISTRATION, -1] })
  const from = never.stand.clock.mono()
  await assert.rejects(never.stand.run(never.lifecycle.start(-1)), /DUPLICATE_BROKER_REGISTRATION/)
  const took = never.stand.clock.mono() - from
  assert.ok(took >= 3_000 && took < 3_200, `it took ${took} ms`)
})

test('a broker that the controller has forgotten registers again with its epoch', async () => {
  let forgotten = false
  const { stand, lifecycle, registrations, broker } = await setUp({
    beat: (request) => (forgotten && request.brokerEpoch === 41 ? { ...fine, errorCode: ErrorCode.STALE_BROKER_EPOCH } : fine),
  })
  await stand.run(lifecycle.start(-1))
  forgotten = true
  await stand.clock.advance(heartbeatIntervalMs + 50)
  assert.deepEqual([registrations.length, registrations[1]?.previousBrokerEpoch, broker.registered], [2, 41, 2])
  assert.deepEqual([lifecycle.state, lifecycle.brokerEpoch], ['running', 42])
  lifecycle.stop()
})

test('a broker that leaves asks until the controller lets it go', async () => {
  let asked = 0
  const { stand, lifecycle, beats } = await setUp({
    beat: (request) => ({ ...fine, shouldShutDown: request.wantShutDown && (asked += 1) >= 3 }),
  })
  await stand.run(lifecycle.start(-1))
  const from = stand.clock.mono()
  await stand.run(lifecycle.leave(5_000))
  assert.ok(stand.clock.mono() - from < 60, 'it does not wait for its next heartbeat')
  assert.ok(beats.at(-1)?.wantShutDown)
  lifecycle.stop()
  const before = beats.length
  await stand.clock.advance(1_000)
  assert.equal(beats.length, before)
})

test('a broker that nobody lets go leaves when its time is over, and says so', async () => {
  const { stand, lifecycle } = await setUp()
  await stand.run(lifecycle.start(-1))
  const from = stand.clock.mono()
  await stand.run(lifecycle.leave(700))
  assert.ok(stand.clock.mono() - from >= 700 && stand.clock.mono() - from < 720)
  assert.ok(stand.lines.some((line) => line.includes('shutdown-unanswered')))
  lifecycle.stop()
})

test('a broker that leaves when no controller answers any more does not wait for the whole of its time', async () => {
  const { stand, lifecycle } = await setUp()
  await stand.run(lifecycle.start(-1))
  stand.network.kill('127.0.0.1', 1)
  stand.nobodyLeads()
  const from = stand.clock.mono()
  await stand.run(lifecycle.leave(10_000))
  assert.ok(stand.clock.mono() - from < 3_000)
  assert.ok(stand.lines.some((line) => line.includes('shutdown-alone')))
  lifecycle.stop()
})

test('a running broker that the controller has fenced comes back when it is unfenced', async () => {
  let fenced = false
  const { stand, lifecycle } = await setUp({ beat: () => ({ ...fine, isFenced: fenced }) })
  await stand.run(lifecycle.start(-1))
  fenced = true
  await stand.clock.advance(heartbeatIntervalMs + 10)
  assert.equal(lifecycle.state, 'fenced')
  fenced = false
  lifecycle.onMetadataApplied(false)
  await stand.clock.advance(10)
  assert.equal(lifecycle.state, 'running')
  lifecycle.stop()
})

test('without a controller a broker goes on asking, and is heard by the next one', async () => {
  const { stand, handlers, lifecycle, beats } = await setUp()
  await stand.run(lifecycle.start(-1))
  stand.network.kill('127.0.0.1', 1)
  stand.nobodyLeads()
  await stand.clock.advance(3_000)
  const before = beats.length
  await stand.listen(2, handlers)
  stand.leads(2)
  await stand.clock.advance(heartbeatIntervalMs + 100)
  assert.ok(beats.length > before)
  assert.ok(stand.lines.some((line) => line.includes('heartbeat-unanswered')))
  lifecycle.stop()
})
