import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DIRECTORY_LOST, DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED, type PartitionImage } from '../../metadata/partition-image.ts'
import { choosePlace, type Place, placeToTell } from './replica-places.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAZQ'
const [idA, idB, gone] = ['BBBBBBBBBBBBBBBBBBBBBQ', 'CCCCCCCCCCCCCCCCCCCCCQ', 'DDDDDDDDDDDDDDDDDDDDDQ']

const place = (directoryId: string, ...names: readonly string[]): Place => ({
  identity: { directoryId },
  logs: new Set(names),
  isFull: false,
})

function partition(directory: string, isr: readonly number[] = [2]): PartitionImage {
  return {
    topicId,
    partition: 0,
    replicas: [1, 2],
    isr,
    eligibleLeaderReplicas: [],
    leader: 2,
    leaderEpoch: 1,
    partitionEpoch: 1,
    leaderRecoveryState: 0,
    addingReplicas: [],
    removingReplicas: [],
    directories: [directory, gone],
  } as unknown as PartitionImage
}

const choose = (state: PartitionImage, healthy: readonly Place[], failed: readonly Place[] = [], someUnknown = false) =>
  choosePlace(state, 1, 't-0', healthy, failed, someUnknown)

test('a replica is opened where its log is, else where metadata says, else where there are the fewest', () => {
  const [a, b] = [place(idA), place(idB, 't-0', 'u-0')]
  for (const named of [DIRECTORY_UNASSIGNED, DIRECTORY_MIGRATING, idA, idB, gone]) assert.equal(choose(partition(named), [a, b]), b)
  const [c, d] = [place(idA, 'u-0'), place(idB)]
  assert.equal(choose(partition(idA), [c, d]), c)
  assert.equal(choose(partition(DIRECTORY_UNASSIGNED), [c, d]), d)
  assert.equal(choose(partition(DIRECTORY_UNASSIGNED), [c, { ...d, isFull: true }]), c, 'one with room before one without')
  const [e, f] = [place(idA, 't-0'), place(idB, 't-0')]
  assert.equal(choose(partition(idB), [e, f]), f, 'of two logs the one that metadata names')
})

test('a replica of a directory that has failed is opened nowhere, also where nobody knows which one failed', () => {
  assert.equal(choose(partition(idB), [place(idA)], [place(idB, 't-0')]), 'offline')
  assert.equal(choose(partition(gone), [place(idA)], [], true), 'offline')
  assert.equal(choose(partition(DIRECTORY_UNASSIGNED), [place(idA)], [], true) === 'offline', false)
})

test('who is counted on gets no empty or older log in the place of what is gone; a replica given up is taken back', () => {
  const older = place(idA, 't-0')
  assert.equal(choose(partition(gone, [1]), [older]), 'lost')
  assert.equal(choose(partition(DIRECTORY_LOST, [1]), [place(idA)]), 'lost')
  assert.equal(choose(partition(DIRECTORY_LOST, [1]), [older]), older)
  assert.equal(choose(partition(gone, [2]), [older]), older, 'it is fetched before it joins')
})

test('the controller is told what it does not know, and nothing of a replica that has not caught up', () => {
  const own = [place(idA), place(idB)]
  const tell = (named: string, isr?: readonly number[]) => placeToTell(partition(named, isr), 1, idA, own)
  assert.deepEqual([tell(idA), tell(idB), tell(DIRECTORY_UNASSIGNED), tell(DIRECTORY_MIGRATING)], [null, idA, idA, idA])
  assert.deepEqual([tell(DIRECTORY_LOST), tell(DIRECTORY_LOST, [1]), tell(gone), tell(gone, [1])], [null, idA, null, null])
})
