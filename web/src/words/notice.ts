/** What one tap does about a failure. */
export type Remedy = 'again' | 'other-machine' | 'sign-in' | 'reopen' | 'edit' | 'new-chat'
export interface Notice {
  readonly title: string
  /** What happened. What is safe follows, from `safe`. */
  readonly what: string
  readonly remedy: Remedy
  /** A check that protects the person failed: loud. */
  readonly stop?: true
}
