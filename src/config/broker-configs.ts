import { assert } from '../base/assert.ts'
import { atLeast, type ConfigKey, long } from './config-key.ts'
import { cleanerRows } from './tables/cleaner.ts'
import { groupsRows } from './tables/groups.ts'
import { networkRows } from './tables/network.ts'
import { nodeRows } from './tables/node.ts'
import { oauthRows } from './tables/oauth.ts'
import { ownRows } from './tables/own.ts'
import { quorumRows } from './tables/quorum.ts'
import { quotasAndMetricsRows } from './tables/quotas-and-metrics.ts'
import { remoteStorageRows } from './tables/remote-storage.ts'
import { replicationRows } from './tables/replication.ts'
import { securityRows } from './tables/security.ts'
import { shareGroupsRows } from './tables/share-groups.ts'
import { storageRows } from './tables/storage.ts'
import { transactionsRows } from './tables/transactions.ts'
import { zookeeperRows } from './tables/zookeeper.ts'

/** All that a `server.properties` may say (KafkaConfig, and what is our own), by name. */
export const brokerConfigs: ReadonlyMap<string, ConfigKey> = byName([
  ...nodeRows,
  ...networkRows,
  ...storageRows,
  ...cleanerRows,
  ...replicationRows,
  ...quorumRows,
  ...groupsRows,
  ...shareGroupsRows,
  ...transactionsRows,
  ...securityRows,
  ...oauthRows,
  ...remoteStorageRows,
  ...quotasAndMetricsRows,
  ...zookeeperRows,
  ...ownRows,
])

/** What only a dynamic configuration of a broker may say (QuotaConfig.brokerQuotaConfigs). */
export const dynamicOnlyBrokerConfigs: ReadonlyMap<string, ConfigKey> = byName(
  ['leader.replication.throttled.rate', 'follower.replication.throttled.rate', 'replica.alter.log.dirs.io.max.bytes.per.second'].map(
    (name) =>
      long(name, '9223372036854775807', 'medium', {
        mode: 'cluster-wide',
        valid: atLeast(0),
        ...(name === 'replica.alter.log.dirs.io.max.bytes.per.second'
          ? { does: 'Bytes per second that replicas on their way between log directories copy at most, all together.' }
          : {}),
      }),
  ),
)

/** Rows by name, in the order of the names. */
export function byName(rows: readonly ConfigKey[]): ReadonlyMap<string, ConfigKey> {
  const sorted = [...rows].sort((a, b) => (a.name < b.name ? -1 : 1))
  const out = new Map(sorted.map((key) => [key.name, key]))
  assert(out.size === rows.length, 'a configuration has one row')
  return out
}

/**
 * A name such as `listener.name.internal.ssl.keystore.location` is `ssl.keystore.location` for one listener. Returns the listener and the
 * plain name; undefined when the name is not of that form.
 */
export function listenerOverride(name: string): { readonly listener: string; readonly name: string } | undefined {
  const match = /^listener\.name\.([^.]+)\.(.+)$/.exec(name)
  if (match === null) return undefined
  const [, listener = '', rest = ''] = match
  const plain = [...brokerConfigs.keys()].find((known) => rest === known || rest.endsWith(`.${known}`))
  return { listener, name: plain ?? rest }
}

/** Names under these prefixes belong to plug-ins, which only they can judge. */
const pluginPrefixes = ['rsm.config.', 'rlmm.config.', 'config.providers.']

export function isPluginConfig(name: string): boolean {
  return pluginPrefixes.some((prefix) => name.startsWith(prefix))
}

const orders: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

/** The names under which a broker's configuration may be given, the strongest first (DynamicBrokerConfig.brokerConfigSynonyms). */
export function brokerSynonyms(name: string): readonly string[] {
  if (name === 'log.flush.interval.ms') return ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms']
  const override = listenerOverride(name)
  if (override !== undefined) return [name, override.name]
  return orders.find((order) => order.includes(name)) ?? [name]
}
