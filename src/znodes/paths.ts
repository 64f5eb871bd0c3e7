/** Where things are in ZooKeeper: Kafka's own paths (kafka.zk.ZkData of 3.9), and what Kafka never had below `/odradek`. */
export const paths = {
  controller: '/controller',
  controllerEpoch: '/controller_epoch',
  brokerIds: '/brokers/ids',
  topics: '/brokers/topics',
  topicConfigs: '/config/topics',
  brokerConfigs: '/config/brokers',
  users: '/config/users',
  clients: '/config/clients',
  ips: '/config/ips',
  literalAcls: '/kafka-acl',
  prefixedAcls: '/kafka-acl-extended/prefixed',
  clusterId: '/cluster/id',
  feature: '/feature',
  producerIdBlock: '/latest_producer_id_block',
  /** Who leads, in which epoch, and where its controller listener is: what an observer needs in one read. */
  activeController: '/odradek/controller',
  /** Up to which offset of the metadata log the znodes are the fold. Every append raises its version by one. */
  log: '/odradek/log',
  journal: '/odradek/journal',
  brokers: '/odradek/brokers',
  controllers: '/odradek/controllers',
  partitions: '/odradek/topics',
  otherConfigs: '/odradek/config',
  otherQuotas: '/odradek/quotas',
  otherScram: '/odradek/scram',
  acls: '/odradek/acls',
  tokens: '/odradek/delegation_tokens',
  producerIds: '/odradek/producer_ids',
  migration: '/odradek/zk_migration',
  transaction: '/odradek/transaction',
} as const

/** Made once when a cluster comes to an ensemble (kafka.zk.ZkData.PersistentZkPaths), parents first. */
export const persistentPaths: readonly string[] = [
  '/cluster',
  '/brokers',
  paths.brokerIds,
  paths.topics,
  '/brokers/seqid',
  '/config',
  '/config/changes',
  paths.topicConfigs,
  paths.brokerConfigs,
  paths.clients,
  paths.users,
  paths.ips,
  '/admin',
  '/admin/delete_topics',
  '/isr_change_notification',
  '/log_dir_event_notification',
  paths.literalAcls,
  '/kafka-acl-changes',
  '/kafka-acl-extended',
  paths.prefixedAcls,
  '/kafka-acl-extended-changes',
  '/odradek',
  paths.journal,
  paths.brokers,
  paths.controllers,
  paths.partitions,
  paths.otherConfigs,
  paths.otherQuotas,
  paths.otherScram,
  paths.acls,
  paths.tokens,
  paths.transaction,
]

/** All below these (and these) say what the metadata log says; nothing else is read to rebuild it. */
export const imageRoots: readonly string[] = [
  paths.topics,
  paths.topicConfigs,
  paths.brokerConfigs,
  paths.users,
  paths.clients,
  paths.ips,
  paths.literalAcls,
  paths.prefixedAcls,
  paths.feature,
  paths.producerIdBlock,
  paths.brokers,
  paths.controllers,
  paths.partitions,
  paths.otherConfigs,
  paths.otherQuotas,
  paths.otherScram,
  paths.acls,
  paths.tokens,
  paths.producerIds,
  paths.migration,
  paths.transaction,
]

/** Others may not even read these where the ensemble knows whose they are (ZkData.SensitiveRootPaths, and our own of that kind). */
export const sensitivePaths: readonly string[] = [
  paths.users,
  paths.brokerConfigs,
  paths.otherScram,
  paths.tokens,
  paths.journal,
  paths.transaction,
]

export const DEFAULT_ENTITY = '<default>'

/**
 * A name as one part of a path: org.apache.kafka.common.utils.Sanitizer (percent encoding), and what no path can have: an empty part is `+` (which the
 * sanitizer never gives), `.` and `..` are encoded too.
 */
export function partOf(name: string): string {
  if (name === '') return '+'
  if (name === '.' || name === '..') return name.replaceAll('.', '%2E')
  return encodeURIComponent(name).replace(/[!~*'()]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`)
}

export function nameOf(part: string): string {
  return part === '+' ? '' : decodeURIComponent(part)
}

/** A name, or the default entity for null. */
export function entityPart(name: string | null): string {
  return name === null ? DEFAULT_ENTITY : partOf(name)
}

export function entityOf(part: string): string | null {
  return part === DEFAULT_ENTITY ? null : nameOf(part)
}
