import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ticket } from '../../base/machine.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupReply } from '../commands.ts'
import { ClassicClient, Coordinator } from './fixture.test.ts'

/** Writes down all that a coordinator answers and writes: ids by the names of those who have them. */
class Scribe {
  readonly coordinator: Coordinator
  private readonly names = new Map<string, string>()
  private readonly asked = new Map<Ticket, string>()
  private readonly lines: string[] = []
  private written = 0

  constructor(coordinator: Coordinator) {
    this.coordinator = coordinator
  }

  name(id: string, name: string): void {
    this.names.set(id, name)
  }

  step(text: string, run: () => Ticket | null): Ticket {
    const ticket = run()
    this.lines.push(`> ${text}`)
    if (ticket !== null) this.asked.set(ticket, text)
    this.note()
    return ticket ?? -1
  }

  private note(): void {
    for (const { value } of this.coordinator.log.slice(this.written)) {
      const members = (value?.members ?? []).map(({ memberId, assignment }) => `${this.idOf(memberId)}=${assignment.toString()}`)
      this.lines.push(
        `  log: generation ${value?.generation} ${value?.protocol} leader ${this.idOf(value?.leader ?? 'none')} [${members.join(' ')}]`,
      )
    }
    this.written = this.coordinator.log.length
    for (const [ticket, text] of this.asked) {
      const reply = this.coordinator.answers.get(ticket)
      if (reply === undefined) continue
      this.asked.delete(ticket)
      this.lines.push(`  < ${text}: ${this.textOf(reply)}`)
    }
    const group = this.coordinator.state.groups.get('g')
    this.lines.push(`  ${group?.stateName ?? 'absent'}`)
  }

  private textOf(reply: GroupReply): string {
    const error = Object.entries(ErrorCode).find(
      ([, code]) => reply.response !== null && 'errorCode' in reply.response && code === reply.response.errorCode,
    )
    if (error !== undefined && error[1] !== ErrorCode.NONE) return error[0]
    if (reply.api === 'syncGroup') return reply.response.assignment.toString()
    if (reply.api !== 'joinGroup') return 'NONE'
    const { generationId, protocolName, leader, memberId, members } = reply.response
    return `${this.idOf(memberId)} in generation ${generationId} ${protocolName} leader ${this.idOf(leader)} [${members.map((member) => this.idOf(member.memberId)).join(' ')}]`
  }

  private idOf(id: string): string {
    return this.names.get(id) ?? id
  }

  get text(): string {
    return this.lines.join('\n')
  }
}

const expected = `
> a joins
  log: generation 0 null leader none []
  < a joins: MEMBER_ID_REQUIRED
  Empty
> a joins with its id
  PreparingRebalance
> b joins
  < b joins: MEMBER_ID_REQUIRED
  PreparingRebalance
> b joins with its id
  PreparingRebalance
> six seconds
  log: generation 1 range leader none [a= b=]
  < a joins with its id: a in generation 1 range leader a [a b]
  < b joins with its id: b in generation 1 range leader a []
  CompletingRebalance
> b syncs
  CompletingRebalance
> a syncs
  log: generation 1 range leader a [a=one b=two]
  < b syncs: two
  < a syncs: one
  Stable
> a joins with its id
  PreparingRebalance
> b sends a heartbeat
  < b sends a heartbeat: REBALANCE_IN_PROGRESS
  PreparingRebalance
> ten seconds
  log: generation 2 range leader none [a=one]
  < a joins with its id: a in generation 2 range leader a [a]
  CompletingRebalance
> a syncs
  log: generation 2 range leader a [a=both]
  < a syncs: both
  Stable
> b syncs
  < b syncs: UNKNOWN_MEMBER_ID
  Stable
> a leaves
  log: generation 3 null leader none []
  < a leaves: NONE
  Empty
`

test('Two members come, share, and go: all that is said and written', () => {
  const coordinator = new Coordinator()
  const scribe = new Scribe(coordinator)
  const [a, b] = [new ClassicClient(coordinator), new ClassicClient(coordinator)]
  const joins = [a, b].map((client, at) => {
    const name = 'ab'.charAt(at)
    const first = scribe.step(`${name} joins`, () => client.sendJoin())
    client.memberId = coordinator.joined(first).memberId
    scribe.name(client.memberId, name)
    return scribe.step(`${name} joins with its id`, () => client.sendJoin())
  })
  const passes = (ms: number): null => {
    coordinator.pass(ms)
    return null
  }
  scribe.step('six seconds', () => passes(6_000))
  a.take(joins[0] ?? -1)
  b.take(joins[1] ?? -1)
  scribe.step('b syncs', () => b.sync())
  scribe.step('a syncs', () => a.sync({ [a.memberId]: 'one', [b.memberId]: 'two' }))
  const rejoin = scribe.step('a joins with its id', () => a.sendJoin())
  const { memberId, generationId } = b
  scribe.step('b sends a heartbeat', () => coordinator.ask('heartbeat', 4, { groupId: 'g', generationId, memberId, groupInstanceId: null }))
  scribe.step('ten seconds', () => passes(10_000))
  a.take(rejoin)
  scribe.step('a syncs', () => a.sync({ [a.memberId]: 'both' }))
  scribe.step('b syncs', () => b.sync())
  scribe.step('a leaves', () =>
    coordinator.ask('leaveGroup', 5, {
      groupId: 'g',
      memberId: '',
      members: [{ memberId: a.memberId, groupInstanceId: null, reason: 'done' }],
    }),
  )
  assert.equal(scribe.text, expected.trim())
})
