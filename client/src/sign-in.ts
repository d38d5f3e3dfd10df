import { base64url, type SignInRequest, type Signer, signFor, signInMessage, utf8 } from '@cocoon/protocol'

/**
 * How a user signs in. `begin` is called for every new session; `renewal` is what the broker gave at the last one, or
 * undefined. `remember` gets every new renewal, so that a reloaded page can go on.
 */
export interface SignIn {
  begin(origin: string, nowSeconds: number, renewal: string | undefined): Promise<SignInRequest>
  readonly renewal?: string | undefined
  remember?(renewal: string): void
}

/** A program's own Ed25519 key. */
export function keySignIn(signer: Signer): SignIn {
  return {
    async begin(origin, time) {
      const signature = await signFor('cocoon/1 sign-in', signer, utf8(signInMessage(origin, time)))
      return { method: 'key', key: base64url(signer.publicKey), time, signature: base64url(signature) }
    },
  }
}

/**
 * Telegram's init data, as the app was opened with, which the broker accepts once and within five minutes; after that
 * the browser's own key renews the session. `remembered` is a renewal from before, tried first.
 */
export function telegramSignIn(
  initData: string,
  signer: Signer,
  remembered?: string,
  remember?: (renewal: string) => void,
): SignIn {
  return {
    renewal: remembered,
    ...(remember ? { remember } : {}),
    async begin(origin, time, renewal) {
      if (renewal === undefined) return { method: 'telegram', initData, key: base64url(signer.publicKey) }
      const message = utf8(signInMessage(origin, time, renewal))
      const signature = await signFor('cocoon/1 session renewal', signer, message)
      return { method: 'renewal', renewal, time, signature: base64url(signature) }
    },
  }
}
