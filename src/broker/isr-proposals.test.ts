import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../protocol/errors.ts'
import type { IsrAnswer, PartitionEffect, PartitionInput } from '../replication/partition-replica.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../server/handlers.ts'
import { ControllerStand, standHost } from '../sim/controller-stand.ts'
import { ControllerChannel } from './controller-channel.ts'
import { IsrProposals } from './isr-proposals.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
type Request = RequestOf<'alterPartition'>

/** A partition that notes how its proposals are answered. */
class Proposer {
  readonly partition: number
  readonly answers: [number, IsrAnswer][] = []

  constructor(partition: number) {
    this.partition = partition
  }

  tell(input: PartitionInput): void {
    if (input.type === 'isrAnswered') this.answers.push([input.proposal, input.answer])
  }

  get errors(): readonly [number, number][] {
    return this.answers.map(([proposal, { error }]) => [proposal, error])
  }
}

const proposal = (number: number, isr: readonly number[], partitionEpoch = 5): Extract<PartitionEffect, { type: 'proposeIsr' }> => ({
  type: 'proposeIsr',
  proposal: number,
  topicId,
  isr: isr.map((brokerId) => ({ brokerId, brokerEpoch: 10 + brokerId })),
  leaderEpoch: 3,
  partitionEpoch,
  leaderRecoveryState: 0,
})

/** Grants all that is asked. */
function granted(request: Request): ResponseDraftOf<'alterPartition'> {
  const topics = request.topics.map((topic) => ({
    topicId: topic.topicId,
    partitions: topic.partitions.map((it) => ({
      partitionIndex: it.partitionIndex,
      errorCode: ErrorCode.NONE,
      leaderId: request.brokerId,
      leaderEpoch: it.leaderEpoch,
      isr: it.newIsrWithEpochs.map(({ brokerId }) => brokerId),
      partitionEpoch: it.partitionEpoch + 1,
    })),
  }))
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, topics }
}

async function setUp(handler: Handler<'alterPartition'> = granted) {
  const stand = new ControllerStand()
  const requests: Request[] = []
  const alterPartition: Handler<'alterPartition'> = (request, context) => {
    requests.push(request)
    return handler(request, context)
  }
  await stand.listen(1, { alterPartition })
  stand.leads(1)
  const channel = new ControllerChannel(stand.ports, 'test', () => stand.leader)
  return { stand, requests, proposals: new IsrProposals(stand.ports, channel, 7, () => 70) }
}

const indexesOf = (request: Request | undefined) => request?.topics.flatMap((it) => it.partitions.map((p) => p.partitionIndex))

test('the proposals of one turn go in one request, and those that come meanwhile in the next', async () => {
  const { stand, requests, proposals } = await setUp()
  const [first, second, third] = [new Proposer(0), new Proposer(1), new Proposer(2)]
  proposals.propose(first, proposal(1, [7, 8]))
  proposals.propose(second, proposal(1, [7]))
  await stand.clock.advance(1)
  proposals.propose(third, proposal(1, [7, 9]))
  await stand.clock.advance(1_000)
  assert.deepEqual(requests.map(indexesOf), [[0, 1], [2]])
  assert.deepEqual([requests[0]?.brokerId, requests[0]?.brokerEpoch], [7, 70])
  assert.deepEqual(first.answers, [[1, { error: ErrorCode.NONE, isr: [7, 8], leaderEpoch: 3, partitionEpoch: 6 }]])
  assert.deepEqual([second.errors, third.errors], [[[1, 0]], [[1, 0]]])
})

test('of two proposals of one partition only the newest is sent, and each has its answer', async () => {
  const { stand, requests, proposals } = await setUp()
  const [one, other] = [new Proposer(0), new Proposer(1)]
  proposals.propose(one, proposal(1, [7, 8], 5))
  proposals.propose(other, proposal(1, [7, 8], 5))
  proposals.propose(one, proposal(2, [7, 9], 6))
  await stand.clock.advance(1_000)
  assert.deepEqual(
    requests.map((it) => indexesOf(it)?.sort()),
    [[0, 1]],
  )
  assert.deepEqual(one.errors, [
    [1, ErrorCode.OPERATION_NOT_ATTEMPTED],
    [2, ErrorCode.NONE],
  ])
  assert.deepEqual(other.errors, [[1, ErrorCode.NONE]])
})

test('a request that is refused as a whole refuses each proposal, and one that the answer leaves out is an error too', async () => {
  for (const [errorCode, expected] of [
    [ErrorCode.STALE_BROKER_EPOCH, ErrorCode.STALE_BROKER_EPOCH],
    [ErrorCode.NONE, ErrorCode.UNKNOWN_SERVER_ERROR],
  ] as const) {
    const { stand, proposals } = await setUp(() => ({ throttleTimeMs: 0, errorCode, topics: [] }))
    const partition = new Proposer(0)
    proposals.propose(partition, proposal(1, [7]))
    await stand.clock.advance(1_000)
    assert.deepEqual(partition.errors, [[1, expected]])
  }
})

test('a partition is refused by itself', async () => {
  const { stand, proposals } = await setUp((request) => ({
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    topics: request.topics.map((topic) => ({
      topicId: topic.topicId,
      partitions: topic.partitions.map((it) => ({
        partitionIndex: it.partitionIndex,
        errorCode: it.partitionIndex === 0 ? ErrorCode.INELIGIBLE_REPLICA : ErrorCode.NONE,
        leaderId: 7,
        leaderEpoch: 3,
        isr: [7],
        partitionEpoch: 6,
      })),
    })),
  }))
  const [one, other] = [new Proposer(0), new Proposer(1)]
  proposals.propose(one, proposal(4, [7, 8]))
  proposals.propose(other, proposal(9, [7]))
  await stand.clock.advance(1_000)
  assert.deepEqual([one.errors, other.errors], [[[4, ErrorCode.INELIGIBLE_REPLICA]], [[9, ErrorCode.NONE]]])
})

test('an answer that is lost is an unknown outcome: it is said once, and the request is not sent again by itself', async () => {
  const { stand, requests, proposals } = await setUp(() => new Promise(() => {}))
  const [partition, next] = [new Proposer(0), new Proposer(1)]
  proposals.propose(partition, proposal(1, [7]))
  await stand.clock.advance(50)
  stand.network.kill(standHost, 1)
  await stand.clock.advance(500)
  assert.deepEqual(partition.errors, [[1, ErrorCode.NETWORK_EXCEPTION]])
  assert.equal(requests.length, 1)
  await stand.listen(1, { alterPartition: granted })
  proposals.propose(next, proposal(1, [7]))
  await stand.clock.advance(1_000)
  assert.deepEqual(next.errors, [[1, ErrorCode.NONE]])
})

test('what a partition proposes while it is answered goes in a request of its own', async () => {
  const { stand, requests, proposals } = await setUp()
  const partition = new Proposer(0)
  const tell = partition.tell.bind(partition)
  partition.tell = (input) => {
    tell(input)
    if (partition.answers.length === 1) proposals.propose(partition, proposal(2, [7, 8], 6))
  }
  proposals.propose(partition, proposal(1, [7]))
  await stand.clock.advance(1_000)
  assert.equal(requests.length, 2)
  assert.deepEqual(partition.errors, [
    [1, ErrorCode.NONE],
    [2, ErrorCode.NONE],
  ])
})
