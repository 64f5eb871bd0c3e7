// What we write where Kafka has a znode is read by Kafka 3.9 itself (kafka.zk.ZkData), without an error and as it was meant.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { dist } from '../rig/build.mjs'
import { without, zkDataJars } from '../rig/peers.mjs'
import { removeFolder, temporaryFolder } from '../rig/processes.mjs'

/** @param {string} path */
const load = (path) => import(pathToFileURL(join(dist, path)).href)
const { ImageInZnodes } = await load('znodes/image-in-znodes.js')
const { ZnodeTree } = await load('znodes/znode-tree.js')
const { activeControllerText, brokerIdText, clusterIdText, controllerText } = await load('znodes/registration.js')
const { newRecord } = await load('metadata/new-record.js')

const topicId = 'hxIkx1ZSRl6NpRNDwWw3ng'
const directory = 'AbCdEfGhIjKlMnOpQrStUg'
const ofKafka = /^\/(brokers\/topics\/[^/]+(\/partitions\/\d+\/state)?|config\/.*|kafka-acl.*|feature|latest_producer_id_block)$/

const partition = (/** @type {number} */ partitionId, /** @type {object} */ changes = {}) => ({
  type: 'partition',
  partitionId,
  topicId,
  replicas: [1, 2, 3],
  isr: [1, 2],
  removingReplicas: [],
  addingReplicas: [],
  leader: 1,
  leaderEpoch: 4,
  partitionEpoch: 7,
  directories: [directory, directory, directory],
  ...changes,
})
const bytes = (/** @type {string} */ text) => Buffer.from(text)
const acl = { resourceType: 2, resourceName: 'orders', patternType: 3, principal: 'User:alice', host: '*', permissionType: 3 }
const acls = Array.from({ length: 13 }, (_, at) => ({
  type: 'accessControlEntry',
  ...acl,
  id: `AAAAAAAAAAAAAAAAAAAA${at + 10}`,
  operation: at + 2,
}))
const user = { entityType: 'user', entityName: 'ümlaut & co' }
const records = [
  { type: 'featureLevel', name: 'metadata.version', featureLevel: 30 },
  { type: 'topic', name: 'orders', topicId },
  partition(0),
  partition(1, { leader: -1, isr: [3], addingReplicas: [3], removingReplicas: [1], leaderRecoveryState: 1 }),
  { type: 'config', resourceType: 2, resourceName: 'orders', name: 'retention.ms', value: '60000' },
  { type: 'config', resourceType: 4, resourceName: '', name: 'log.retention.ms', value: '"quoted"' },
  {
    type: 'clientQuota',
    entity: [user, { entityType: 'client-id', entityName: null }],
    key: 'producer_byte_rate',
    value: 1e21,
    remove: false,
  },
  { type: 'clientQuota', entity: [{ entityType: 'ip', entityName: '10.0.0.1' }], key: 'connection_creation_rate', value: 5, remove: false },
  {
    type: 'userScramCredential',
    name: user.entityName,
    mechanism: 2,
    salt: bytes('s'),
    storedKey: bytes('k'),
    serverKey: bytes('v'),
    iterations: 4096,
  },
  ...acls,
  {
    type: 'accessControlEntry',
    ...acl,
    id: directory,
    patternType: 4,
    operation: 3,
    permissionType: 2,
    resourceType: 3,
    resourceName: 'group-',
  },
  { type: 'producerIds', brokerId: 2, brokerEpoch: 9, nextProducerId: 3000 },
]

/** Path and text of all that Kafka has a decoder for. */
function znodes() {
  const image = new ImageInZnodes(new ZnodeTree())
  image.apply(
    records.map(({ type, ...draft }) => newRecord(type, 30, draft)),
    6,
  )
  const listeners = [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 'PLAINTEXT' }]
  const features = [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }]
  const written = [...image.znodes].filter(([path, text]) => text !== '' && ofKafka.test(path))
  return new Map([
    ...written,
    ['/brokers/ids/1', brokerIdText({ listeners, rack: 'r1', features, timestamp: 5 })],
    ['/controller', controllerText(3, 5)],
    ['/controller_epoch', '6'],
    ['/cluster/id', clusterIdText('the-cluster')],
  ])
}

test("Kafka 3.9's decoders read what we write where Kafka has it", { skip: without('java', 'zkdata') }, () => {
  const folder = temporaryFolder('zkdata')
  try {
    const all = znodes()
    const file = join(folder, 'znodes')
    writeFileSync(file, [...all].map(([path, text]) => `${path}\t${Buffer.from(text).toString('base64')}`).join('\n'))
    const reader = join(dirname(fileURLToPath(import.meta.url)), 'zkdata', 'ZkDataReader.java')
    const { status, stdout, stderr } = spawnSync('java', ['-Dfile.encoding=UTF-8', '-cp', `${zkDataJars()}/*`, reader, file], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
    const read = new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]),
    )
    assert.equal(read.size, all.size)
    assert.match(
      read.get('/brokers/topics/orders') ?? '',
      /Some\(hxIkx1ZSRl6NpRNDwWw3ng\).*orders-1 -> ReplicaAssignment\(replicas=1,2,3, addingReplicas=3, removingReplicas=1\)/,
    )
    assert.match(
      read.get('/brokers/topics/orders/partitions/1/state') ?? '',
      /^\(Leader:-1,ISR:3,LeaderRecoveryState:RECOVERING,LeaderEpoch:4,/,
    )
    assert.match(read.get('/brokers/ids/1') ?? '', /^1 : .*h,9092,ListenerName\(PLAINTEXT\),PLAINTEXT.* : r1/)
    assert.equal(read.get('/config/topics/orders'), '{retention.ms=60000}')
    assert.equal(read.get('/config/brokers/<default>'), '{log.retention.ms="quoted"}')
    assert.match(
      read.get('/config/users/%C3%BCmlaut%20%26%20co') ?? '',
      /SCRAM-SHA-512=salt=cw==,stored_key=aw==,server_key=dg==,iterations=4096/,
    )
    assert.equal(
      Number(/producer_byte_rate=(.*)\}/.exec(read.get('/config/users/%C3%BCmlaut%20%26%20co/clients/<default>') ?? '')?.[1]),
      1e21,
    )
    assert.match(read.get('/feature') ?? '', /metadata\.version -> 30/)
    assert.match(read.get('/latest_producer_id_block') ?? '', /assignedBrokerId=2, firstProducerId=2000, size=1000/)
    assert.deepEqual([read.get('/cluster/id'), read.get('/controller'), read.get('/controller_epoch')], ['the-cluster', '3', '6'])
    const entries = read.get('/kafka-acl/Topic/orders') ?? ''
    assert.equal(entries.match(/User:alice has ALLOW permission/g)?.length, acls.length, entries)
    assert.match(read.get('/kafka-acl-extended/prefixed/Group/group-') ?? '', /DENY permission for operations: READ from hosts: \*/)
  } finally {
    removeFolder(folder)
  }
})

test('the znode of the active controller has a place of its own', () => {
  assert.equal(activeControllerText({ id: 1, epoch: 2, host: 'h', port: 3 }), '{"version":1,"id":1,"epoch":2,"host":"h","port":3}')
})
