import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { changedPartitions } from './changes.ts'
import { ClusterImage } from './image.ts'
import { newRecord } from './new-record.ts'
import { isReservedDirectory } from './partition-image.ts'
import { decodeRecord, encodeRecord } from './record-frame.ts'
import type { MetadataRecord, RecordDraft, RecordType } from './record-types.ts'

const prng = new Prng(5)
const topicId = prng.uuid()
const directory = prng.uuid()

function record<K extends RecordType>(type: K, draft: RecordDraft<K>): MetadataRecord {
  return decodeRecord(encodeRecord(newRecord(type, 30, draft)))
}

function imageOf(...records: readonly MetadataRecord[]): ClusterImage {
  const image = new ClusterImage()
  for (const each of records) image.apply(each)
  return image
}

const version = record('featureLevel', { name: 'metadata.version', featureLevel: 30 })
const topic = record('topic', { name: 't', topicId })
const partition = (partitionId: number, draft: Partial<RecordDraft<'partition'>> = {}) =>
  record('partition', {
    partitionId,
    topicId,
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: [directory, directory, directory],
    ...draft,
  })
const broker = (brokerId: number, draft: Partial<RecordDraft<'registerBroker'>> = {}) =>
  record('registerBroker', {
    brokerId,
    brokerEpoch: 10,
    incarnationId: prng.uuid(),
    endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }],
    features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
    rack: null,
    logDirs: [directory],
    ...draft,
  })

test('a partition is found by name, by id and by number', () => {
  const image = imageOf(version, topic, partition(0), partition(1, { leader: 2 }))
  assert.equal(image.topics.byName('t'), image.topics.byId(topicId))
  assert.equal(image.topics.byName('t')?.partitions[1]?.leader, 2)
  assert.equal(image.partition(topicId, 1)?.leader, 2)
  assert.equal(image.partition(topicId, 2), undefined)
  assert.equal(image.topics.byName('__proto__'), undefined)
  assert.deepEqual([image.topics.size, image.topics.partitionCount], [1, 2])
})

test('a change of a partition raises the partition epoch, and the leader epoch only when it names a leader', () => {
  const image = imageOf(version, topic, partition(0))
  image.apply(record('partitionChange', { partitionId: 0, topicId, isr: [1, 2] }))
  const shrunk = image.partition(topicId, 0)
  assert.deepEqual([shrunk?.isr, shrunk?.leaderEpoch, shrunk?.partitionEpoch], [[1, 2], 0, 1])
  image.apply(record('partitionChange', { partitionId: 0, topicId, leader: 1 }))
  assert.deepEqual([image.partition(topicId, 0)?.leader, image.partition(topicId, 0)?.leaderEpoch], [1, 1])
  image.apply(record('partitionChange', { partitionId: 0, topicId, leader: -1 }))
  assert.deepEqual(
    [image.partition(topicId, 0)?.leader, image.partition(topicId, 0)?.leaderEpoch, image.partition(topicId, 0)?.partitionEpoch],
    [-1, 2, 3],
  )
  assert.deepEqual(shrunk?.leaderEpoch, 0, 'what was kept has not changed')
})

test('lists that are equal are one list, however many partitions have them', () => {
  const image = imageOf(version, topic, partition(0), partition(1))
  assert.equal(image.partition(topicId, 0)?.replicas, image.partition(topicId, 1)?.isr)
  assert.equal(image.partition(topicId, 0)?.topicId, image.partition(topicId, 1)?.topicId)
})

test('records from before there were directories leave them open', () => {
  const image = imageOf(topic)
  image.apply({ ...newRecord('partition', 7, { ...(partition(0).message as RecordDraft<'partition'>), directories: [] }) })
  assert.deepEqual(image.partition(topicId, 0)?.directories, Array(3).fill('AAAAAAAAAAAAAAAAAAAAAA'))
  assert.deepEqual([isReservedDirectory('AAAAAAAAAAAAAAAAAAAAAg'), isReservedDirectory(directory)], [true, false])
})

