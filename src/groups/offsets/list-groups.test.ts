import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OffsetsBench } from './fixture.test.ts'

function bench(): OffsetsBench {
  const made = new OffsetsBench()
  made.commit('simple', 'orders', [0], 5)
  made.group('old', { stateName: 'PreparingRebalance' })
  made.group('new', { type: 'consumer', stateName: 'Stable' })
  made.group('others', { protocolType: 'connect', stateName: 'Empty' })
  return made
}

function list(made: OffsetsBench, statesFilter: readonly string[] = [], typesFilter: readonly string[] = []): readonly string[] {
  return made.ask('listGroups', { statesFilter, typesFilter }).groups.map(({ groupId }) => groupId)
}

describe('ListGroups', () => {
  test('lists all groups with type, state and protocol, a group of offsets alone too', () => {
    assert.deepEqual(bench().ask('listGroups', {}), {
      errorCode: 0,
      groups: [
        { groupId: 'simple', protocolType: '', groupState: 'Empty', groupType: 'classic' },
        { groupId: 'old', protocolType: 'consumer', groupState: 'PreparingRebalance', groupType: 'classic' },
        { groupId: 'new', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' },
        { groupId: 'others', protocolType: 'connect', groupState: 'Empty', groupType: 'classic' },
      ],
    })
  })

  test('filters by state and by type, in any case of letters', () => {
    assert.deepEqual(list(bench(), ['empty']), ['simple', 'others'])
    assert.deepEqual(list(bench(), [' PREPARINGREBALANCE ', 'Stable']), ['old', 'new'])
    assert.deepEqual(list(bench(), [], ['Consumer']), ['new'])
    assert.deepEqual(list(bench(), ['stable'], ['classic']), [])
  })

  test('states and types that do not exist let nothing pass, and are no error', () => {
    assert.deepEqual(list(bench(), ['Confused']), [])
    assert.deepEqual(list(bench(), [], ['share', 'nonsense']), [])
    assert.deepEqual(list(bench(), ['Confused', 'stable']), ['new'])
  })
})
