import { base64url, type Signer, signFor, signInMessage, utf8 } from '@cocoon/protocol'
import type { SignIn } from './broker.ts'

/** Telegram's init data, as the app was opened with. It is accepted once, within five minutes. */
export function telegramSignIn(initData: string): SignIn {
  return async () => ({ method: 'telegram', initData })
}

/** A program's own Ed25519 key. */
export function keySignIn(signer: Signer): SignIn {
  return async (origin, time) => {
    const signature = await signFor('cocoon/1 sign-in', signer, utf8(signInMessage(origin, time)))
    return { method: 'key', key: base64url(signer.publicKey), time, signature: base64url(signature) }
  }
}
