/** What of a classic group is due at a deadline. */
export type ClassicDue =
  | { readonly kind: 'classicSession'; readonly groupId: string; readonly memberId: string }
  | { readonly kind: 'classicPendingJoin'; readonly groupId: string; readonly memberId: string }
  | { readonly kind: 'classicInitialJoin'; readonly groupId: string }
  | { readonly kind: 'classicRebalance'; readonly groupId: string }
  | { readonly kind: 'classicPendingSync'; readonly groupId: string }
