import type { Prng } from '../../../base/prng.ts'
import type { Millis } from '../../../base/units.ts'
import { Peer } from '../../../client/peer.ts'
import { type Api, apis } from '../../../protocol/apis.ts'
import { errorName } from '../../../protocol/errors.ts'
import type { Draft, Message, Schema } from '../../../protocol/schema.ts'
import { type CampaignClient, type ClientWorld, pauseOf, prngOf, reasonOf } from './client.ts'

const patienceMs: Millis = 3_000
const pauseMsMax: Millis = 1_500
const partitionsMax = 4
const topicConfig = 2
const setOperation = 0

/** An operator: makes and deletes topics, adds partitions, changes configurations, moves partitions of the topic that all use to other nodes. */
export class Admin implements CampaignClient {
  readonly name = 'admin'
  readonly place = 'admin'
  private readonly of: ClientWorld
  private readonly prng: Prng
  private readonly replicas: number
  private readonly topics = new Map<string, number>()
  private isStopped = false
  private made = 0

  constructor(of: ClientWorld, replicas: number) {
    this.of = of
    this.prng = prngOf(of.seed, this.name)
    this.replicas = replicas
  }

  async run(): Promise<void> {
    while (!this.isStopped) {
      await this.act()
      await pauseOf(this.of.world, this.prng.between(20, pauseMsMax))
    }
  }

  stop(): void {
    this.isStopped = true
  }

  private act(): Promise<void> {
    const known = [...this.topics.keys()]
    switch (this.prng.below(6)) {
      case 0:
        return this.createTopic()
      case 1:
        return known.length === 0 ? this.createTopic() : this.deleteTopic(this.prng.pick(known))
      case 2:
        return known.length === 0 ? this.createTopic() : this.addPartition(this.prng.pick(known))
      case 3:
        return this.changeConfig()
      default:
        return this.reassign()
    }
  }

  private async createTopic(): Promise<void> {
    this.made += 1
    const name = `made-${this.made}`
    const numPartitions = this.prng.between(1, 2)
    this.topics.set(name, numPartitions)
    const topic = { name, numPartitions, replicationFactor: this.replicas, assignments: [], configs: [] }
    await this.ask(`create ${name}`, apis.createTopics, { topics: [topic], timeoutMs: patienceMs }, (it) => it.topics[0]?.errorCode)
  }

  private async deleteTopic(name: string): Promise<void> {
    this.topics.delete(name)
    const body = { topics: [{ name }], timeoutMs: patienceMs }
    await this.ask(`delete ${name}`, apis.deleteTopics, body, (it) => it.responses[0]?.errorCode)
  }

  private async addPartition(name: string): Promise<void> {
    const count = Math.min(partitionsMax, (this.topics.get(name) ?? 1) + 1)
    this.topics.set(name, count)
    const body = { topics: [{ name, count, assignments: null }], timeoutMs: patienceMs, validateOnly: false }
    await this.ask(`${name} is to have ${count} partitions`, apis.createPartitions, body, (it) => it.results[0]?.errorCode)
  }

  private async changeConfig(): Promise<void> {
    const value = String(this.prng.between(1, 9) * 1_000_000)
    const configs = [{ name: 'max.message.bytes', configOperation: setOperation, value }]
    const body = { resources: [{ resourceType: topicConfig, resourceName: this.of.topic, configs }], validateOnly: false }
    await this.ask('change a configuration', apis.incrementalAlterConfigs, body, (it) => it.responses[0]?.errorCode)
  }

  private async reassign(): Promise<void> {
    const ids = [...this.of.world.nodes.keys()]
    const partition = this.prng.below(this.of.partitions)
    const first = this.prng.below(ids.length)
    const replicas = Array.from({ length: this.replicas }, (_unused, at) => ids[(first + at) % ids.length] ?? 1)
    const topics = [{ name: this.of.topic, partitions: [{ partitionIndex: partition, replicas }] }]
    const body = { timeoutMs: patienceMs, topics }
    const what = `partition ${partition} is to be on ${replicas.join(', ')}`
    await this.ask(what, apis.alterPartitionReassignments, body, (it) => it.responses[0]?.partitions[0]?.errorCode ?? it.errorCode)
  }

  private async ask<Req extends Schema, Res extends Schema>(
    what: string,
    api: Api<Req, Res>,
    body: Draft<Req>,
    errorOf: (answer: Message<Res>) => number | undefined,
  ): Promise<void> {
    const { world, story } = this.of
    const id = this.prng.pick([...world.nodes.keys()])
    const peer = new Peer(world.clientPorts(this.place), { ...world.endpoint(id), clientId: this.name })
    try {
      const answer = await peer.request(api, api.versionMax, body, { timeoutMs: patienceMs })
      story.tell('client', `admin, at node ${id}: ${what}: ${errorName(errorOf(answer) ?? 0)}`, true)
    } catch (error) {
      story.tell('client', `admin, at node ${id}: ${what}: ${reasonOf(error)}`, true)
    } finally {
      peer.close()
    }
  }
}
