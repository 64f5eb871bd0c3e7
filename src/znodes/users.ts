import type { ClusterImage } from '../metadata/image.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import { newRecord } from '../metadata/new-record.ts'
import type { QuotaEntity } from '../metadata/quotas-image.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import type { UserScramCredentialRecord } from '../metadata/records/security.ts'
import { configOf, configText, objectOf, parseObject, recordIn, recordText, textsIn, ZnodeError } from './json.ts'
import { entityOf, entityPart, partOf, paths } from './paths.ts'
import type { ZnodePlan, ZnodeTree } from './znode-tree.ts'

/**
 * Quotas and SCRAM credentials, which Kafka keeps together: `/config/users/<u>`, `/config/users/<u>/clients/<c>`, `/config/clients/<c>`,
 * `/config/ips/<ip>`. What has no place there (another combination of entities, a mechanism that Kafka has not) is below `/odradek`.
 */
const roots = [paths.users, paths.clients, paths.ips, paths.otherQuotas, paths.otherScram] as const

const mechanismNames: ReadonlyMap<number, string> = new Map([
  [1, 'SCRAM-SHA-256'],
  [2, 'SCRAM-SHA-512'],
])
const scramKey = /^SCRAM-/

export function planUsers(plan: ZnodePlan, image: ClusterImage): void {
  const all = znodesOf(image)
  for (const root of roots)
    plan.replaceBelow(
      root,
      [...all].filter(([path]) => path.startsWith(`${root}/`)),
    )
}

function znodesOf(image: ClusterImage): ReadonlyMap<string, string> {
  const configs = new Map<string, Map<string, string>>()
  const others = new Map<string, string>()
  const at = (path: string): Map<string, string> => {
    let values = configs.get(path)
    if (values === undefined) configs.set(path, (values = new Map()))
    return values
  }
  for (const { entity, quotas } of image.quotas.all()) {
    const path = entityPath(entity)
    const plain = path !== null && ![...quotas.keys()].some((key) => scramKey.test(key))
    if (!plain) others.set(...otherQuota(entity, quotas))
    else for (const [key, value] of quotas) at(path).set(key, numberText(value))
  }
  for (const credential of image.security.scramCredentials()) {
    const mechanism = mechanismNames.get(credential.mechanism)
    if (mechanism === undefined) others.set(...otherScram(credential))
    else at(`${paths.users}/${partOf(credential.name)}`).set(mechanism, credentialText(credential))
  }
  return withParents(configs, others)
}

/** A user that only has something with a client has a configuration of its own, an empty one, as with Kafka. */
function withParents(configs: ReadonlyMap<string, ReadonlyMap<string, string>>, others: Map<string, string>): ReadonlyMap<string, string> {
  for (const [path, values] of configs) {
    others.set(path, configText(values))
    const [user, client] = path.split('/clients/')
    if (user === undefined || client === undefined || !user.startsWith(`${paths.users}/`)) continue
    others.set(`${user}/clients`, '')
    if (!configs.has(user)) others.set(user, configText([]))
  }
  return others
}

/** Null: Kafka's layout has no place for it. */
function entityPath(entity: QuotaEntity): string | null {
  const names = new Map(entity.map((it) => [it.entityType, it.entityName]))
  if (names.size !== entity.length) return null
  const [user, client, ip] = [names.get('user'), names.get('client-id'), names.get('ip')]
  if (user !== undefined && client !== undefined && names.size === 2) {
    return `${paths.users}/${entityPart(user)}/clients/${entityPart(client)}`
  }
  if (names.size !== 1) return null
  if (user !== undefined) return `${paths.users}/${entityPart(user)}`
  if (client !== undefined) return `${paths.clients}/${entityPart(client)}`
  return ip === undefined ? null : `${paths.ips}/${entityPart(ip)}`
}

/** As Java reads a double: NaN and Infinity are words. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value)
}

/** org.apache.kafka.common.security.scram.internals.ScramCredentialUtils.credentialToString */
function credentialText({ salt, storedKey, serverKey, iterations }: UserScramCredentialRecord): string {
  const base64 = (bytes: Buffer): string => bytes.toString('base64')
  return `salt=${base64(salt)},stored_key=${base64(storedKey)},server_key=${base64(serverKey)},iterations=${iterations}`
}

