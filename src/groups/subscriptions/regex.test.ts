import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileRegex, isInvalid, matchingTopics, regexCharactersMax, regexStepsMax } from './regex.ts'
import { stepsOf } from './regex-steps.ts'

function errorOf(expression: string): string | null {
  const regex = compileRegex(expression)
  return isInvalid(regex) ? regex.errorMessage : null
}

function matched(expression: string, ...names: string[]): string[] {
  return matchingTopics(compileRegex(expression), names)
}

describe('an expression', () => {
  test('matches whole names only', () => {
    assert.deepEqual(matched('foo', 'foo', 'foobar', 'xfoo'), ['foo'])
    assert.deepEqual(matched('foo.*', 'foo', 'foobar', 'xfoo'), ['foo', 'foobar'])
    assert.deepEqual(matched('^foo$', 'foo', 'foobar'), ['foo'])
    assert.deepEqual(matched('foo|bar', 'foo', 'bar', 'foobar'), ['foo', 'bar'])
    assert.deepEqual(matched('', 'foo'), [])
  })

  test('has the syntax of RE2', () => {
    assert.deepEqual(matched('(?i)FOO-[[:digit:]]+', 'foo-1', 'foo-x'), ['foo-1'])
    assert.deepEqual(matched('(?P<name>a+)\\.b', 'aa.b', 'aaxb'), ['aa.b'])
    assert.deepEqual(matched('\\Qa.b\\E', 'a.b', 'axb'), ['a.b'])
  })

  test('matches internal topics like others', () => {
    assert.deepEqual(matched('.*', '__consumer_offsets', 't'), ['__consumer_offsets', 't'])
  })

  test("is refused with Kafka's words when it is none", () => {
    assert.equal(errorOf('['), 'SubscribedTopicRegex `[` is not a valid regular expression: missing closing ].')
    assert.equal(errorOf('('), 'SubscribedTopicRegex `(` is not a valid regular expression: missing closing ).')
    assert.equal(errorOf('a**'), 'SubscribedTopicRegex `a**` is not a valid regular expression: invalid nested repetition operator.')
    for (const bad of ['(?=a)', 'a\\1', '\\Z', 'x{2,1}', '*', '\\', 'a{1001}', '(?<=a)b']) assert.notEqual(errorOf(bad), null, bad)
  })

  test('is refused when it would take too much to match', () => {
    assert.match(errorOf('a'.repeat(regexCharactersMax + 1)) ?? '', /longer than/)
    assert.match(errorOf(`(${'ab'.repeat(100)}){1000}`) ?? '', /more than/)
    assert.match(errorOf('a{1000}'.repeat(100)) ?? '', /more than/)
    assert.match(errorOf('('.repeat(5000)) ?? '', /valid/)
  })

  test('takes time that is linear in the name, whatever it is', () => {
    assert.deepEqual(matched('(x+x+)+y', 'x'.repeat(249)), [])
    assert.deepEqual(matched('(.*a){20}', 'a'.repeat(249)), ['a'.repeat(249)])
  })

  test('is compiled once while it is in use, and forgotten in the end', () => {
    const first = compileRegex('cached')
    assert.equal(compileRegex('cached'), first)
    for (let other = 0; other < 300; other++) compileRegex(`other${other}`)
    assert.notEqual(compileRegex('cached'), first)
  })
})

describe('the steps of an expression', () => {
  test('are those that repetitions make of it', () => {
    assert.equal(stepsOf('abc'), 3)
    assert.equal(stepsOf('a{50}'), 50)
    assert.equal(stepsOf('ab{2,5}'), 6)
    assert.equal(stepsOf('(ab){50}'), 200)
    assert.equal(stepsOf('((a{10}){10}){10}'), 1220)
    assert.equal(stepsOf('[]a-z]{3}'), 3)
    assert.equal(stepsOf('[^]{3}]x'), 2)
    assert.equal(stepsOf('\\({3}'), 3)
    assert.equal(stepsOf('a{,3}'), 5)
  })

  test('are told of what is no expression, too', () => {
    for (const odd of ['', ')', '))((', '[', '[\\', '\\', '{3}', '{', 'a{999999999}{999999999}']) assert.ok(stepsOf(odd) >= 0)
  })

  test('are few for what people write', () => {
    const topics = Array.from({ length: 150 }, (_, at) => `orders-of-region-${at}-[0-9]{3}`).join('|')
    assert.ok(stepsOf(topics) < regexStepsMax)
  })
})
