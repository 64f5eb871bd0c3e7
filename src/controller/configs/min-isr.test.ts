import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shown, TestController } from '../fixture.test.ts'

const ELR = 'eligible.leader.replicas.version'
const MIN_ISR = 'min.insync.replicas'
const given = new Map([[MIN_ISR, '2']])
const [TOPIC, BROKER] = [2, 4]
const [SET, DELETE] = [0, 1]

function configure(controller: TestController, type: number, resourceName: string, value: string | null) {
  const configs = [{ name: MIN_ISR, configOperation: value === null ? DELETE : SET, value }]
  const request = { resources: [{ resourceType: type, resourceName, configs }], validateOnly: false }
  const [answer] = controller.call('incrementalAlterConfigs', request).responses
  return [answer?.errorCode, answer?.errorMessage]
}

function dies(controller: TestController, ...ids: readonly number[]): void {
  for (const brokerId of ids) {
    controller.internal({ api: 'fence', brokerId, brokerEpoch: controller.epochs.get(brokerId) ?? -1, why: 'gone' })
  }
}

function levels(controller: TestController, level: number, upgradeType = 1) {
  const featureUpdates = [{ feature: ELR, maxVersionLevel: level, upgradeType, allowDowngrade: false }]
  return controller.call('updateFeatures', { featureUpdates })
}

test('a new cluster with eligible leader replicas has one min.insync.replicas in its metadata', () => {
  const controller = new TestController({ elr: true, given })
  assert.equal(controller.image.configs.ofAllBrokers().get(MIN_ISR), '2', 'what the controller was configured with')
  assert.equal(new TestController({ given }).image.configs.ofAllBrokers().get(MIN_ISR), undefined)
})

test('it can be changed, but not be taken away nor set for one broker', () => {
  const controller = new TestController({ elr: true, given }).up(1)
  assert.deepEqual(configure(controller, BROKER, '', null), [
    40,
    'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
  ])
  const refused = [40, 'Broker-level min.insync.replicas cannot be altered while ELR is enabled.']
  assert.deepEqual(configure(controller, BROKER, '1', '1'), refused)
  assert.deepEqual(configure(controller, BROKER, '', '1'), [0, null])
})

test('a change ends what was eligible under the old value', () => {
  const controller = new TestController({ elr: true, given }).up(1, 2)
  controller.createTopic('t', [[1, 2]])
  controller.createTopic('u', [[1, 2]])
  dies(controller, 2)
  assert.equal(shown(controller.partition('t')), '1/0 [1] {2} (1,2)')
  const before = controller.partition('t').partitionEpoch
  assert.deepEqual(configure(controller, TOPIC, 't', '1'), [0, null])
  assert.equal(shown(controller.partition('t')), '1/0 [1] (1,2)')
  assert.equal(controller.partition('t').partitionEpoch, before + 1)
  assert.equal(shown(controller.partition('u')), '1/0 [1] {2} (1,2)', 'the other topic keeps its value')
  assert.deepEqual(configure(controller, BROKER, '', '1'), [0, null])
  assert.equal(shown(controller.partition('u')), '1/0 [1] (1,2)')
})

test('a partition without anybody in sync keeps who is eligible, and nobody but the leader once the new value is met', () => {
  const controller = new TestController({ elr: true, given }).up(1, 2)
  controller.createTopic('t', [
    [1, 2],
    [2, 1],
  ])
  dies(controller, 2)
  dies(controller, 1)
  controller.up(3)
  controller.createTopic('u', [[3, 1]])
  assert.deepEqual(configure(controller, BROKER, '', '1'), [0, null])
  assert.equal(shown(controller.partition('t')), '-1/1 [] {1,2} (1,2)')
  controller.internal({ api: 'brokerConnectionLost', brokerId: 1, brokerEpoch: controller.epochs.get(1) ?? -1 })
  controller.register(1, { previousEpoch: controller.epochs.get(1) ?? -1 })
  controller.heartbeat(1)
  assert.equal(shown(controller.partition('t')), '1/2 [1] (1,2)', 'alone it commits now, so 2 is not eligible')
})

test('the feature comes with its configuration, needs records that can name it, and may go', () => {
  const controller = new TestController({ given, settings: { bootstrapMetadataVersion: 22 } }).up(1, 2)
  const refused = levels(controller, 1)
  assert.deepEqual(
    [refused.errorCode, refused.errorMessage],
    [95, `${ELR} could not be set to 1 because it depends on metadata.version 4.0-IV1.`],
  )
  const both = ['metadata.version', ELR].map((feature, at) => ({
    feature,
    maxVersionLevel: [30, 1][at] ?? 0,
    upgradeType: 1,
    allowDowngrade: false,
  }))
  configure(controller, BROKER, '1', '1')
  assert.equal(controller.call('updateFeatures', { featureUpdates: both }).errorCode, 0)
  assert.equal(controller.image.configs.ofAllBrokers().get(MIN_ISR), '2')
  assert.equal(controller.image.configs.of(BROKER, '1').get(MIN_ISR), undefined, 'one value for all')
  controller.createTopic('t', [[1, 2]])
  dies(controller, 2)
  assert.equal(shown(controller.partition('t')), '1/0 [1] {2} (1,2)')
  assert.equal(levels(controller, 0).errorCode, 95, 'a downgrade has to be called one')
  assert.equal(levels(controller, 0, 2).errorCode, 0)
  assert.equal(shown(controller.partition('t')), '1/0 [1] (1,2)')
})

test('the feature does not go while a partition has nobody in sync', () => {
  const controller = new TestController({ elr: true, given }).up(1)
  controller.createTopic('t', [[1]])
  dies(controller, 1)
  const refused = levels(controller, 0, 2)
  assert.deepEqual([refused.errorCode, refused.errorMessage], [95, `${ELR} cannot be lowered while t-0 has no in-sync replica.`])
})
