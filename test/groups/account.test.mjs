// The judge is judged: books of a group of which it is known what is wrong with them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Account } from './account.mjs'

/** An account of two members of one group and the events that are told to it. @param {...any} events */
function account(...events) {
  const it = new Account()
  it.open('a', 'g')
  it.open('b', 'g')
  for (const event of events) it.take(event)
  return it
}

const assigned = (member, at, generation = 1, partitions = [0]) => ({ event: 'assigned', member, at, generation, partitions })
const given = (event, member, at, generation = 1, partitions = [0]) => ({ event, member, at, generation, partitions })
const delivered = (member, at, first, last) => ({ event: 'delivered', member, at, batches: [[0, first, last]] })

let ids = 0
/** A commit and its answer. @param {string} member @param {number} begin @param {number} end @param {number} offset @param {{ generation?: number, error?: string, once?: boolean }} [options] */
function committed(member, begin, end, offset, { generation = 1, error, once = false } = {}) {
  const id = (ids += 1)
  const asked = { event: 'commit', member, id, at: begin, offsets: { 0: offset }, generation, memberId: `id-${member}` }
  return [asked, { event: 'committed', member, id, at: end, generation, once, ...(error === undefined ? {} : { error }) }]
}

/** @param {RegExp} pattern @param {...any} events */
function wrong(pattern, ...events) {
  const found = account(...events.flat()).breaches('g', [0])
  assert.ok(
    found.some((it) => pattern.test(it)),
    JSON.stringify(found),
  )
}

describe('the judge of a workload', () => {
  test('finds nothing where nothing is', () => {
    const it = account(
      ...[assigned('a', 10), delivered('a', 11, 0, 4), committed('a', 12, 13, 5), given('revoked', 'a', 20)].flat(),
      ...[assigned('b', 21, 2), delivered('b', 22, 5, 9), committed('b', 23, 24, 10, { generation: 2 })].flat(),
    )
    assert.deepEqual(it.breaches('g', [0]), [])
    assert.deepEqual(it.missing('g', { 0: 10 }), [])
    assert.equal(it.repeated('g'), 0)
  })

  test('two owners at once', () => {
    wrong(/assigned to b at 15 while a had it/, assigned('a', 10), assigned('b', 15, 2))
    wrong(/assigned to b at 15 while a had it/, assigned('a', 10), assigned('b', 15, 2), given('revoked', 'a', 20))
  })

  test('a member that is stopped or killed owns nothing from then on; one that was fenced may learn it late', () => {
    const stopped = account(assigned('a', 10))
    stopped.paused('a', 12)
    stopped.take(assigned('b', 15, 2))
    stopped.take(given('lost', 'a', 30))
    assert.deepEqual(stopped.breaches('g', [0]), [])
    const early = account(assigned('a', 10), assigned('b', 11, 2))
    early.silenced('a', 12)
    assert.equal(early.breaches('g', [0]).length, 1)
    assert.deepEqual(account(assigned('a', 10), assigned('b', 15, 2), given('lost', 'a', 20)).breaches('g', [0]), [])
  })

  test('commits of two members in one generation, and one of an old generation after one of a new', () => {
    wrong(/both committed in generation 1/, committed('a', 1, 2, 5), committed('b', 3, 4, 6))
    wrong(/a committed in generation 1 after b had in 2/, committed('b', 1, 2, 5, { generation: 2 }), committed('a', 3, 4, 6))
  })

  test('a commit that goes back, and an ownership that begins before what was committed', () => {
    wrong(/a write of 4 .* after 5/, committed('a', 1, 2, 5), committed('a', 3, 4, 4))
    wrong(/a read of 3 .* after 5/, committed('a', 1, 2, 5), assigned('b', 3, 2), delivered('b', 4, 3, 9))
    wrong(/a read of -1 .* after 5/, committed('a', 1, 2, 5), assigned('b', 3, 2), delivered('b', 4, 0, 9))
  })

  test('a commit that was refused for sure and is read; one that may have happened is well', () => {
    const refused = (once) => [
      committed('a', 1, 2, 5),
      committed('a', 3, 4, 7, { error: 'ILLEGAL_GENERATION', once }),
      assigned('b', 5, 2),
      delivered('b', 6, 7, 9),
    ]
    wrong(/no order of its commits and reads/, ...refused(true))
    assert.deepEqual(account(...refused(false).flat()).breaches('g', [0]), [])
  })

  test('records out of order, missing and again', () => {
    wrong(/a got 7 after 4/, assigned('a', 1), delivered('a', 2, 0, 4), delivered('a', 3, 7, 9))
    wrong(/a got 3 after 4/, assigned('a', 1), delivered('a', 2, 0, 4), delivered('a', 3, 3, 9))
    const it = account(assigned('a', 1), delivered('a', 2, 0, 4), delivered('b', 3, 2, 6))
    assert.match(it.missing('g', { 0: 9 })[0] ?? '', /nobody got record 7 of 9 \(and 1 more\)/)
    assert.equal(it.repeated('g'), 3)
  })

  test('a generation that goes back, and what a member calls broken', () => {
    wrong(/a was in generation 3 and then in 2/, committed('a', 1, 2, 5, { generation: 3 }), committed('a', 3, 4, 6, { generation: 2 }))
    wrong(/a says .*0: 7 after 5/, { event: 'broken', member: 'a', what: '0: 7 after 5' })
  })
})
