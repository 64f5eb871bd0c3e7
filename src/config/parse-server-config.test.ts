import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseServerConfig, reconfigured } from './parse-server-config.ts'
import type { ConfigProblem, ParsedServerConfig, PropertyEntry, ServerConfig } from './server-config.ts'

const combined = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': '1@127.0.0.1:19092,2@127.0.0.1:19093,3@127.0.0.1:19094',
  'controller.listener.names': 'CONTROLLER',
  listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19092',
  'log.dirs': 'data',
}
type Properties = Readonly<Record<string, string>>

function entries(properties: Properties): readonly PropertyEntry[] {
  return Object.entries(properties).map(([name, value], i) => ({ name, value, line: i + 1 }))
}

function parse(changes: Properties, without: readonly string[] = []): ParsedServerConfig {
  const all = Object.entries({ ...combined, ...changes }).filter(([name]) => !without.includes(name))
  return parseServerConfig(entries(Object.fromEntries(all)))
}

function configOf(parsed: ParsedServerConfig): ServerConfig {
  assert.ok('config' in parsed, JSON.stringify('problems' in parsed ? parsed.problems : []))
  return parsed.config
}

function problemsOf(parsed: ParsedServerConfig): readonly ConfigProblem[] {
  assert.ok('problems' in parsed)
  return parsed.problems
}

function onlyProblem(parsed: ParsedServerConfig): ConfigProblem {
  const problems = problemsOf(parsed)
  assert.equal(problems.length, 1, JSON.stringify(problems))
  return problems[0] ?? { line: 0, name: '', message: '' }
}

