import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import { ControllerStand } from '../../sim/controller-stand.ts'
import { ControllerChannel } from '../controller-channel.ts'
import { DirectoryAssignments } from './directory-assignments.ts'

type Request = RequestOf<'assignReplicasToDirs'>
type Response = ResponseDraftOf<'assignReplicasToDirs'>

const topicId = 'AAAAAAAAAAAAAAAAAAAAZQ'
const [idA, idB] = ['BBBBBBBBBBBBBBBBBBBBBQ', 'CCCCCCCCCCCCCCCCCCCCCQ']

function answered(request: Request, errorOf: (partition: number) => number = () => 0, errorCode = 0): Response {
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map((topic) => ({
      topicId: topic.topicId,
      partitions: topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: errorOf(partitionIndex) })),
    })),
  }))
  return { throttleTimeMs: 0, errorCode, directories }
}

async function setUp(handler: Handler<'assignReplicasToDirs'> = (request) => answered(request)) {
  const stand = new ControllerStand()
  const requests: Request[] = []
  const assignReplicasToDirs: Handler<'assignReplicasToDirs'> = (request, context) => {
    requests.push(request)
    return handler(request, context)
  }
  await stand.listen(1, { assignReplicasToDirs })
  stand.leads(1)
  const channel = new ControllerChannel(stand.ports, 'test', () => stand.leader)
  return { stand, requests, assignments: new DirectoryAssignments(stand.ports, channel, 7, () => 70) }
}

const shown = (request: Request | undefined) =>
  request?.directories.flatMap(({ id, topics }) => topics.flatMap((it) => it.partitions.map((p) => `${id[0]}${p.partitionIndex}`)))

test('what one turn tells goes in one request, by directory, and of a replica the newest word', async () => {
  const { stand, requests, assignments } = await setUp()
  assignments.tell({ topicId, partition: 0, directory: idA })
  assignments.tell({ topicId, partition: 1, directory: idB })
  assignments.tell({ topicId, partition: 2, directory: idA })
  assignments.tell({ topicId, partition: 0, directory: idB })
  assignments.tell({ topicId, partition: 3, directory: idA })
  assignments.forget(topicId, 3)
  await stand.clock.advance(1_000)
  assert.deepEqual(requests.map(shown), [['B2', 'C1', 'C0'].sort((x, y) => (x[0] === y[0] ? 0 : x[0] === 'C' ? -1 : 1))])
  assert.deepEqual([requests[0]?.brokerId, requests[0]?.brokerEpoch], [7, 70])
  assert.equal(assignments.isUntold(idA), false)
})

test('what the controller does not take is told again, and what is over is not', async () => {
  let refusing = true
  const { stand, requests, assignments } = await setUp((request) => {
    if (!refusing) return answered(request)
    return answered(request, (partition) => [ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.UNKNOWN_TOPIC_ID][partition] ?? 0)
  })
  for (const partition of [0, 1, 2]) assignments.tell({ topicId, partition, directory: idA })
  await stand.clock.advance(250)
  assert.equal(assignments.isUntold(idA), true)
  refusing = false
  await stand.clock.advance(2_000)
  assert.deepEqual(shown(requests[0]), ['B0', 'B1', 'B2'])
  assert.ok(requests.length >= 2 && requests.slice(1).every((it) => shown(it)?.join() === 'B0'))
  assert.equal(assignments.isUntold(idA), false)
})

test('a request that is refused as a whole, or that finds no controller, is sent again with pauses that grow', async () => {
  const { stand, requests, assignments } = await setUp((request) => answered(request, () => 0, ErrorCode.STALE_BROKER_EPOCH))
  assignments.tell({ topicId, partition: 0, directory: idA })
  await stand.clock.advance(3_000)
  const soon = requests.length
  assert.ok(soon >= 3 && soon <= 7, `${soon} requests`)
  stand.nobodyLeads()
  await stand.clock.advance(30_000)
  assert.equal(assignments.isUntold(idA), true)
  assignments.stop()
  const sent = requests.length
  stand.leads(1)
  await stand.clock.advance(30_000)
  assert.equal(requests.length, sent)
})
