import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { ControllerStand, standHost } from '../sim/controller-stand.ts'
import { ControllerChannel, NoControllerError } from './controller-channel.ts'

const body = { brokerId: 1, currentMetadataOffset: 0, wantFence: false, wantShutDown: false }
const answer = { throttleTimeMs: 0, errorCode: ErrorCode.NONE, isCaughtUp: true, isFenced: false, shouldShutDown: false }

function setUp() {
  const stand = new ControllerStand()
  const channel = new ControllerChannel(stand.ports, 'test', () => stand.leader)
  const ask = (timeoutMs = 1_000, once = false) =>
    channel.request(apis.brokerHeartbeat, 1, body, { timeoutMs, errorOf: (it) => it.errorCode, once })
  return { stand, channel, ask }
}

test('a request waits until a controller is known, and is sent as soon as there is word of one', async () => {
  const { stand, channel, ask } = setUp()
  await stand.listen(1, { brokerHeartbeat: () => answer })
  const asking = ask()
  await stand.clock.advance(110)
  const from = stand.clock.mono()
  stand.leads(1)
  channel.onLeaderChange()
  assert.equal((await stand.run(asking)).errorCode, ErrorCode.NONE)
  assert.ok(stand.clock.mono() - from < 10)
})

test('NOT_CONTROLLER sends a request on to the controller that is known next', async () => {
  const { stand, channel, ask } = setUp()
  let refusals = 0
  await stand.listen(1, { brokerHeartbeat: () => ({ ...answer, errorCode: ErrorCode.NOT_CONTROLLER, throttleTimeMs: (refusals += 1) }) })
  await stand.listen(2, { brokerHeartbeat: () => ({ ...answer, throttleTimeMs: 22 }) })
  stand.leads(1)
  const asking = ask()
  await stand.clock.advance(60)
  assert.ok(refusals > 1)
  stand.leads(2)
  channel.onLeaderChange()
  assert.equal((await stand.run(asking)).throttleTimeMs, 22)
})

test('a request that was sent to a controller that leads no more is given up when there is word of the next, and sent there', async () => {
  const { stand, channel, ask } = setUp()
  await stand.listen(1, { brokerHeartbeat: () => new Promise(() => {}) })
  await stand.listen(2, { brokerHeartbeat: () => answer })
  stand.leads(1)
  const asking = ask(5_000)
  await stand.clock.advance(100)
  stand.leads(2)
  channel.onLeaderChange()
  const from = stand.clock.mono()
  await stand.run(asking)
  assert.ok(stand.clock.mono() - from < 40)
})

test('a request whose connection breaks is sent again', async () => {
  const { stand, ask } = setUp()
  let count = 0
  await stand.listen(1, { brokerHeartbeat: () => ((count += 1) === 1 ? new Promise(() => {}) : answer) })
  stand.leads(1)
  const asking = ask(5_000)
  await stand.clock.advance(20)
  stand.network.kill(standHost, 1)
  await stand.listen(1, { brokerHeartbeat: () => ((count += 1) === 1 ? new Promise(() => {}) : answer) })
  await stand.run(asking)
  assert.equal(count, 2)
})

test('a request that is to be made once is not sent again when its answer is lost, but is when nobody was reached', async () => {
  const { stand, ask } = setUp()
  stand.leads(1)
  const reaching = ask(5_000, true)
  await stand.clock.advance(80)
  let count = 0
  await stand.listen(1, { brokerHeartbeat: () => ((count += 1) === 1 ? answer : new Promise(() => {})) })
  await stand.run(reaching)
  const lost = ask(5_000, true)
  lost.catch(() => {})
  await stand.clock.advance(20)
  stand.network.kill(standHost, 1)
  await stand.listen(1, { brokerHeartbeat: () => ((count += 1), answer) })
  await assert.rejects(stand.run(lost), NoControllerError)
  await stand.clock.advance(500)
  assert.equal(count, 2)
})

test('without a controller a request is given up at its deadline, and at once when the channel is closed', async () => {
  const { stand, channel, ask } = setUp()
  const from = stand.clock.mono()
  await assert.rejects(stand.run(ask(300)), /no active controller is known/)
  assert.ok(stand.clock.mono() - from >= 300 && stand.clock.mono() - from < 310)
  const second = ask(5_000)
  second.catch(() => {})
  await stand.clock.advance(10)
  channel.close()
  await stand.clock.advance(1)
  await assert.rejects(second, NoControllerError)
})
