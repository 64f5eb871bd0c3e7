import { atLeast, boolean, int, password, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** A cluster that agrees through a ZooKeeper ensemble: the names of Kafka 3.9 (ZkConfigs), and what Kafka takes from a JAAS file. */
export const zookeeperRows: readonly ConfigKey[] = [
  string('zookeeper.connect', null, 'high', {
    does:
      'The ZooKeeper ensemble through which the cluster agrees, as `host:port,host:port/chroot`; then there are no `process.roles` and no ' +
      '`controller.quorum.voters`: every node is a broker that may be elected controller.',
  }),
  int('zookeeper.connection.timeout.ms', null, 'high', {
    does: 'How long a node that starts waits for the ensemble; without it as long as `zookeeper.session.timeout.ms`.',
  }),
  int('zookeeper.session.timeout.ms', 18000, 'high', {
    valid: atLeast(1),
    does: 'A node from which the ensemble has not heard for this long counts as dead. The ensemble may grant another time.',
    ours: 6000,
    because: 'A controller that stops dead is replaced when its session is over.',
  }),
  boolean('zookeeper.set.acl', false, 'high', {
    does: 'Znodes that are made belong to the user of the digest, and others may only read them; needs `odradek.zookeeper.digest.username`.',
  }),
  password('odradek.zookeeper.digest.password', null, 'medium', { does: 'The password of `odradek.zookeeper.digest.username`.' }),
  string('odradek.zookeeper.digest.username', null, 'medium', {
    does: "The user of ZooKeeper's scheme `digest` as whom a node speaks to the ensemble; goes with `zookeeper.set.acl=true`.",
  }),
]
