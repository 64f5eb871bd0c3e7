import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../rig/wire.mjs'
import { errorName } from '../build.mjs'
import { againAfterMs } from '../routes.mjs'
import { nowMs } from './sightings.mjs'

/** @typedef {import('./witness.mjs').Witness} Witness */

const commitTimeoutMs = 400
const commitEveryMs = 20

/** Offsets of a group without members, committed and read back by turns. */
export class Committer {
  /** @param {Witness} witness @param {string} group */
  constructor(witness, group) {
    this.witness = witness
    this.name = 'committer'
    this.group = group
    this.key = `${witness.topic}-0`
    this.offset = 0
    /** @type {import('../../rig/wire.mjs').Wire | undefined} */
    this.wire = undefined
    /** Not asked next: it has just failed. */
    this.failed = -1
    this.coordinator = -1
  }

  async run() {
    while (!this.witness.isStopping) {
      const began = nowMs()
      await this.commit()
      await this.read()
      await sleep(Math.max(1, commitEveryMs - (nowMs() - began)))
    }
  }

  async commit() {
    const { recorder, topic, sightings } = this.witness
    this.offset += 1
    const request = { f: 'commit', group: this.group, positions: [{ key: this.key, offset: this.offset }] }
    const id = recorder.invoke(this.name, request, nowMs())
    const partitions = [{ partitionIndex: 0, committedOffset: this.offset, committedMetadata: null }]
    const body = { groupId: this.group, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: topic, partitions }] }
    const answer = await this.call('offsetCommit', 8, body)
    const why = typeof answer === 'string' ? answer : this.judge(answer.topics[0].partitions[0].errorCode)
    if (why !== '') return recorder.info(id, nowMs(), why)
    recorder.ok(id, nowMs())
    sightings.acked('commits')
  }

  async read() {
    const { recorder, topic } = this.witness
    const id = recorder.invoke(this.name, { f: 'committed', group: this.group, keys: [this.key] }, nowMs())
    const groups = [{ groupId: this.group, topics: [{ name: topic, partitionIndexes: [0] }] }]
    const answer = await this.call('offsetFetch', 9, { groups, requireStable: true })
    const found = typeof answer === 'string' ? undefined : answer.groups[0]
    const why = found === undefined ? String(answer) : this.judge(found.errorCode || found.topics[0].partitions[0].errorCode)
    if (why !== '') return recorder.info(id, nowMs(), why)
    recorder.ok(id, nowMs(), { positions: [{ key: this.key, offset: Number(found.topics[0].partitions[0].committedOffset) }] })
  }

  /** @param {number} code @returns {string} empty when there is none */
  judge(code) {
    if (code === 0) return ''
    this.witness.sightings.error(this.name, errorName(code))
    this.leave()
    return errorName(code)
  }

  leave() {
    this.wire?.close()
    this.wire = undefined
    this.failed = this.coordinator
  }

  /** @param {string} name @param {number} version @param {object} body @returns {Promise<any>} the answer, or why there is none */
  async call(name, version, body) {
    try {
      if (this.wire === undefined || this.wire.socket.destroyed) await this.find()
      return await this.wire?.call(name, version, body, commitTimeoutMs)
    } catch (error) {
      this.leave()
      const why = error instanceof Error ? error.message : String(error)
      this.witness.sightings.error(this.name, why)
      await sleep(againAfterMs)
      return why
    }
  }

  /** Asks all brokers who coordinates, and takes the word of most, rather not the one that has just failed. */
  async find() {
    const { routes } = this.witness
    const answers = await Promise.allSettled(
      routes.clients.map(async ({ id }) => {
        const wire = await routes.wireTo(id)
        const { coordinators } = await wire.call('findCoordinator', 4, { keyType: 0, coordinatorKeys: [this.group] }, commitTimeoutMs)
        return coordinators[0].errorCode === 0 ? coordinators[0].nodeId : -1
      }),
    )
    const votes = answers.flatMap((it) => (it.status === 'fulfilled' && it.value >= 0 ? [it.value] : []))
    const score = (id) => votes.filter((it) => it === id).length - (id === this.failed ? routes.clients.length : 0)
    const best = votes.toSorted((a, b) => score(b) - score(a))[0]
    if (best === undefined) throw new Error('no broker names a coordinator')
    this.coordinator = best
    this.failed = -1
    this.wire = await connect(routes.portOf(best) ?? 0, commitTimeoutMs)
    this.wire.clientId = this.name
  }

  close() {
    this.wire?.close()
  }
}