describe('server.properties', () => {
  test('a combined node needs six lines', () => {
    const config = configOf(parse({}))
    assert.deepEqual(config.processRoles, ['broker', 'controller'])
    assert.deepEqual(config.advertisedListeners, [{ name: 'PLAINTEXT', protocol: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }])
    assert.deepEqual(config.controllerAdvertisedListeners, [{ name: 'CONTROLLER', protocol: 'PLAINTEXT', host: '127.0.0.1', port: 19092 }])
    assert.equal(config.interBrokerListenerName, 'PLAINTEXT')
    assert.equal(config.metadataLogDir, 'data')
    assert.equal(config.controllerQuorumVoters.length, 3)
    assert.equal(config.given.get('broker.id'), '1')
  })

  test('a name that Kafka does not have is a problem with its line and the likely name', () => {
    assert.deepEqual(onlyProblem(parse({ 'default.replicaton.factor': '3' })), {
      line: 7,
      name: 'default.replicaton.factor',
      message: 'is not a configuration of Kafka; did you mean default.replication.factor?',
    })
  })

  test("a topic's name in the file is told the broker's", () => {
    assert.match(onlyProblem(parse({ 'retention.ms': '5' })).message, /the default for all topics is log\.retention\.ms/)
  })

  test('what Kafka has and we do not act on is a warning, once', () => {
    const { warnings } = parse({ 'num.io.threads': '8', 'listener.name.plaintext.ssl.keystore.location': 'x', 'rsm.config.foo': 'y' })
    assert.deepEqual(
      warnings.map((it) => [it.line, it.name]),
      [
        [7, 'num.io.threads'],
        [8, 'listener.name.plaintext.ssl.keystore.location'],
        [9, 'rsm.config.foo'],
      ],
    )
  })

  test('with zookeeper.connect a node is broker and controller, and has no voters', () => {
    const onZooKeeper = (changes: Properties) =>
      parse({ 'zookeeper.connect': 'a:2181,b:2181/kafka', ...changes }, ['process.roles', 'controller.quorum.voters'])
    const config = configOf(onZooKeeper({ 'zookeeper.session.timeout.ms': '4000' }))
    assert.deepEqual(config.processRoles, ['broker', 'controller'])
    const connect = 'a:2181,b:2181/kafka'
    assert.deepEqual(config.zookeeper, { connect, sessionTimeoutMs: 4000, connectionTimeoutMs: 4000, digest: null })
    const digest = { 'odradek.zookeeper.digest.username': 'u', 'odradek.zookeeper.digest.password': 'p' }
    assert.equal(onlyProblem(onZooKeeper(digest)).name, 'zookeeper.set.acl')
    assert.equal(configOf(onZooKeeper({ ...digest, 'zookeeper.set.acl': 'true' })).zookeeper?.digest, 'u:p')
    assert.match(onlyProblem(onZooKeeper({ 'zookeeper.ssl.client.enable': 'true' })).message, /not there yet/)
    assert.equal(onlyProblem(parse({ 'zookeeper.session.timeout.ms': '1' })).name, 'zookeeper.session.timeout.ms')
  })

  test('a name of Kafka 3 is only a warning, but two ways to agree are refused', () => {
    assert.match(parse({ 'inter.broker.protocol.version': '3.9' }).warnings[0]?.message ?? '', /gone since Kafka 4\.0/)
    const problems = problemsOf(parse({ 'zookeeper.connect': 'x:2181' })).map((it) => it.name)
    assert.deepEqual(problems.sort(), ['controller.quorum.voters', 'process.roles'])
  })

  test('an unreadable value is named with its line, and all problems come at once, by line', () => {
    const problems = problemsOf(parse({ 'num.partitions': 'many', 'min.insync.replicas': '0' }))
    assert.deepEqual(
      problems.map((it) => [it.line, it.name]),
      [
        [7, 'num.partitions'],
        [8, 'min.insync.replicas'],
      ],
    )
  })

  test('a property that is given twice counts the last time', () => {
    const parsed = parseServerConfig([...entries(combined), { name: 'log.dirs', value: 'other', line: 20 }])
    assert.deepEqual(configOf(parsed).logDirs, ['other'])
    assert.match(parsed.warnings[0]?.message ?? '', /line 6 does not/)
  })

  test('an empty file says what is needed', () => {
    const names = problemsOf(parseServerConfig([])).map((it) => it.name)
    assert.deepEqual(names, ['process.roles', 'node.id', 'controller.quorum.voters', 'controller.listener.names'])
  })

  test('broker.id stands in for node.id, and must agree with it', () => {
    assert.equal(configOf(parse({ 'broker.id': '1' }, ['node.id'])).nodeId, 1)
    assert.equal(onlyProblem(parse({ 'broker.id': '2' })).name, 'broker.id')
  })

  test('a controller that is not among the voters, and a broker that is, are refused', () => {
    assert.match(onlyProblem(parse({ 'node.id': '9' })).message, /add 9@host:port/)
    const broker = parse({ 'process.roles': 'broker', listeners: 'PLAINTEXT://127.0.0.1:9092' })
    assert.match(onlyProblem(broker).message, /only a broker, but its id 1 is listed/)
  })

  test("a broker that binds the controller's listener is refused", () => {
    assert.match(onlyProblem(parse({ 'process.roles': 'broker', 'node.id': '9' })).message, /CONTROLLER belongs to the controller/)
  })

  test('an address that no client reaches is not advertised', () => {
    const listeners = 'PLAINTEXT://0.0.0.0:9092,CONTROLLER://0.0.0.0:19092'
    assert.match(onlyProblem(parse({ listeners })).message, /PLAINTEXT:\/\/<host that clients reach>:9092/)
    const config = configOf(parse({ listeners, 'advertised.listeners': 'PLAINTEXT://broker-1.example:9092' }))
    assert.equal(config.advertisedListeners[0]?.host, 'broker-1.example')
    assert.equal(config.controllerAdvertisedListeners[0]?.host, '127.0.0.1')
  })

  test('a listener with another name needs a protocol, and one that brokers use needs to be there', () => {
    const listeners = 'INSIDE://127.0.0.1:9092,CONTROLLER://127.0.0.1:19092'
    const unmapped = parse({ listeners, 'inter.broker.listener.name': 'INSIDE', 'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT' })
    assert.deepEqual(
      problemsOf(unmapped).map((it) => it.name),
      ['inter.broker.listener.name', 'listeners'].reverse(),
    )
    const map = 'INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT'
    assert.match(
      onlyProblem(parse({ listeners, 'listener.security.protocol.map': map })).message,
      /PLAINTEXT is not among the advertised listeners \(INSIDE\)/,
    )
    assert.equal(
      configOf(parse({ listeners, 'listener.security.protocol.map': map, 'inter.broker.listener.name': 'inside' })).interBrokerListenerName,
      'INSIDE',
    )
  })

  test('protection that is not there is refused, not ignored', () => {
    assert.match(onlyProblem(parse({ 'authorizer.class.name': 'x.Y' })).message, /access control is not there yet/)
    const tls = parse({ listeners: 'SSL://127.0.0.1:9092,CONTROLLER://127.0.0.1:19092', 'inter.broker.listener.name': 'SSL' })
    assert.match(onlyProblem(tls).message, /SSL, which is not there yet/)
  })

  test('values that contradict each other are refused', () => {
    const cases: readonly (readonly [Properties, string])[] = [
      [{ 'replica.lag.time.max.ms': '100' }, 'replica.fetch.wait.max.ms'],
      [{ 'replica.socket.timeout.ms': '100' }, 'replica.socket.timeout.ms'],
      [{ 'queued.max.request.bytes': '1000' }, 'queued.max.request.bytes'],
      [{ 'max.connections.per.ip': '0' }, 'max.connections.per.ip'],
      [{ 'log.retention.hours': '0' }, 'log.retention.hours'],
      [{ 'log.roll.ms': '0' }, 'log.roll.ms'],
      [{ 'broker.heartbeat.interval.ms': '1500' }, 'broker.heartbeat.interval.ms'],
      [{ 'controller.quorum.bootstrap.servers': '127.0.0.1:19092' }, 'controller.quorum.bootstrap.servers'],
      [{ listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9092' }, 'listeners'],
    ]
    for (const [changes, name] of cases) assert.equal(problemsOf(parse(changes))[0]?.name, name)
  })

  test('hours and minutes become milliseconds', () => {
    assert.equal(configOf(parse({ 'log.retention.hours': '2' })).topicDefaults.retentionMs, 7_200_000)
    assert.equal(configOf(parse({ 'log.retention.hours': '2', 'log.retention.minutes': '5' })).topicDefaults.retentionMs, 300_000)
    assert.equal(configOf(parse({ 'log.retention.hours': '-1' })).topicDefaults.retentionMs, -1)
  })

  test('a dynamic value lies over the file; a read-only or unreadable one does not', () => {
    const config = configOf(parse({ 'log.retention.minutes': '5', 'max.connections': '50' }))
    const layer = new Map([
      ['log.retention.ms', '77'],
      ['max.connections', '60'],
      ['num.partitions', '9'],
      ['message.max.bytes', 'x'],
    ])
    const after = reconfigured(config, layer, new Map([['max.connections', '70']]))
    assert.deepEqual([after.topicDefaults.retentionMs, after.maxConnections, after.numPartitions], [77, 70, 1])
    assert.equal(after.topicDefaults.maxMessageBytes, 1048588)
    assert.equal(reconfigured(after, new Map(), new Map()).maxConnections, 50)
  })

  test('names that JavaScript objects have by themselves are names like others', () => {
    assert.equal(onlyProblem(parseServerConfig([...entries(combined), { name: '__proto__', value: 'x', line: 9 }])).name, '__proto__')
    assert.equal(onlyProblem(parseServerConfig([...entries(combined), { name: 'constructor', value: 'x', line: 9 }])).name, 'constructor')
  })
})
