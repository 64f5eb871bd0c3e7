import { longest, versions } from './steps.mjs'

const find = (version, body, step = {}) => ({ call: 'findCoordinator', version, body, ...step })
/** We say what is wrong with a type. */
const ownWords = { omit: ['errorMessage'] }

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
      find(1, { key: '@', keyType: 3 }, ownWords),
      find(1, { key: '@', keyType: -1 }, ownWords),
      find(4, { coordinatorKeys: ['@'], keyType: 9 }, ownWords),
      find(6, { coordinatorKeys: ['@'], keyType: 2 }, ownWords),
      find(5, { coordinatorKeys: ['@'], keyType: 2 }, ownWords),
      find(1, { key: '@', keyType: 2 }, ownWords),
    ],
  },
]
