import type { ClusterImage } from '../metadata/image.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import { newRecord } from '../metadata/new-record.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import type { AccessControlEntryRecord } from '../metadata/records/security.ts'
import { recordIn, recordText } from './json.ts'
import { partOf, paths } from './paths.ts'
import type { Znode, ZnodePlan, ZnodeTree } from './znode-tree.ts'

/**
 * Access control entries have ids since KRaft, so `/odradek/acls/<id>` is what is read back. `/kafka-acl/<type>/<name>` and
 * `/kafka-acl-extended/prefixed/<type>/<name>` say the same as Kafka does (ResourceZNode, AclEntry), written in the same multi, for whoever looks.
 * Delegation tokens, which Kafka keeps without saying who asked for them, are below `/odradek` alone.
 */
const resourceNames: ReadonlyMap<number, string> = new Map([
  [2, 'Topic'],
  [3, 'Group'],
  [4, 'Cluster'],
  [5, 'TransactionalId'],
  [6, 'DelegationToken'],
  [7, 'User'],
])
/** org.apache.kafka.common.acl.AclOperation, as SecurityUtils.operationName spells it; what 3.9 does not know is not in it. */
const operationNames: ReadonlyMap<number, string> = new Map([
  [2, 'All'],
  [3, 'Read'],
  [4, 'Write'],
  [5, 'Create'],
  [6, 'Delete'],
  [7, 'Alter'],
  [8, 'Describe'],
  [9, 'ClusterAction'],
  [10, 'DescribeConfigs'],
  [11, 'AlterConfigs'],
  [12, 'IdempotentWrite'],
  [13, 'CreateTokens'],
  [14, 'DescribeTokens'],
])
const permissionNames: ReadonlyMap<number, string> = new Map([
  [2, 'Deny'],
  [3, 'Allow'],
])
const LITERAL = 3
const PREFIXED = 4

/** Names that one part of a path can be as they are; Kafka does not encode the names of resources. */
function isPlainPart(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- what ZooKeeper refuses in a path
  return name !== '' && name !== '.' && name !== '..' && !/[/\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(name)
}

export function planSecurity(plan: ZnodePlan, image: ClusterImage): void {
  const entries = [...image.security.accessControlEntries()]
  plan.replaceBelow(
    paths.acls,
    entries.map((it) => [`${paths.acls}/${it.id}`, recordText(newRecord('accessControlEntry', METADATA_VERSION_LATEST, it))]),
  )
  planView(
    plan,
    paths.literalAcls,
    entries.filter((it) => it.patternType === LITERAL),
  )
  planView(
    plan,
    paths.prefixedAcls,
    entries.filter((it) => it.patternType === PREFIXED),
  )
  plan.replaceBelow(paths.tokens, tokenZnodes(image))
}

function planView(plan: ZnodePlan, root: string, entries: readonly AccessControlEntryRecord[]): void {
  const byPath = new Map<string, Map<string, object>>()
  for (const entry of entries) {
    const type = resourceNames.get(entry.resourceType)
    const acl = aclOf(entry)
    if (type === undefined || acl === null || !isPlainPart(entry.resourceName)) continue
    const path = `${root}/${type}/${entry.resourceName}`
    const acls = byPath.get(path) ?? new Map<string, object>()
    byPath.set(path, acls.set(JSON.stringify(acl), acl))
  }
  plan.replaceBelow(
    root,
    [...resourceNames.values()].map((type) => [`${root}/${type}`, '']),
  )
  for (const [path, acls] of byPath) plan.put(path, JSON.stringify({ version: 1, acls: [...acls.values()] }))
}

/** Null: Kafka 3.9 has no word for it. */
function aclOf(entry: AccessControlEntryRecord): object | null {
  const permissionType = permissionNames.get(entry.permissionType)
  const operation = operationNames.get(entry.operation)
  if (permissionType === undefined || operation === undefined) return null
  return { principal: entry.principal, permissionType, operation, host: entry.host }
}

function* tokenZnodes(image: ClusterImage): Iterable<Znode> {
  for (const record of image.security.toRecords(METADATA_VERSION_LATEST)) {
    if (record.type === 'delegationToken') yield [`${paths.tokens}/${partOf(record.message.tokenId)}`, recordText(record)]
  }
}

/** @throws ZnodeError */
export function* securityRecords(tree: ZnodeTree): Iterable<MetadataRecord> {
  for (const part of tree.namesBelow(paths.acls)) {
    const path = `${paths.acls}/${part}`
    yield recordIn('accessControlEntry', path, tree.get(path) ?? '')
  }
  for (const part of tree.namesBelow(paths.tokens)) {
    const path = `${paths.tokens}/${part}`
    yield recordIn('delegationToken', path, tree.get(path) ?? '')
  }
}
