import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import type { Uuid } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { type Answer, Bench, checkGroup, groupId, type Heartbeat, topic } from './fixture.test.ts'

const subscriptions = [['orders'], ['clicks'], ['orders', 'clicks'], ['orders', 'views']] as const
const expressions = ['', 'orders.*', '.*s']

/**
 * A consumer as the protocol wants it: it uses what it was assigned, and gives up what it is to give up before it says so. Its requests and the answers to
 * them may be lost; then it says everything again. `using` is the truth about it.
 */
class Consumer {
  readonly name: string
  readonly bench: Bench
  readonly random: Prng
  readonly instanceId: string | null
  memberId: string
  epoch = 0
  using: ReadonlySet<string> = new Set()
  /** What it has not given up yet, though it was told to. */
  giving: ReadonlySet<string> = new Set()
  /** Paused, crashed or gone: it sends nothing, and knows nothing of what happens. */
  silent = false
  /** Does at once what it is told, and says so. */
  isPrompt = false
  names: readonly string[]
  regex = ''
  private incarnation = 0
  private sayAll = true

  constructor(bench: Bench, random: Prng, name: string, isStatic: boolean) {
    this.bench = bench
    this.random = random
    this.name = name
    this.memberId = name
    this.instanceId = isStatic ? `instance-${name}` : null
    this.names = this.pick(subscriptions)
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.random.below(from.length)]
    assert.ok(one !== undefined)
    return one
  }

  /** `loss` of requests and of answers, each by 1 of so many; 0: none. */
  beat(loss: number): void {
    if (this.epoch === 0) this.using = new Set()
    this.letGo()
    const request = this.request()
    if (loss > 0 && this.random.below(loss) === 0) return this.missed()
    const answer = this.bench.beat(request)
    if (loss > 0 && this.random.below(loss) === 0) return this.missed()
    this.hear(answer)
  }

  private dawdles(): boolean {
    return !this.isPrompt && this.random.below(2) === 0
  }

  private missed(): void {
    this.sayAll = true
  }

  private letGo(): void {
    if (this.giving.size === 0 || this.dawdles()) return
    this.using = new Set([...this.using].filter((partition) => !this.giving.has(partition)))
    this.giving = new Set()
  }

  private request(): Partial<Heartbeat> {
    const who = { memberId: this.memberId, memberEpoch: this.epoch, instanceId: this.instanceId }
    if (!this.sayAll && this.epoch > 0) return { ...who, topicPartitions: this.dawdles() ? null : this.topicPartitions() }
    const subscribed = { subscribedTopicNames: this.names, subscribedTopicRegex: this.regex }
    return { ...who, ...subscribed, rebalanceTimeoutMs: 10_000, topicPartitions: this.epoch === 0 ? [] : this.topicPartitions() }
  }

  private topicPartitions(): { topicId: Uuid; partitions: number[] }[] {
    const byTopic = new Map<Uuid, number[]>()
    for (const key of this.using) {
      const [id = '', partition = ''] = key.split(' ')
      byTopic.set(id, [...(byTopic.get(id) ?? []), Number(partition)])
    }
    return [...byTopic].map(([id, partitions]) => ({ topicId: id, partitions }))
  }

  private hear(answer: Answer): void {
    this.sayAll = false
    switch (answer.errorCode) {
      case ErrorCode.NONE:
        break
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_MEMBER_EPOCH:
      case ErrorCode.GROUP_ID_NOT_FOUND:
        return this.startAnew()
      case ErrorCode.UNRELEASED_INSTANCE_ID:
      case ErrorCode.FENCED_INSTANCE_ID:
        return this.startAnew()
      default:
        assert.fail(`${answer.errorCode} ${answer.errorMessage}`)
    }
    assert.ok(answer.memberEpoch >= this.epoch, `${this.name} goes from ${this.epoch} to ${answer.memberEpoch}`)
    this.epoch = answer.memberEpoch
    if (answer.assignment === null) return
    const assigned = answer.assignment.topicPartitions.flatMap(({ topicId, partitions }) => partitions.map((one) => `${topicId} ${one}`))
    this.giving = new Set([...this.using].filter((partition) => !assigned.includes(partition)))
    this.using = new Set([...this.using, ...assigned])
  }

  startAnew(): void {
    this.using = new Set()
    this.giving = new Set()
    this.epoch = 0
    this.sayAll = true
  }

  /** For good, or for a while; the answer does not matter. A static one comes back under another id. */
  leave(forAWhile: boolean): void {
    if (this.epoch === 0) return
    this.bench.beat({ memberId: this.memberId, memberEpoch: forAWhile ? -2 : -1, instanceId: this.instanceId })
    this.startAnew()
    this.incarnation += 1
    if (forAWhile) this.memberId = `${this.name}-${this.incarnation}`
  }

  subscribe(): void {
    this.names = this.pick(subscriptions)
    this.regex = this.pick(expressions)
    this.sayAll = true
  }

  /** The coordinator has not put it out since it was told its epoch. */
  get isMember(): boolean {
    const group = this.bench.state.groups.get(groupId)
    return this.epoch > 0 && group?.type === 'consumer' && group.members.has(this.memberId)
  }

  mayCommit(key: string): boolean {
    const [id = '', partition = ''] = key.split(' ')
    const caller = { memberId: this.memberId, groupInstanceId: this.instanceId, generationIdOrMemberEpoch: this.epoch, version: 10 }
    const target = { topic: '', topicId: id, partition: Number(partition) }
    return this.bench.group().commitError(caller, target) === ErrorCode.NONE
  }
}

