import { type ConfigResource, type ConfigsImage, ResourceType } from '../metadata/configs-image.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import { newRecord } from '../metadata/new-record.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import { configOf, configText } from './json.ts'
import { DEFAULT_ENTITY, nameOf, partOf, paths } from './paths.ts'
import type { ZnodePlan, ZnodeTree } from './znode-tree.ts'

/** Topics and brokers where Kafka has them, `/config/brokers/<default>` for all brokers; what 4.x has besides (groups, client metrics) below `/odradek/config/<type>`. */
export function configPath({ type, name }: ConfigResource): string {
  if (type === ResourceType.TOPIC) return `${paths.topicConfigs}/${partOf(name)}`
  if (type === ResourceType.BROKER) return `${paths.brokerConfigs}/${name === '' ? DEFAULT_ENTITY : partOf(name)}`
  return `${paths.otherConfigs}/${type}/${partOf(name)}`
}

export function planConfig(plan: ZnodePlan, configs: ConfigsImage, resource: ConfigResource): void {
  const values = configs.of(resource.type, resource.name)
  if (values.size === 0) plan.remove(configPath(resource))
  else plan.put(configPath(resource), configText(values))
}

/** @throws ZnodeError */
export function* configRecords(tree: ZnodeTree): Iterable<MetadataRecord> {
  for (const part of tree.namesBelow(paths.topicConfigs)) {
    yield* recordsAt(tree, `${paths.topicConfigs}/${part}`, { type: ResourceType.TOPIC, name: nameOf(part) })
  }
  for (const part of tree.namesBelow(paths.brokerConfigs)) {
    const name = part === DEFAULT_ENTITY ? '' : nameOf(part)
    yield* recordsAt(tree, `${paths.brokerConfigs}/${part}`, { type: ResourceType.BROKER, name })
  }
  for (const type of tree.namesBelow(paths.otherConfigs)) {
    for (const part of tree.namesBelow(`${paths.otherConfigs}/${type}`)) {
      yield* recordsAt(tree, `${paths.otherConfigs}/${type}/${part}`, { type: Number(type), name: nameOf(part) })
    }
  }
}

function* recordsAt(tree: ZnodeTree, path: string, resource: ConfigResource): Iterable<MetadataRecord> {
  for (const [name, value] of configOf(path, tree.get(path) ?? '')) {
    yield newRecord('config', METADATA_VERSION_LATEST, { resourceType: resource.type, resourceName: resource.name, name, value })
  }
}