test('a broker is registered, fenced, unfenced, told to go, and forgotten', () => {
  const image = imageOf(version, broker(1), broker(2, { fenced: false }))
  assert.deepEqual([image.brokers.isActive(1), image.brokers.isActive(2), image.brokers.isActive(3)], [false, true, false])
  image.apply(record('brokerRegistrationChange', { brokerId: 1, brokerEpoch: 10, fenced: -1 }))
  assert.equal(image.brokers.isActive(1), true)
  image.apply(record('brokerRegistrationChange', { brokerId: 1, brokerEpoch: 10, inControlledShutdown: 1 }))
  assert.deepEqual([image.brokers.byId(1)?.fenced, image.brokers.isActive(1)], [false, false])
  image.apply(record('fenceBroker', { id: 2, epoch: 10 }))
  assert.equal(image.brokers.byId(2)?.fenced, true)
  image.apply(record('unfenceBroker', { id: 2, epoch: 10 }))
  assert.equal(image.brokers.byId(2)?.fenced, false)
  image.apply(record('unregisterBroker', { brokerId: 2, brokerEpoch: 10 }))
  assert.equal(image.brokers.byId(2), undefined)
})

test('a record that contradicts the image stops everything', () => {
  const image = imageOf(version, topic, broker(1))
  const cases: readonly MetadataRecord[] = [
    topic,
    record('topic', { name: 'other', topicId }),
    record('partitionChange', { partitionId: 0, topicId, leader: 1 }),
    record('removeTopic', { topicId: prng.uuid() }),
    record('fenceBroker', { id: 1, epoch: 9 }),
    record('unregisterBroker', { brokerId: 7, brokerEpoch: 1 }),
    record('endTransaction', {}),
  ]
  for (const each of cases) assert.throws(() => image.apply(each), { name: 'AssertionError' }, each.type)
})

test('with a topic go its partitions and its configuration', () => {
  const config = record('config', { resourceType: 2, resourceName: 't', name: 'retention.ms', value: '1' })
  const image = imageOf(version, topic, partition(0), config)
  assert.equal(image.configs.ofTopic('t').get('retention.ms'), '1')
  image.apply(record('removeTopic', { topicId }))
  assert.deepEqual([image.topics.size, image.topics.partitionCount, image.configs.ofTopic('t').size], [0, 0, 0])
  assert.equal(image.partition(topicId, 0), undefined)
})

test('changes are first and last states, and are taken once', () => {
  const image = imageOf(version, topic, partition(0), broker(1))
  const made = image.takeChanges()
  assert.deepEqual([...made.topicsCreated.keys()], [topicId])
  assert.deepEqual(
    [...changedPartitions(made)].map((change) => [change.partition, change.before]),
    [[0, undefined]],
  )
  assert.deepEqual([...made.brokers.keys()], [1])
  assert.equal(made.featuresChanged, true)
  assert.deepEqual([...changedPartitions(image.takeChanges())], [])
  image.apply(record('partitionChange', { partitionId: 0, topicId, leader: 2 }))
  image.apply(record('partitionChange', { partitionId: 0, topicId, leader: 3 }))
  const [change] = changedPartitions(image.takeChanges())
  assert.deepEqual([change?.before?.leader, change?.after.leader], [1, 3])
})

test('what comes and goes between two looks was never there', () => {
  const image = imageOf(version)
  image.takeChanges()
  for (const each of [topic, partition(0), record('removeTopic', { topicId })]) image.apply(each)
  const changes = image.takeChanges()
  assert.deepEqual([changes.topicsCreated.size, changes.topicsDeleted.size, changes.partitions.size], [0, 0, 0])
})

test('a deleted topic is told with its last partitions, and its name may be used again at once', () => {
  const image = imageOf(version, topic, partition(0))
  image.takeChanges()
  const another = prng.uuid()
  image.apply(record('removeTopic', { topicId }))
  image.apply(record('topic', { name: 't', topicId: another }))
  const changes = image.takeChanges()
  assert.equal(changes.topicsDeleted.get(topicId)?.partitions[0]?.leader, 1)
  assert.deepEqual([...changes.topicsCreated.keys()], [another])
})

