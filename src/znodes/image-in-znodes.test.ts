import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { ClusterImage } from '../metadata/image.ts'
import { type MetadataRecord, recordTypes } from '../metadata/record-types.ts'
import { BothWays, canonical, record, StrictZnodes } from './fixture.test.ts'
import { RandomLog } from './random-log.test.ts'
import { bytesOf, cutByBytes, journalledIn, journalZnode, storedLogIn, storedLogText } from './stored-log.ts'
import { ZnodeTree } from './znode-tree.ts'

const seeds = 60
const batches = 60

test(`${seeds} random logs: what is read from the znodes after each batch is what was folded from the log`, () => {
  const types = new Set<string>()
  for (let seed = 1; seed <= seeds; seed += 1) {
    const prng = new Prng(seed)
    const both = new BothWays()
    const ahead = new ClusterImage()
    const log = new RandomLog(prng, ahead)
    const version = record('featureLevel', { name: 'metadata.version', featureLevel: 30 })
    ahead.apply(version)
    both.apply([version])
    for (let at = 0; at < batches; at += 1) {
      const batch: MetadataRecord[] = []
      for (let left = prng.between(1, 12); left > 0; left -= 1) {
        // What stands in a transaction takes effect at its end: only there the next record can be chosen freely
        const made = ahead.inTransaction ? inTransaction(log, prng) : log.next()
        if (made === null) continue
        ahead.apply(made)
        batch.push(made)
      }
      both.apply(batch, at)
      if (prng.chance(0.5)) both.check()
    }
    both.check()
    for (const type of log.types) types.add(type)
  }
  assert.deepEqual([...types].sort(), Object.keys(recordTypes).sort(), 'a record of each type was in it')
})

function inTransaction(log: RandomLog, prng: Prng): MetadataRecord | null {
  if (prng.chance(0.2)) return record('endTransaction', {})
  if (prng.chance(0.1)) return record('abortTransaction', { reason: 'no' })
  const made = log.next()
  return made !== null && ['config', 'clientQuota', 'accessControlEntry', 'featureLevel'].includes(made.type) ? made : null
}

const topicId = 'AAAAAAAAAAAAAAAAAAAAbw'
const directory = 'AAAAAAAAAAAAAAAAAAAAcw'
const partition = (partitionId: number) =>
  record('partition', {
    partitionId,
    topicId,
    replicas: [1, 2, 3],
    isr: [1, 2],
    removingReplicas: [],
    addingReplicas: [3],
    leader: 1,
    leaderEpoch: 4,
    partitionEpoch: 7,
    directories: [directory, directory, directory],
  })

test('topics stand where Kafka has them, and in its JSON', () => {
  const both = new BothWays()
  both.apply([record('topic', { name: 't', topicId }), partition(0)], 6)
  const { texts } = both.znodes
  const topic = `{"removing_replicas":{},"partitions":{"0":[1,2,3]},"topic_id":"${topicId}","adding_replicas":{"0":[3]},"version":3}`
  assert.equal(texts.get('/brokers/topics/t'), topic)
  assert.equal(
    texts.get('/brokers/topics/t/partitions/0/state'),
    '{"controller_epoch":6,"leader":1,"version":1,"leader_epoch":4,"isr":[1,2],"leader_recovery_state":0}',
  )
  assert.match(texts.get('/odradek/topics/t/0') ?? '', /"partition_epoch":7/)
})

test('a change of the ISR writes two znodes, whatever the size of the topic', () => {
  const both = new BothWays()
  both.apply([record('topic', { name: 't', topicId }), ...Array.from({ length: 50 }, (_, at) => partition(at))])
  both.changes = 0
  both.apply([record('partitionChange', { partitionId: 7, topicId, isr: [1] })])
  assert.equal(both.changes, 2)
})

