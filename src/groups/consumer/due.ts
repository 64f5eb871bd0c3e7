/** What of a consumer group is due at a deadline. */
export type ConsumerDue =
  | { readonly kind: 'consumerSession'; readonly groupId: string; readonly memberId: string }
  | { readonly kind: 'consumerRebalance'; readonly groupId: string; readonly memberId: string; readonly memberEpoch: number }
  | { readonly kind: 'consumerClassicJoin'; readonly groupId: string; readonly memberId: string }
  | { readonly kind: 'consumerClassicSync'; readonly groupId: string; readonly memberId: string }
