import type { Complain } from './addresses.ts'
import { checkGroups } from './group-configs.ts'
import { parseConnectionOverrides } from './listeners.ts'
import type { ServerValues } from './server-values.ts'
import { asNumber } from './values.ts'

/** What must hold between several values (KafkaConfig.validateValues), and what is not there yet and must not be taken lightly. */
export function crossCheck(values: ServerValues, complain: Complain): void {
  checkTimes(values, complain)
  checkReplication(values, complain)
  checkLimits(values, complain)
  checkGroups(values, complain)
  checkZooKeeper(values, complain)
  refuseMissing(values, complain)
}

function checkZooKeeper(values: ServerValues, complain: Complain): void {
  const [user, password] = ['odradek.zookeeper.digest.username', 'odradek.zookeeper.digest.password'] as const
  const others = [user, password, 'zookeeper.set.acl', 'zookeeper.session.timeout.ms', 'zookeeper.connection.timeout.ms']
  if (values.text('zookeeper.connect') === null) {
    const given = others.find((name) => values.has(name))
    if (given !== undefined) complain(given, 'goes with zookeeper.connect, which is not given')
    return
  }
  if ((values.text(user) === null) !== (values.text(password) === null)) complain(user, `and ${password} go together; give both`)
  if ((values.text(user) !== null) !== values.boolean('zookeeper.set.acl')) {
    complain('zookeeper.set.acl', `is to be true when ${user} is given, and false when it is not`)
  }
}

function checkTimes(values: ServerValues, complain: Complain): void {
  atLeast(values, ['log.roll.ms', 'log.roll.hours'], 1, complain)
  atLeast(values, ['log.roll.jitter.ms', 'log.roll.jitter.hours'], 0, complain)
  const retention = values.first(['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'])
  if (retention !== undefined) {
    const time = asNumber(retention.value)
    if (time !== -1 && time < 1) complain(retention.name, `is ${time}; give -1 for no limit, or at least 1`)
  }
  if (values.number('log.cleaner.min.compaction.lag.ms') > values.number('log.cleaner.max.compaction.lag.ms')) {
    complain('log.cleaner.min.compaction.lag.ms', 'is above log.cleaner.max.compaction.lag.ms; lower it')
  }
}

function atLeast(values: ServerValues, names: readonly string[], min: number, complain: Complain): void {
  const found = values.first(names)
  if (found !== undefined && asNumber(found.value) < min) complain(found.name, `must be at least ${min}`)
}

function checkReplication(values: ServerValues, complain: Complain): void {
  const waitMax = values.number('replica.fetch.wait.max.ms')
  if (values.number('replica.socket.timeout.ms') < waitMax) {
    complain('replica.socket.timeout.ms', `must be at least replica.fetch.wait.max.ms (${waitMax}), or every quiet fetch times out`)
  }
  if (waitMax > values.number('replica.lag.time.max.ms')) {
    complain('replica.fetch.wait.max.ms', 'must not be above replica.lag.time.max.ms, or quiet followers leave the in-sync replicas')
  }
  const session = values.number('broker.session.timeout.ms')
  if (values.number('broker.heartbeat.interval.ms') * 2 > session) {
    complain('broker.heartbeat.interval.ms', `must be at most half of broker.session.timeout.ms (${session}), or living brokers are fenced`)
  }
}

function checkLimits(values: ServerValues, complain: Complain): void {
  const queued = values.number('queued.max.request.bytes')
  const request = values.number('socket.request.max.bytes')
  if (queued > 0 && queued < request)
    complain('queued.max.request.bytes', `must be at least socket.request.max.bytes (${request}), or -1 for no bound`)
  const overrides = parseConnectionOverrides(values.text('max.connections.per.ip.overrides') ?? '')
  if ('problem' in overrides) complain('max.connections.per.ip.overrides', overrides.problem)
  else if (values.number('max.connections.per.ip') === 0 && overrides.value.size === 0) {
    complain('max.connections.per.ip', 'is 0, so nobody could connect; give max.connections.per.ip.overrides too, or raise it')
  }
  if (values.list('log.dirs').length === 0 && values.list('log.dir').length === 0)
    complain('log.dirs', 'is empty; name at least one directory')
}

/** What would be thought to protect or to keep data, and does not: better not to start. */
function refuseMissing(values: ServerValues, complain: Complain): void {
  if (values.text('authorizer.class.name') !== null) {
    complain(
      'authorizer.class.name',
      'access control is not there yet, so anyone who reaches this node could do anything; take it out if that is meant',
    )
  }
  if (values.boolean('remote.log.storage.system.enable'))
    complain('remote.log.storage.system.enable', 'tiered storage is not there yet; set it to false')
  if (values.text('replica.selector.class') !== null)
    complain('replica.selector.class', 'fetching from followers is not there yet; take it out')
  if (values.boolean('controller.quorum.auto.join.enable')) {
    complain('controller.quorum.auto.join.enable', 'a quorum whose members change is not there yet; set it to false')
  }
}
