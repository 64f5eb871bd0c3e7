import { longest, versions } from './steps.mjs'

const find = (version, body) => ({ call: 'findCoordinator', version, body })

export const findingCoordinators = [
  {
    name: 'the coordinator of a group, by every version',
    steps: [
      ...versions(0, 3).map((version) => find(version, { key: '@' })),
      ...versions(4, 6).map((version) => find(version, { coordinatorKeys: ['@', '@-b'] })),
    ],
  },
  {
    name: 'keys that are odd',
    steps: [
      find(0, { key: '' }),
      find(3, { key: '' }),
      find(6, { coordinatorKeys: [''] }),
      find(6, { coordinatorKeys: [] }),
      find(6, { coordinatorKeys: ['@', '@'] }),
      find(6, { coordinatorKeys: [longest] }),
      find(3, { key: longest }),
      find(1, { key: '@', keyType: 3 }),
      find(1, { key: '@', keyType: -1 }),
      find(4, { coordinatorKeys: ['@'], keyType: 9 }),
      find(6, { coordinatorKeys: ['@'], keyType: 2 }),
      find(5, { coordinatorKeys: ['@'], keyType: 2 }),
      find(1, { key: '@', keyType: 2 }),
    ],
  },
]
