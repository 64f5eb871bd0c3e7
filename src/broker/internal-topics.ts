/** Where groups and their committed offsets are kept (Topic.GROUP_METADATA_TOPIC_NAME). */
export const OFFSETS_TOPIC = '__consumer_offsets'
export const TRANSACTIONS_TOPIC = '__transaction_state'
export const SHARE_STATE_TOPIC = '__share_group_state'

/** Topics that coordinators write and clients may not (org.apache.kafka.common.internals.Topic). */
export const internalTopics: ReadonlySet<string> = new Set([OFFSETS_TOPIC, TRANSACTIONS_TOPIC, SHARE_STATE_TOPIC])
