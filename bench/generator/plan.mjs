// Who does what: the connections of a run, by the leaders of the partitions. Each connection goes to one broker and has some of the partitions that
// this broker leads; every partition belongs to a connection. With more connections than partitions several share one.

/** @typedef {{ partition: number, port: number }} Led a partition and the port of its leader */

/**
 * @param {readonly Led[]} led @param {number} connections at least one for each broker that leads something
 * @returns {{ port: number, partitions: number[] }[]}
 */
export function shareOut(led, connections) {
  /** @type {Map<number, number[]>} */
  const byPort = new Map()
  for (const { partition, port } of led) byPort.set(port, [...(byPort.get(port) ?? []), partition])
  const brokers = [...byPort].sort(([a], [b]) => a - b)
  return brokers.flatMap(([port, partitions], index) => {
    const mine = Math.max(1, Math.floor((connections + brokers.length - 1 - index) / brokers.length))
    return Array.from({ length: mine }, (_, number) => ({
      port,
      partitions:
        mine >= partitions.length
          ? partitions.slice(number % partitions.length, (number % partitions.length) + 1)
          : partitions.filter((_partition, at) => at % mine === number),
    }))
  })
}

/** @typedef {import('./frames.mjs').Content} Content */

/**
 * @typedef {object} ProducePlan
 * @property {'produce'} kind
 * @property {string} topic
 * @property {readonly Led[]} led
 * @property {number} connections
 * @property {number} window requests in flight on each of them
 * @property {Content} content
 * @property {boolean} idempotent each connection as a producer of its own
 * @property {number} ratePerSecond requests of all connections together; 0: as many as are answered
 * @property {number} warmUpSeconds before it measures
 * @property {number} seconds
 * @property {number} bytesMax it ends when so many bytes of values are acknowledged
 */

/**
 * @typedef {object} FetchPlan
 * @property {'fetch'} kind
 * @property {string} topic
 * @property {readonly Led[]} led
 * @property {number} connections
 * @property {'beginning' | 'tail'} from beginning: what is there when it begins, once; tail: what comes
 * @property {{ maxWaitMs: number, maxBytes: number, partitionMaxBytes: number }} limits
 * @property {number} warmUpSeconds the tail's: before it measures
 * @property {number} seconds the most that it takes
 */

/** @typedef {ProducePlan | FetchPlan} Plan */
