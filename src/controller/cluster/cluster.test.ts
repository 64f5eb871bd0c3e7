import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterImage } from '../../metadata/image.ts'
import { newRecord } from '../../metadata/new-record.ts'
import { errorName } from '../../protocol/errors.ts'
import type { ControllerApi, ControllerCommand } from '../commands.ts'
import { TestController } from '../fixture.test.ts'
import { notController } from '../replies.ts'
import { apis } from '../../protocol/apis.ts'
import { decode, encode } from '../../protocol/codec.ts'
import type { Draft, Schema } from '../../protocol/schema.ts'

test('blocks of producer ids are never given twice, and only to who is registered', () => {
  const controller = new TestController().up(1, 2)
  const take = (id: number, epoch = controller.epochs.get(id) ?? -1) =>
    controller.call('allocateProducerIds', { brokerId: id, brokerEpoch: epoch })
  assert.deepEqual([take(1).producerIdStart, take(2).producerIdStart, take(1).producerIdStart], [0, 1000, 2000])
  assert.equal(take(1).producerIdLen, 1000)
  assert.equal(errorName(take(1, 0).errorCode), 'STALE_BROKER_EPOCH')
})

test('controllers say where they are, and tell it to who asks them', () => {
  const controller = new TestController()
  const register = (max: number, incarnationId = controller.prng.uuid()) =>
    controller.call('controllerRegistration', {
      controllerId: 3,
      incarnationId,
      zkMigrationReady: false,
      listeners: [{ name: 'CONTROLLER', host: 'c3', port: 9093, securityProtocol: 0 }],
      features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: max }],
    })
  const incarnation = controller.prng.uuid()
  assert.equal(errorName(register(29).errorCode), 'UNSUPPORTED_VERSION')
  assert.equal(register(30, incarnation).errorCode, 0)
  const before = controller.log.length
  assert.equal(register(30, incarnation).errorCode, 0)
  assert.equal(controller.log.length, before)
  const told = controller.call('describeCluster', {
    includeClusterAuthorizedOperations: false,
    endpointType: 2,
    includeFencedBrokers: false,
  })
  assert.deepEqual([told.controllerId, told.brokers.map(({ brokerId, host, port }) => [brokerId, host, port])], [100, [[3, 'c3', 9093]]])
  const wrong = controller.call('describeCluster', {
    includeClusterAuthorizedOperations: false,
    endpointType: 1,
    includeFencedBrokers: false,
  })
  assert.equal(errorName(wrong.errorCode), 'MISMATCHED_ENDPOINT_TYPE')
})

function update(controller: TestController, feature: string, level: number, upgradeType = 1, validateOnly = false): string {
  const request = { featureUpdates: [{ feature, maxVersionLevel: level, allowDowngrade: false, upgradeType }], validateOnly }
  const response = controller.call('updateFeatures', request)
  return response.errorCode === 0 ? 'NONE' : `${errorName(response.errorCode)}: ${response.errorMessage}`
}

