import assert from 'node:assert/strict'
import type { Epoch } from '../base/units.ts'
import { ClusterImage } from '../metadata/image.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import { newRecord } from '../metadata/new-record.ts'
import { encodeRecord } from '../metadata/record-frame.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import { ImageInZnodes } from './image-in-znodes.ts'
import { persistentPaths } from './paths.ts'
import { parentOf, type ZnodeChange, ZnodeTree } from './znode-tree.ts'

/** What ZooKeeper would say to these changes: throws where it refuses one. */
export class StrictZnodes {
  readonly texts = new Map<string, string>(persistentPaths.map((path) => [path, '']))

  carryOut(changes: readonly ZnodeChange[]): void {
    for (const { path, text, existed } of changes) {
      assert.equal(this.texts.has(path), existed, `${path}: ${existed ? 'no node' : 'node exists'}`)
      if (text === null) {
        for (const other of this.texts.keys()) assert.ok(!other.startsWith(`${path}/`), `${path}: not empty`)
        this.texts.delete(path)
      } else {
        const parent = parentOf(path)
        assert.ok(parent === '/' || this.texts.has(parent), `${path}: no parent`)
        assert.match(path, /^(\/[^/]+)+$/)
        this.texts.set(path, text)
      }
    }
  }

  read(): ImageInZnodes {
    return new ImageInZnodes(new ZnodeTree(this.texts))
  }
}

/** What a state is, without the order in which it came to be. */
export function canonical(records: Iterable<MetadataRecord>): readonly string[] {
  return [...records]
    .map((record) => (record.type === 'clientQuota' ? sortedEntity(record) : record))
    .map(shown)
    .sort()
}

function shown(record: MetadataRecord): string {
  return `${record.type} ${record.version} ${encodeRecord(record).toString('latin1')}`
}

function sortedEntity(record: Extract<MetadataRecord, { type: 'clientQuota' }>): MetadataRecord {
  const entity = [...record.message.entity].sort((a, b) => (a.entityType < b.entityType ? -1 : 1))
  return { ...record, message: { ...record.message, entity } }
}

/** Folds a log in the batches given both ways, and holds the ways against each other after each batch. */
export class BothWays {
  readonly image = new ClusterImage()
  readonly znodes = new StrictZnodes()
  private writer = this.znodes.read()
  private open: MetadataRecord[] = []
  changes = 0

  apply(batch: readonly MetadataRecord[], controllerEpoch: Epoch = 1): void {
    for (const record of batch) {
      if (record.type === 'beginTransaction' || this.open.length > 0) this.open.push(record)
      this.image.apply(record)
      if (!this.image.inTransaction) this.open = []
    }
    const changes = this.writer.apply(batch, controllerEpoch)
    this.changes += changes.length
    this.znodes.carryOut(changes)
  }

  /** A new controller reads the znodes, and goes on from there. */
  check(): void {
    const again = this.znodes.read()
    assert.deepEqual(new Map(again.znodes), this.znodes.texts)
    const pending = this.open.map((it) => `${it.type}`)
    const records = again.toRecords()
    assert.deepEqual(
      records.slice(records.length - pending.length).map((it) => it.type),
      pending,
    )
    if (!this.image.inTransaction) assert.deepEqual(canonical(records), canonical(this.image.toRecords()))
    this.writer = again
  }
}

export function record<K extends MetadataRecord['type']>(type: K, draft: Parameters<typeof newRecord<K>>[2]): MetadataRecord {
  return newRecord(type, METADATA_VERSION_LATEST, draft)
}
