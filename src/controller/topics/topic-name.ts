/** Characters (all of them one byte) that a topic's name may have (org.apache.kafka.common.internals.Topic). */
export const topicNameLengthMax = 249
const legal = /^[a-zA-Z0-9._-]+$/

/** What is wrong with a name, in Kafka's words; null when nothing is. */
export function topicNameProblem(name: string): string | null {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.') return "Topic name is invalid: '.' is not allowed"
  if (name === '..') return "Topic name is invalid: '..' is not allowed"
  if (name.length > topicNameLengthMax) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${topicNameLengthMax}`
  }
  if (!legal.test(name))
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  return null
}

/** Metric names cannot tell '.' from '_': names that are equal but for that collide. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}

export function mayCollide(name: string): boolean {
  return name.includes('.') || name.includes('_')
}
