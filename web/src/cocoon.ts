import { createClient, keySignIn, type SignIn, telegramSignIn } from '@cocoon/client'
import type { NetworkName } from '@cocoon/protocol'
import type { Asking } from './asking.ts'
import { deviceSigner } from './device-key.ts'

/** Built in (vite.config.ts): a page never learns from a server which network to believe in. */
declare const __NETWORK__: NetworkName

const RENEWAL = 'cocoon.renewal'

/** A renewal belongs to the Telegram user it was given to; another user of the same browser starts anew. */
function renewalSlot(initData: string): string {
  return `${RENEWAL}.${new URLSearchParams(initData).get('user') ?? ''}`
}

/**
 * Telegram's init data signs in once, then this browser's key renews. Opened in an ordinary browser the key alone signs
 * in; a broker may give such users nothing for free.
 */
async function signInOf(initData: string | undefined): Promise<SignIn> {
  const signer = await deviceSigner()
  if (!initData) return keySignIn(signer)
  const slot = renewalSlot(initData)
  const remember = (renewal: string): void => localStorage.setItem(slot, renewal)
  return telegramSignIn(initData, signer, localStorage.getItem(slot) ?? undefined, remember)
}

/** Loaded with `import()` at first need, so that sealing and signing stay out of the first paint. */
export async function createAsking(initData: string | undefined): Promise<Asking> {
  const signIn = await signInOf(initData)
  const client = createClient({ origin: location.origin, network: __NETWORK__, signIn })
  return {
    development: __NETWORK__ === 'localnet',
    models: () => client.models(),
    trial: () => client.trial(),
    ask: (options) => client.ask(options),
  }
}
