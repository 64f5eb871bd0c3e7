import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newRecord } from '../../metadata/new-record.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { RequestOf } from '../../server/handlers.ts'
import { ManualClock } from '../../sim/manual-clock.ts'
import { alterConfigsHandler, incrementalAlterConfigsHandler } from './alter-configs.ts'
import { describeConfigsHandler } from './describe-configs.ts'
import { addTopic, contextOf, FakeBroker, sent } from '../../sim/broker/fake-broker.ts'
import { listConfigResourcesHandler } from './list-config-resources.ts'

const [topic, broker, logger, clientMetrics, group] = [2, 4, 8, 16, 32]

function setUp(): FakeBroker {
  const fake = new FakeBroker(new ManualClock())
  addTopic(fake.image, 't')
  const set = (resourceType: number, resourceName: string, name: string, value: string) =>
    fake.image.apply(newRecord('config', 30, { resourceType, resourceName, name, value }))
  set(topic, 't', 'retention.ms', '5')
  set(broker, '', 'message.max.bytes', '2000')
  set(group, 'g', 'consumer.session.timeout.ms', '50000')
  set(clientMetrics, 'm', 'interval.ms', '100')
  return fake
}

function describeOne(fake: FakeBroker, resourceType: number, resourceName: string, keys: readonly string[] | null = null, version = 4) {
  const request = {
    resources: [{ resourceType, resourceName, configurationKeys: keys }],
    includeSynonyms: true,
    includeDocumentation: true,
  }
  const answer = sent(apis.describeConfigs, version, describeConfigsHandler(fake)(request, contextOf(version)))
  const result = answer.results[0]
  assert.ok(result !== undefined)
  return result
}

