import type { Millis } from '../../base/units.ts'
import type { SimulatedBroker } from './broker.ts'
import type { Member } from './clients/member.ts'
import type { ReplicatedLog } from './replicated-log.ts'
import type { World } from './world.ts'

/** Until the controller notices that a broker is gone, or stands still. */
const noticeMinMs: Millis = 50
const noticeMaxMs: Millis = 1_500
const sealChance = 0.1
/** The longest standstill of a broker, and the latest message. */
export const calmAfterMs: Millis = 6_500

/** What goes wrong in a world, and what people do in it. */
export class Faults {
  private readonly world: World
  private topicsMade = 0

  constructor(world: World) {
    this.world = world
  }

  start(): void {
    const { options } = this.world
    this.every(options.moveEveryMs, () => this.move(this.world.scheduler.random.pick(this.world.logs), 'moves'))
    this.every(options.brokerCrashEveryMs, () => this.crashBroker())
    this.every(options.brokerFreezeEveryMs, () => this.freezeBroker())
    this.every(options.churnEveryMs, () => this.churn())
    this.every(options.topicsEveryMs, () => this.changeTopics())
    this.every(options.expireEveryMs, () => this.expire())
    this.every(options.adminEveryMs, () => this.world.describeSome())
  }

  private every(interval: Millis, run: () => void): void {
    if (interval === 0) return
    const { scheduler } = this.world
    scheduler.after(scheduler.between(0.2, 1.8) * interval, () => {
      if (!this.world.isFaulty) return
      run()
      this.every(interval, run)
    })
  }

  /** Nothing goes wrong any more; but what stands still, or is under way, takes until `calmAfterMs` have passed. */
  end(): void {
    this.world.scheduler.tell('faults end')
    this.world.channel.isFaulty = false
  }

  /** All brokers live, everybody hears all news soon, and every partition has a leader that knows it. */
  calm(): void {
    const { world } = this
    for (const broker of world.brokers) if (!broker.actor.isUp) world.rise(broker)
    for (const log of world.logs) {
      const leader = world.brokers.find(({ id }) => id === log.copy.leader)
      if (leader?.coordinators[log.partition]?.copy !== log.copy) this.move(log, 'moves')
    }
    world.announceTopics()
  }

  // --- coordinators ---

  private move(log: ReplicatedLog, why: string): void {
    const { world } = this
    const { random } = world.scheduler
    const alive = world.brokers.filter(({ actor }) => actor.isUp)
    if (alive.length === 0) return
    const { leader, epoch } = log.copy
    const next = random.pick(alive).id
    log.copy.isSealed = random.chance(sealChance)
    const lost = log.elect(next, world.scheduler.now)
    world.elected(log)
    world.count(why)
    if (lost > 0) world.count('tails lost')
    world.scheduler.tell(`partition ${log.partition} goes from b${leader} to b${next} in epoch ${epoch + 1}: ${lost} records are lost`)
    world.announce(log)
  }

  private crashBroker(): void {
    const { world } = this
    const broker = world.scheduler.random.pick(world.brokers)
    if (!broker.actor.isUp) return
    world.scheduler.tell(`${broker.actor.name} crashes`)
    world.count('broker crashes')
    broker.die()
    this.electLater(broker)
    world.scheduler.after(world.scheduler.between(100, 5000), () => {
      if (broker.actor.isUp || !world.isFaulty) return
      world.scheduler.tell(`${broker.actor.name} is back`)
      world.rise(broker)
    })
  }

  private electLater(broker: SimulatedBroker): void {
    const { world } = this
    const led = world.logs.filter(({ copy }) => copy.leader === broker.id)
    for (const log of led) this.electUntilLed(log, log.copy.epoch)
  }

  private electUntilLed(log: ReplicatedLog, epoch: number): void {
    const { scheduler } = this.world
    scheduler.after(scheduler.between(noticeMinMs, noticeMaxMs), () => {
      if (log.copy.epoch !== epoch) return
      this.move(log, 'moves')
      if (log.copy.epoch === epoch) this.electUntilLed(log, epoch)
    })
  }

  /** As SIGSTOP: everything that was to reach it waits. Mostly somebody else is elected meanwhile. */
  private freezeBroker(): void {
    const { world } = this
    const { scheduler } = world
    const broker = scheduler.random.pick(world.brokers)
    if (!broker.actor.isUp) return
    const ms = scheduler.between(100, 6000)
    scheduler.tell(`${broker.actor.name} stands still for ${ms.toFixed(0)} ms`)
    world.count('broker freezes')
    broker.actor.pausedUntil = scheduler.now + ms
    if (ms > noticeMaxMs && scheduler.random.chance(0.7)) this.electLater(broker)
  }

  // --- members ---

  private churn(): void {
    const { world } = this
    const { random } = world.scheduler
    if (world.members.length === 0) return
    const member = random.pick(world.members)
    if (!member.link.actor.isUp) {
      world.count('member starts')
      return member.start()
    }
    const fate = random.fraction()
    if (fate < 0.3) return this.crashMember(member)
    if (fate < 0.6) return this.freezeMember(member)
    world.count('member leaves')
    member.leave()
  }

  private crashMember(member: Member): void {
    const { world } = this
    const { scheduler } = world
    scheduler.tell(`${member.name} crashes`)
    world.count('member crashes')
    member.crash()
    if (!scheduler.random.chance(0.6)) return
    const { sessionTimeoutMs } = world.options
    scheduler.after(scheduler.between(50, scheduler.random.chance(0.7) ? sessionTimeoutMs / 2 : 3 * sessionTimeoutMs), () => {
      if (!member.link.actor.isUp && world.isFaulty) member.start()
    })
  }

  private freezeMember(member: Member): void {
    const { world } = this
    const calmAt = world.options.faultsMs + calmAfterMs
    const ms = Math.min(world.scheduler.between(0.2, 3) * world.options.sessionTimeoutMs, calmAt - world.scheduler.now)
    world.scheduler.tell(`${member.name} stands still for ${ms.toFixed(0)} ms`)
    world.count('member freezes')
    member.link.actor.pausedUntil = world.scheduler.now + ms
  }

  // --- topics and time ---

  private changeTopics(): void {
    const { world } = this
    const { random } = world.scheduler
    const name = `t${random.below(world.options.topics)}`
    const topic = world.topics.current.get(name)
    this.topicsMade += 1
    if (topic === undefined) world.topics.create(name, random.between(1, world.options.topicPartitionsMax))
    else if (random.chance(0.6)) world.topics.grow(name, Math.min(topic.partitionCount + random.between(1, 3), 9))
    else world.topics.remove(name)
    const after = world.topics.current.get(name)
    world.scheduler.tell(`${name} has ${after?.partitionCount ?? 'no'} partitions from now on`)
    world.count('topic changes')
    world.announceTopics()
  }

  private expire(): void {
    for (const broker of this.world.brokers) {
      this.world.scheduler.afterFor(broker.actor, 0, () => {
        for (const coordinator of broker.coordinators)
          if (coordinator.isActive) coordinator.submit({ api: 'expire', wallTime: broker.wall() }, () => {})
      })
    }
  }
}