class Run {
  readonly bench = new Bench({ topics: [topic('orders', 5), topic('clicks', 3)] })
  readonly random: Prng
  readonly consumers: readonly Consumer[]
  private epoch = 0
  private made = 0

  constructor(seed: number) {
    this.random = new Prng(seed)
    this.bench.config.assignmentIntervalMs = this.random.below(2) * 1_000
    this.consumers = Array.from({ length: 5 }, (_, at) => new Consumer(this.bench, this.random, `c${at}`, at % 3 === 2))
  }

  step(): void {
    const consumer = this.consumers[this.random.below(this.consumers.length)]
    assert.ok(consumer !== undefined)
    this.act(consumer)
    this.bench.pass(this.random.below(1_500))
    this.check()
  }

  private act(consumer: Consumer): void {
    const dice = this.random.below(100)
    if (dice < 75) {
      if (!consumer.silent) consumer.beat(8)
    } else if (dice < 80) consumer.subscribe()
    else if (dice < 84) consumer.silent = !consumer.silent
    else if (dice < 88) consumer.leave(false)
    else if (dice < 92) consumer.leave(consumer.instanceId !== null)
    else if (dice < 96) this.changeTopics()
    else this.bench.failOver()
  }

  private changeTopics(): void {
    this.made += 1
    const dice = this.random.below(4)
    if (dice === 0) this.bench.setTopics(topic('orders', 1 + this.random.below(6), this.made))
    else if (dice === 1) this.bench.removeTopic('clicks')
    else if (dice === 2) this.bench.setTopics(topic('clicks', 3 + this.random.below(3)))
    else this.bench.setTopics(topic('views', 1 + this.random.below(3), this.made))
  }

  private check(): void {
    const group = this.bench.state.groups.get(groupId)
    if (group?.type !== 'consumer') return
    checkGroup(group)
    assert.ok(group.groupEpoch >= this.epoch, 'the group epoch goes back')
    this.epoch = group.groupEpoch
    this.checkOwners()
  }

  /** No partition is used by two members that are in the group, and none may be committed for by two (G-1, G-5). */
  private checkOwners(): void {
    const users = new Map<string, Consumer>()
    const committers = new Map<string, Consumer>()
    for (const consumer of this.consumers) {
      for (const key of consumer.using) {
        if (consumer.isMember) {
          assert.equal(users.get(key)?.name, undefined, `${key} is used by ${users.get(key)?.name} and ${consumer.name}`)
          users.set(key, consumer)
        }
        if (consumer.epoch === 0 || !consumer.mayCommit(key)) continue
        assert.equal(committers.get(key)?.name, undefined, `${key} is committed for by ${committers.get(key)?.name} and ${consumer.name}`)
        committers.set(key, consumer)
      }
    }
  }

  /** All faults end: within a few rounds of heartbeats everybody has and uses its target, and every partition is somebody's. */
  settle(): void {
    for (let round = 0; round < 24; round++) {
      for (const consumer of this.consumers) {
        consumer.silent = false
        consumer.isPrompt = true
        consumer.beat(0)
      }
      // In all longer than a session: static members that nobody is any more are forgotten by then
      this.bench.pass(4_000)
      this.check()
    }
  }

  checkSettled(): void {
    const group = this.bench.group()
    assert.equal(group.stateName, 'Stable')
    const subscribed = new Set([...this.bench.topics.values()].filter(({ name }) => group.isSubscribedTo(name)))
    const expected = [...subscribed].flatMap(({ id, partitionCount }) => Array.from({ length: partitionCount }, (_, at) => `${id} ${at}`))
    const used = this.consumers.flatMap(({ using }) => [...using])
    assert.deepEqual(used.sort(), expected.sort())
  }
}

describe('whatever members do and whatever is lost', () => {
  test('a partition is with one member at a time, epochs never go back, all settles, and the log says the same', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const run = new Run(seed)
      try {
        for (let step = 0; step < 150; step++) run.step()
        run.settle()
        run.checkSettled()
        run.bench.check()
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
      }
    }
  })
})