test('what stands in a transaction takes effect at its end, or not at all', () => {
  const image = imageOf(version, record('beginTransaction', { name: 'x' }), topic)
  assert.deepEqual([image.topics.size, image.inTransaction], [0, true])
  assert.throws(() => [...image.toRecords()], { name: 'AssertionError' })
  image.apply(record('endTransaction', {}))
  assert.deepEqual([image.topics.size, image.inTransaction], [1, false])
  for (const each of [record('beginTransaction', {}), partition(0), record('abortTransaction', { reason: 'no' })]) image.apply(each)
  assert.equal(image.topics.partitionCount, 0)
})

test('a snapshot says all that is there', () => {
  const acl = prng.uuid()
  const records: readonly MetadataRecord[] = [
    version,
    record('featureLevel', { name: 'some.version', featureLevel: 2 }),
    broker(1, { rack: 'r', cordonedLogDirs: [directory] }),
    broker(2, { fenced: false, inControlledShutdown: true }),
    record('registerController', { controllerId: 9, incarnationId: prng.uuid(), zkMigrationReady: false, endPoints: [], features: [] }),
    topic,
    partition(0, { addingReplicas: [3], removingReplicas: [1], leaderRecoveryState: 1, eligibleLeaderReplicas: [2], lastKnownElr: [3] }),
    partition(1),
    record('topic', { name: '__proto__', topicId: prng.uuid() }),
    record('config', { resourceType: 4, resourceName: '', name: 'log.retention.ms', value: '9' }),
    record('config', { resourceType: 2, resourceName: 't', name: 'segment.ms', value: '9' }),
    record('clientQuota', { entity: [{ entityType: 'user', entityName: null }], key: 'k', value: 1.5, remove: false }),
    record('producerIds', { brokerId: 1, brokerEpoch: 10, nextProducerId: 3000 }),
    record('userScramCredential', {
      name: 'u',
      mechanism: 1,
      salt: Buffer.of(1),
      storedKey: Buffer.of(2),
      serverKey: Buffer.of(3),
      iterations: 4096,
    }),
    record('accessControlEntry', {
      id: acl,
      resourceType: 2,
      resourceName: 't',
      patternType: 3,
      principal: 'User:u',
      host: '*',
      operation: 3,
      permissionType: 3,
    }),
    record('delegationToken', {
      owner: 'o',
      requester: 'r',
      renewers: [],
      issueTimestamp: 1,
      maxTimestamp: 2,
      expirationTimestamp: 3,
      tokenId: 'd',
    }),
    record('zkMigrationState', { zkMigrationState: 1 }),
  ]
  const image = imageOf(...records)
  assert.deepEqual([...image.toRecords()].length, records.length)
  const again = imageOf(...[...image.toRecords()].map((each) => decodeRecord(encodeRecord(each))))
  assert.deepEqual([...again.toRecords()], [...image.toRecords()])
  assert.deepEqual([image.nextProducerId, again.nextProducerId], [3000, 3000])
  for (const each of [
    record('removeAccessControlEntry', { id: acl }),
    record('removeUserScramCredential', { name: 'u', mechanism: 1 }),
    record('removeDelegationToken', { tokenId: 'd' }),
    record('clientQuota', { entity: [{ entityType: 'user', entityName: null }], key: 'k', value: 0, remove: true }),
    record('config', { resourceType: 2, resourceName: 't', name: 'segment.ms', value: null }),
    record('featureLevel', { name: 'some.version', featureLevel: 0 }),
    record('clearElr', { topicName: '' }),
    record('noOp', {}),
  ]) {
    image.apply(each)
  }
  assert.deepEqual([...image.toRecords()].length, records.length - 6)
  assert.deepEqual(image.partition(topicId, 0)?.lastKnownElr, [])
})