describe('DescribeConfigs', () => {
  test('every version describes a topic, with the layers below', () => {
    for (let version = 1; version <= 4; version += 1) {
      const result = describeOne(setUp(), topic, 't', ['retention.ms', 'max.message.bytes'], version)
      assert.deepEqual(
        result.configs.map((it) => [it.name, it.value, it.configSource]),
        [
          ['max.message.bytes', '2000', 3],
          ['retention.ms', '5', 1],
        ],
      )
      assert.equal(result.configs[1]?.configType, version >= 3 ? 5 : 0)
      assert.equal(result.configs[1]?.synonyms.length, 1)
    }
  })

  test('a topic that is not there, a name that none can have, a resource that is none', () => {
    const fake = setUp()
    assert.equal(describeOne(fake, topic, 'nope').errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert.equal(describeOne(fake, topic, '../x').errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION)
    assert.equal(describeOne(fake, 3, 'x').errorCode, ErrorCode.INVALID_REQUEST)
    assert.equal(describeOne(fake, logger, '1').errorCode, ErrorCode.INVALID_REQUEST)
  })

  test('a broker describes itself and what all brokers were told, but no other broker', () => {
    const fake = setUp()
    const own = describeOne(fake, broker, '1', ['node.id', 'message.max.bytes', 'broker.session.timeout.ms'])
    assert.deepEqual(
      own.configs.map((it) => [it.name, it.value, it.readOnly]),
      [
        ['broker.session.timeout.ms', '1300', true],
        ['message.max.bytes', '2000', false],
        ['node.id', '1', true],
      ],
    )
    assert.deepEqual(
      describeOne(fake, broker, '').configs.map((it) => it.name),
      ['message.max.bytes'],
    )
    assert.match(describeOne(fake, broker, '2').errorMessage ?? '', /Unexpected broker id, expected 1 or empty string, but received 2/)
    assert.match(describeOne(fake, broker, 'x').errorMessage ?? '', /must be an integer/)
  })

  test('groups and client metrics', () => {
    const fake = setUp()
    assert.deepEqual(
      describeOne(fake, group, 'g', ['consumer.session.timeout.ms']).configs.map((it) => [it.value, it.configSource]),
      [['50000', 8]],
    )
    assert.deepEqual(
      describeOne(fake, clientMetrics, 'm', ['interval.ms']).configs.map((it) => [it.value, it.configSource]),
      [['100', 7]],
    )
    assert.equal(describeOne(fake, group, '').errorCode, ErrorCode.INVALID_REQUEST)
  })
})

describe('ListConfigResources', () => {
  const list = (version: number, resourceTypes: readonly number[]) => {
    const answer = sent(apis.listConfigResources, version, listConfigResourcesHandler(setUp())({ resourceTypes }, contextOf(version)))
    return answer.errorCode === 0 ? answer.configResources.map((it) => `${it.resourceType}:${it.resourceName}`) : answer.errorCode
  }

  test('version 0 lists client metrics, version 1 what is asked for', () => {
    assert.deepEqual(list(0, []), ['16:m'])
    assert.deepEqual(list(1, [topic, group]), ['2:t', '32:g'])
    assert.deepEqual(list(1, []), ['2:t', '4:1', '4:2', '8:1', '8:2', '16:m', '32:g'])
    assert.equal(list(1, [7]), ErrorCode.UNSUPPORTED_VERSION)
  })
})

type Resource = RequestOf<'incrementalAlterConfigs'>['resources'][number]

function resource(resourceType: number, resourceName: string, ...configs: readonly (readonly [string, number, string | null])[]): Resource {
  return { resourceType, resourceName, configs: configs.map(([name, configOperation, value]) => ({ name, configOperation, value })) }
}

async function alter(fake: FakeBroker, ...resources: readonly Resource[]) {
  const answer = await incrementalAlterConfigsHandler(fake)({ resources, validateOnly: false }, contextOf(1))
  return sent(apis.incrementalAlterConfigs, 1, answer).responses.map((it) => [
    it.resourceType,
    it.resourceName,
    it.errorCode,
    it.errorMessage,
  ])
}

/** A controller that takes everything, in its own order. */
function agreeable(fake: FakeBroker): void {
  fake.stub = (_api, _version, request) => {
    const { resources } = request as unknown as RequestOf<'incrementalAlterConfigs'>
    const responses = resources.map(({ resourceType, resourceName }) => ({ errorCode: 0, errorMessage: null, resourceType, resourceName }))
    return { throttleTimeMs: 0, responses: responses.reverse() }
  }
}

describe('IncrementalAlterConfigs', () => {
  test('answers come in the order of the request, those of the controller among those given here', async () => {
    const fake = setUp()
    agreeable(fake)
    const answers = await alter(
      fake,
      resource(topic, 't', ['retention.ms', 0, '6']),
      resource(broker, '2', ['message.max.bytes', 0, '6']),
      resource(broker, '', ['message.max.bytes', 0, '6']),
    )
    assert.deepEqual(
      answers.map((it) => it.slice(0, 3)),
      [
        [topic, 't', 0],
        [broker, '2', ErrorCode.INVALID_REQUEST],
        [broker, '', 0],
      ],
    )
    const passedOn = fake.seen[0]?.request as RequestOf<'incrementalAlterConfigs'>
    assert.deepEqual(
      passedOn.resources.map((it) => it.resourceName),
      ['t', ''],
    )
  })

  test('what this broker can judge does not reach the controller', async () => {
    const fake = setUp()
    const refused: readonly Resource[] = [
      resource(topic, 't', ['a', 0, '1'], ['a', 0, '2']),
      resource(topic, 'u', ['a', 0, null]),
      resource(topic, 'v', ['a', 9, '1']),
      resource(broker, '1', ['num.partitions', 0, '5']),
      resource(broker, '', ['listeners', 0, 'PLAINTEXT://:1']),
      resource(logger, '1', ['root', 0, 'DEBUG']),
      resource(99, 'x'),
    ]
    for (const answer of await alter(fake, ...refused)) assert.equal(answer[2], ErrorCode.INVALID_REQUEST, String(answer[1]))
    assert.equal((await alter(fake, resource(broker, '', ['message.max.bytes', 2, '5'])))[0]?.[2], ErrorCode.INVALID_CONFIG)
    const same = resource(topic, 't', ['retention.ms', 0, '6'])
    assert.deepEqual(
      (await alter(fake, same, same)).map((it) => it[3]),
      Array(2).fill('Each resource must appear at most once.'),
    )
    assert.equal(fake.seen.length, 0)
  })

  test('without a controller the error is told for each resource', async () => {
    const answers = await alter(setUp(), resource(topic, 't', ['retention.ms', 1, null]))
    assert.deepEqual(
      answers.map((it) => it[2]),
      [ErrorCode.REQUEST_TIMED_OUT],
    )
  })

  test('AlterConfigs is checked and passed on alike', async () => {
    const fake = setUp()
    agreeable(fake)
    const configs = [{ name: 'message.max.bytes', value: '7' }]
    const resources = [
      { resourceType: broker, resourceName: '1', configs },
      { resourceType: broker, resourceName: '', configs: [{ name: 'node.id', value: '7' }] },
    ]
    const answer = sent(apis.alterConfigs, 2, await alterConfigsHandler(fake)({ resources, validateOnly: true }, contextOf(2)))
    assert.deepEqual(
      answer.responses.map((it) => it.errorCode),
      [0, ErrorCode.INVALID_REQUEST],
    )
  })
})
