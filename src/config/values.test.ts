import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brokerConfigs } from './broker-configs.ts'
import { keyOf, topicConfigs } from './topic-configs.ts'
import { asNumber, canonical, javaDouble, parseValue, validateValue } from './values.ts'

const topic = (name: string) => keyOf(topicConfigs, name)

describe('values', () => {
  test('a long keeps its precision as text and is a safe integer as a number', () => {
    const parsed = parseValue(topic('retention.ms'), '9223372036854775807')
    assert.ok('value' in parsed)
    assert.equal(canonical(parsed.value, 'long'), '9223372036854775807')
    assert.equal(asNumber(parsed.value), Number.MAX_SAFE_INTEGER)
  })

  test('a number out of the range of its type is not a number of that type', () => {
    assert.equal(
      validateValue(topic('segment.bytes'), '2147483648'),
      'Invalid value 2147483648 for configuration segment.bytes: Not a number of type INT',
    )
    assert.equal(validateValue(topic('retention.ms'), '1'.repeat(100_000))?.endsWith('Not a number of type LONG'), true)
  })

  test('doubles are told as Java tells them', () => {
    const told = [0, 1, 0.5, 0.001, 0.0001, 9_999_999, 10_000_000, 1.7976931348623157e308].map(javaDouble)
    assert.deepEqual(told, ['0.0', '1.0', '0.5', '0.001', '1.0E-4', '9999999.0', '1.0E7', '1.7976931348623157E308'])
  })

  test('the value of a password is never in a problem', () => {
    const key = keyOf(brokerConfigs, 'ssl.key.password')
    assert.equal(validateValue(key, 'secret'), null)
    const strict = { ...key, validator: { kind: 'nonEmpty' } as const }
    assert.equal(validateValue(strict, 'secret'), null)
  })

  test('an item that a list holds twice counts once', () => {
    assert.deepEqual(parseValue(topic('cleanup.policy'), 'delete, compact,delete'), { value: ['delete', 'compact'] })
  })
})