function otherQuota(entity: QuotaEntity, quotas: ReadonlyMap<string, number>): [string, string] {
  const parts = entity.map(({ entityType, entityName }) => ({ entityType, entityName }))
  const sorted = [...parts].sort((a, b) => (a.entityType < b.entityType ? -1 : 1))
  const texts = [...quotas].map(([key, value]) => [key, numberText(value)])
  return [
    `${paths.otherQuotas}/${partOf(JSON.stringify(sorted))}`,
    JSON.stringify({ version: 1, entity: parts, quotas: Object.fromEntries(texts) }),
  ]
}

function otherScram(credential: UserScramCredentialRecord): [string, string] {
  const record = newRecord('userScramCredential', METADATA_VERSION_LATEST, credential)
  return [`${paths.otherScram}/${partOf(`${credential.mechanism}:${credential.name}`)}`, recordText(record)]
}

/** @throws ZnodeError */
export function* userRecords(tree: ZnodeTree): Iterable<MetadataRecord> {
  for (const user of tree.namesBelow(paths.users)) {
    const path = `${paths.users}/${user}`
    const entity = { entityType: 'user', entityName: entityOf(user) }
    yield* recordsAt(tree, path, [entity])
    for (const client of tree.namesBelow(`${path}/clients`)) {
      yield* recordsAt(tree, `${path}/clients/${client}`, [entity, { entityType: 'client-id', entityName: entityOf(client) }])
    }
  }
  for (const [root, entityType] of [
    [paths.clients, 'client-id'],
    [paths.ips, 'ip'],
  ] as const) {
    for (const part of tree.namesBelow(root)) yield* recordsAt(tree, `${root}/${part}`, [{ entityType, entityName: entityOf(part) }])
  }
  for (const part of tree.namesBelow(paths.otherQuotas)) yield* otherQuotaRecords(tree, `${paths.otherQuotas}/${part}`)
  for (const part of tree.namesBelow(paths.otherScram)) {
    const path = `${paths.otherScram}/${part}`
    yield recordIn('userScramCredential', path, tree.get(path) ?? '')
  }
}

function* recordsAt(tree: ZnodeTree, path: string, entity: QuotaEntity): Iterable<MetadataRecord> {
  for (const [key, value] of configOf(path, tree.get(path) ?? '')) {
    const mechanism = [...mechanismNames].find(([, name]) => name === key)?.[0]
    if (mechanism !== undefined && entity.length === 1) yield credentialRecord(path, entity[0]?.entityName ?? '', mechanism, value)
    else yield newRecord('clientQuota', METADATA_VERSION_LATEST, { entity, key, value: Number(value), remove: false })
  }
}

function credentialRecord(path: string, name: string, mechanism: number, text: string): MetadataRecord {
  const parts = new Map(text.split(',').map((it) => [it.slice(0, it.indexOf('=')), it.slice(it.indexOf('=') + 1)]))
  const part = (key: string): string => {
    const value = parts.get(key)
    if (value === undefined) throw new ZnodeError(path, `a SCRAM credential without ${key}`)
    return value
  }
  return newRecord('userScramCredential', METADATA_VERSION_LATEST, {
    name,
    mechanism,
    salt: Buffer.from(part('salt'), 'base64'),
    storedKey: Buffer.from(part('stored_key'), 'base64'),
    serverKey: Buffer.from(part('server_key'), 'base64'),
    iterations: Number(part('iterations')),
  })
}

function* otherQuotaRecords(tree: ZnodeTree, path: string): Iterable<MetadataRecord> {
  const found = parseObject(path, tree.get(path) ?? '')
  if (!Array.isArray(found['entity'])) throw new ZnodeError(path, 'no entity')
  const entity = found['entity'].map((it: unknown) => objectOf(path, it)) as unknown as QuotaEntity
  for (const [key, value] of textsIn(path, found, 'quotas')) {
    yield newRecord('clientQuota', METADATA_VERSION_LATEST, { entity, key, value: Number(value), remove: false })
  }
}
