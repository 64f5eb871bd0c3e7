import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ticket } from '../../../base/machine.ts'
import { Prng } from '../../../base/prng.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { MigrationPolicy } from '../../settings.ts'
import { writeAssignment } from '../../subscriptions/consumer-protocol.ts'
import { ClassicConsumer, NewConsumer } from './clients.test.ts'
import { Coordinator, topic } from './fixture.test.ts'

const partitionCount = 6
const stepMs = 1_000

/** A classic consumer with an eager assignor: it gives everything up before it joins. It knows nothing of the type of its group. */
class EagerConsumer {
  readonly client: ClassicConsumer
  private phase: 'out' | 'joining' | 'syncing' | 'in' = 'out'
  private sync: Ticket = -1

  constructor(coordinator: Coordinator, instanceId: string | null) {
    this.client = new ClassicConsumer(coordinator, { instanceId })
  }

  get owned(): readonly string[] {
    return this.client.owned
  }

  /** What it would do next; never more than one request that could wait. */
  step(): void {
    if (this.phase === 'in') this.beat()
    else if (this.phase === 'out') this.join()
    else if (this.phase === 'joining') this.takeJoin()
    else this.takeSync()
  }

  private beat(): void {
    const error = this.client.heartbeat()
    if (error !== ErrorCode.NONE) this.fail(error)
  }

  private fail(error: ErrorCode): void {
    this.client.owned = []
    this.phase = 'out'
    if (error === ErrorCode.REBALANCE_IN_PROGRESS) return
    this.client.generationId = -1
    if (error === ErrorCode.UNKNOWN_MEMBER_ID || error === ErrorCode.FENCED_INSTANCE_ID) this.client.memberId = ''
  }

  private join(): void {
    const error = this.client.startJoin()
    this.phase = 'joining'
    if (error !== null) this.takeJoin()
  }

  private takeJoin(): void {
    const response = this.client.joinResponse()
    if (response === null) return
    if (response.errorCode !== ErrorCode.NONE) return this.fail(response.errorCode as ErrorCode)
    this.client.endJoin()
    const isLeader = response.leader === response.memberId
    const assignments = response.members.map(({ memberId }, at) => ({
      memberId,
      assignment: writeAssignment(3, { assignedPartitions: [{ topic: 'orders', partitions: share(at, response.members.length) }] }),
    }))
    this.sync = this.client.sendSync(isLeader ? assignments : [])
    this.phase = 'syncing'
    this.takeSync()
  }

  private takeSync(): void {
    const error = this.client.syncError(this.sync)
    if (error === null) return
    if (error !== ErrorCode.NONE) return this.fail(error)
    this.client.takeSync(this.sync)
    this.phase = 'in'
  }

  /** It was in the group, and goes on as if nothing had happened. */
  resume(): void {
    this.phase = 'in'
  }

  leave(): void {
    if (this.client.memberId !== '') this.client.leave()
    this.client.owned = []
  }
}

function share(at: number, members: number): number[] {
  return Array.from({ length: partitionCount }, (_, partition) => partition).filter((partition) => partition % members === at)
}

/** A consumer of the consumer protocol that starts anew when it is put out. */
class FreshConsumer {
  readonly client: NewConsumer

  constructor(coordinator: Coordinator, memberId: string, instanceId: string | null) {
    this.client = new NewConsumer(coordinator, { memberId, instanceId })
  }

  get owned(): readonly string[] {
    return this.client.owned
  }

  step(): void {
    if (this.client.poll() === ErrorCode.NONE) return
    this.client.owned = []
    this.client.memberEpoch = 0
  }

  leave(): void {
    if (this.client.memberEpoch > 0) this.client.leave()
    this.client.owned = []
  }
}

type Consumer = EagerConsumer | FreshConsumer

class Run {
  readonly prng: Prng
  coordinator: Coordinator
  consumers: Consumer[] = []
  private made = 0
  readonly types = new Set<string>()

  constructor(seed: number) {
    this.prng = new Prng(seed)
    const policy = this.prng.pick<MigrationPolicy>(['bidirectional', 'bidirectional', 'bidirectional', 'upgrade', 'downgrade', 'disabled'])
    this.coordinator = new Coordinator({
      topics: [topic('orders', partitionCount)],
      config: { assignmentIntervalMs: this.prng.pick([0, 1_000]) },
      settings: { groupConsumerMigrationPolicy: policy },
    })
  }

  step(): void {
    if (this.prng.chance(0.25)) this.changeMembers()
    if (this.prng.chance(0.03)) this.moveCoordinator()
    for (const consumer of this.shuffled()) {
      consumer.step()
      this.check()
    }
    this.coordinator.pass(stepMs)
    this.check()
  }

  private changeMembers(): void {
    if (this.consumers.length < 5 && this.prng.chance(0.6)) return this.add()
    const gone = this.consumers.splice(this.prng.below(this.consumers.length), 1)
    // Or it just ends, and its session with it
    if (this.prng.chance(0.6)) for (const consumer of gone) consumer.leave()
  }

  private add(): void {
    this.made += 1
    const instanceId = this.freeInstance()
    this.consumers.push(
      this.prng.chance(0.5)
        ? new EagerConsumer(this.coordinator, instanceId)
        : new FreshConsumer(this.coordinator, `fresh-${this.made}`, instanceId),
    )
  }

  /** Of somebody who was there before, perhaps with the other protocol, or of nobody yet. */
  private freeInstance(): string | null {
    const instanceId = this.prng.pick([null, null, 'i0', 'i1', 'i2'])
    return this.consumers.some(({ client }) => client.instanceId === instanceId) ? null : instanceId
  }

  /** Requests that wait are lost with the connection. */
  private moveCoordinator(): void {
    this.coordinator = this.coordinator.successor()
    for (const consumer of this.consumers) consumer.client.coordinator = this.coordinator
    this.consumers = this.consumers.map((consumer) => (consumer instanceof EagerConsumer ? this.reconnected(consumer) : consumer))
  }

  private reconnected(consumer: EagerConsumer): EagerConsumer {
    const { memberId, instanceId, generationId, protocolName, owned } = consumer.client
    const same = new EagerConsumer(this.coordinator, instanceId)
    Object.assign(same.client, { memberId, generationId, protocolName, owned })
    if (owned.length > 0) same.resume()
    return same
  }

  private shuffled(): Consumer[] {
    return [...this.consumers].sort(() => this.prng.fraction() - 0.5)
  }

  check(): void {
    const owned = this.consumers.flatMap((consumer) => consumer.owned)
    assert.equal(new Set(owned).size, owned.length, `two own the same: ${owned.join()}`)
    const group = this.coordinator.group()
    if (group !== null) this.types.add(group.type)
  }

  /** Nobody comes or goes any more: everything is owned in the end. */
  settle(): void {
    if (this.consumers.length === 0) this.add()
    for (let round = 0; round < 120; round++) {
      for (const consumer of this.consumers) {
        consumer.step()
        this.check()
      }
      this.coordinator.pass(stepMs)
    }
    assert.equal(this.consumers.flatMap((consumer) => consumer.owned).length, partitionCount)
  }
}

test('members of both protocols come, go, crash and change coordinators: no partition has two owners, and in the end each has one', () => {
  const types = new Set<string>()
  for (let seed = 0; seed < 80; seed++) {
    const run = new Run(seed)
    try {
      for (let step = 0; step < 60; step++) run.step()
      run.settle()
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : ''}`, { cause: error })
    }
    for (const type of run.types) types.add(type)
  }
  assert.deepEqual([...types].sort(), ['classic', 'consumer'])
})