test('configurations, quotas, users and entries of access control stand where Kafka has them', () => {
  const both = new BothWays()
  const credential = { salt: Buffer.from('s'), storedKey: Buffer.from('k'), serverKey: Buffer.from('v'), iterations: 4096 }
  const acl = {
    id: topicId,
    resourceType: 2,
    resourceName: 't',
    patternType: 3,
    principal: 'User:u',
    host: '*',
    operation: 9,
    permissionType: 3,
  }
  both.apply([
    record('featureLevel', { name: 'metadata.version', featureLevel: 30 }),
    record('config', { resourceType: 2, resourceName: 't', name: 'retention.ms', value: '9' }),
    record('config', { resourceType: 4, resourceName: '', name: 'log.retention.ms', value: '8' }),
    record('clientQuota', {
      entity: [
        { entityType: 'user', entityName: 'u v' },
        { entityType: 'client-id', entityName: null },
      ],
      key: 'producer_byte_rate',
      value: 10.5,
      remove: false,
    }),
    record('userScramCredential', { name: 'u v', mechanism: 1, ...credential }),
    record('accessControlEntry', acl),
    record('accessControlEntry', { ...acl, id: directory, resourceName: 'p', patternType: 4, permissionType: 2 }),
    record('producerIds', { brokerId: 1, brokerEpoch: 3, nextProducerId: 3000 }),
  ])
  const { texts } = both.znodes
  assert.equal(texts.get('/config/topics/t'), '{"version":1,"config":{"retention.ms":"9"}}')
  assert.equal(texts.get('/config/brokers/<default>'), '{"version":1,"config":{"log.retention.ms":"8"}}')
  assert.equal(
    texts.get('/config/users/u%20v'),
    '{"version":1,"config":{"SCRAM-SHA-256":"salt=cw==,stored_key=aw==,server_key=dg==,iterations=4096"}}',
  )
  assert.equal(texts.get('/config/users/u%20v/clients/<default>'), '{"version":1,"config":{"producer_byte_rate":"10.5"}}')
  const entry = '"operation":"ClusterAction","host":"*"}]}'
  assert.equal(texts.get('/kafka-acl/Topic/t'), `{"version":1,"acls":[{"principal":"User:u","permissionType":"Allow",${entry}`)
  assert.equal(
    texts.get('/kafka-acl-extended/prefixed/Topic/p'),
    `{"version":1,"acls":[{"principal":"User:u","permissionType":"Deny",${entry}`,
  )
  assert.equal(texts.get('/latest_producer_id_block'), '{"version":1,"broker":1,"block_start":"2000","block_end":"2999"}')
  assert.equal(
    texts.get('/feature'),
    '{"version":1,"status":1,"features":{"metadata.version":{"min_version_level":30,"max_version_level":30}}}',
  )
  both.check()
})

test('changes carried out again from anywhere end in the same znodes', () => {
  const both = new BothWays()
  const before = new Map(both.znodes.texts)
  const changes = new StrictZnodes().read().apply([record('topic', { name: 't', topicId }), partition(0), partition(1)], 1)
  const half = new ZnodeTree(before)
  half.carryOut(changes.slice(0, 5))
  const [path, text] = journalZnode(0, changes)
  half.carryOut(journalledIn(path, text))
  const whole = new ZnodeTree(before)
  whole.carryOut(changes)
  assert.deepEqual(new Map(half.entries()), new Map(whole.entries()))
})

test('a thousand partitions are cut into lists that each fit', () => {
  const changes = new StrictZnodes()
    .read()
    .apply([record('topic', { name: 't'.repeat(249), topicId }), ...Array.from({ length: 1000 }, (_, at) => partition(at))], 1)
  const lists = cutByBytes(changes, 300_000)
  assert.ok(lists.length > 2, `${lists.length} lists`)
  for (const list of lists) assert.ok(list.reduce((sum, it) => sum + bytesOf(it), 0) <= 300_000)
  assert.deepEqual(lists.flat(), changes)
})

test('a cluster that was written by hand is refused with the place', () => {
  const znodes = new StrictZnodes()
  znodes.texts.set('/brokers/topics/t', '{"version":3')
  assert.throws(() => znodes.read(), { name: 'ZnodeError', message: 'znode /brokers/topics/t: no JSON' })
  znodes.texts.set('/brokers/topics/t', `{"topic_id":"${topicId}","partitions":{"0":[1]}}`)
  assert.throws(() => znodes.read(), { name: 'ZnodeError', message: 'znode /brokers/topics/t/partitions/0/state: is not there' })
})

test('how far the znodes are is read as it was written', () => {
  const stored = { endOffset: 2 ** 40, epoch: 3, timestamp: 1_700_000_000_000, journal: 2 }
  assert.deepEqual(storedLogIn(storedLogText(stored)), stored)
  assert.deepEqual(canonical([]), [])
})