test('the metadata version goes up as far as everybody can, and down only where no record would lose something', () => {
  const controller = new TestController({ settings: { bootstrapMetadataVersion: 20 } })
  assert.equal(controller.image.metadataVersion, 20)
  controller.up(1)
  controller.createTopic('t', [[1]])
  assert.equal(update(controller, 'metadata.version', 22, 1, true), 'NONE')
  assert.equal(controller.image.metadataVersion, 20)
  assert.equal(update(controller, 'metadata.version', 22), 'NONE')
  assert.equal(controller.image.metadataVersion, 22)
  assert.match(
    update(controller, 'metadata.version', 21),
    /^INVALID_UPDATE_VERSION: .*without setting the upgrade type to either safe or unsafe downgrade/,
  )
  assert.equal(update(controller, 'metadata.version', 21, 2), 'NONE')
  assert.match(
    update(controller, 'metadata.version', 16, 2),
    /Refusing to perform the requested downgrade because it might delete metadata information/,
  )
  assert.match(update(controller, 'metadata.version', 16, 3), /Unsafe metadata downgrade is not supported in this version/)
  assert.match(update(controller, 'metadata.version', 31), /Local controller 100 only supports versions 7-30/)
  assert.match(update(controller, 'metadata.version', 22, 2), /Can't downgrade to a newer version/)
  assert.match(update(controller, 'metadata.version', -1), /A feature version cannot be less than 0/)
  assert.match(update(controller, 'metadata.version', 22, 0), /^INVALID_REQUEST/)
  assert.equal(update(controller, 'metadata.version', 30), 'NONE')
  assert.match(update(controller, 'transaction.version', 1), /Local controller 100 does not support this feature/)
  assert.match(update(controller, 'unheard.of', 1), /does not support this feature/)
})

test('the consumer protocol is allowed once every broker knows it, and from then on no other may register', () => {
  const controller = new TestController()
  controller.register(1)
  const incarnation = controller.prng.uuid()
  controller.register(2, { groupVersion: null, incarnation })
  assert.match(update(controller, 'group.version', 1), /Broker 2 does not support this feature/)
  controller.register(2, { incarnation })
  assert.match(update(controller, 'group.version', 2), /Local controller 100 only supports versions 0-1/)
  assert.equal(update(controller, 'group.version', 1), 'NONE')
  assert.equal(controller.image.features.level('group.version'), 1)
  assert.equal(errorName(controller.register(3, { groupVersion: null }).errorCode), 'UNSUPPORTED_VERSION')
  assert.equal(controller.register(3).errorCode, 0)
  assert.match(update(controller, 'group.version', 0), /without setting the upgrade type/)
  assert.equal(update(controller, 'group.version', 0, 2), 'NONE')
})

test('every level of the metadata version can register, create, fence and snapshot', () => {
  for (let level = 7; level <= 30; level += 1) {
    const controller = new TestController({ settings: { bootstrapMetadataVersion: level } }).up(1, 2, 3)
    controller.createTopic('t', [[1, 2, 3]])
    controller.call('alterPartitionReassignments', { topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [2, 3] }] }] })
    controller.internal({ api: 'fence', brokerId: 2, brokerEpoch: controller.epochs.get(2) ?? -1, why: 'gone' })
    assert.deepEqual(controller.partition('t').isr, [3])
    const copy = new ClusterImage()
    for (const record of controller.image.toRecords()) copy.apply(record)
    assert.deepEqual([...copy.toRecords()], [...controller.follower.toRecords()])
  }
})

test('bootstrap records are taken as they are given, and a transaction that was left open is aborted', () => {
  const controller = new TestController()
  controller.host.resign()
  controller.host.onCommitted(1, 2, () => [
    newRecord('beginTransaction', 30, { name: 'left open' }),
    newRecord('topic', 30, { name: 't', topicId: controller.prng.uuid() }),
  ])
  assert.equal(controller.image.inTransaction, true)
  controller.log.push(newRecord('noOp', 30, {}), newRecord('noOp', 30, {}))
  controller.follower.apply(newRecord('beginTransaction', 30, {}))
  controller.lead()
  assert.equal(controller.log.at(-1)?.type, 'abortTransaction')
  assert.equal(controller.image.topics.size, 0)
})

test('every command can be refused in every version of its API', () => {
  const names: readonly ControllerApi[] = [
    'createTopics',
    'deleteTopics',
    'createPartitions',
    'alterConfigs',
    'incrementalAlterConfigs',
    'electLeaders',
    'alterPartitionReassignments',
    'listPartitionReassignments',
    'alterPartition',
    'updateFeatures',
    'describeCluster',
    'brokerRegistration',
    'brokerHeartbeat',
    'unregisterBroker',
    'allocateProducerIds',
    'controllerRegistration',
  ]
  for (const api of names) {
    const { versionMin, versionMax, request, response }: { versionMin: number; versionMax: number; request: Schema; response: Schema } =
      apis[api]
    for (let version = versionMin; version <= versionMax; version += 1) {
      const empty = decode(request, version, encode(request, version, emptyRequest as Draft<Schema>))
      const command = { api, request: empty, context: { version, listener: 'CONTROLLER' } } as unknown as ControllerCommand
      const reply = notController(command)
      assert.equal(reply.notController, true)
      assert.ok(encode(response, version, reply.response as Draft<Schema>).length > 0)
    }
  }
  assert.equal(notController({ api: 'brokerConnectionLost', brokerId: 1, brokerEpoch: 1 }).notController, true)
})

/** A value for every field of the requests that has no default. */
const emptyRequest = {
  topics: [],
  topicNames: [],
  resources: [],
  topicPartitions: [],
  featureUpdates: [],
  listeners: [],
  features: [],
  logDirs: [],
}
