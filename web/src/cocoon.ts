import { createClient, keySignIn, type SignIn, telegramSignIn } from '@cocoon/client'
import type { NetworkName } from '@cocoon/protocol'
import type { Asking } from './asking.ts'
import { deviceSigner } from './device-key.ts'
import { personOf } from './person.ts'

/** Built in (vite.config.ts): a page never learns from a server which network to believe in. */
declare const __NETWORK__: NetworkName

const RENEWAL = 'cocoon.renewal'

/** A renewal belongs to the person it was given to; another one in the same browser starts anew. */
function renewalOf(person: string): { readonly kept: string | undefined; readonly remember: (text: string) => void } {
  const slot = `${RENEWAL}.${person}`
  let kept: string | undefined
  try {
    kept = localStorage.getItem(slot) ?? undefined
  } catch {
    // Storage may be switched off: then every visit signs in anew.
  }
  const remember = (renewal: string): void => {
    try {
      localStorage.setItem(slot, renewal)
    } catch {
      // As above; and it may be full.
    }
  }
  return { kept, remember }
}

/**
 * Telegram's init data signs in once, then this browser's key renews. Opened in an ordinary browser the key alone signs
 * in; a broker may give such users nothing for free.
 */
async function signInOf(initData: string | undefined): Promise<SignIn> {
  const signer = await deviceSigner()
  if (!initData) return keySignIn(signer)
  const { kept, remember } = renewalOf(personOf(initData))
  return telegramSignIn(initData, signer, kept, remember)
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
    resume: (kept, options) => client.resume(kept, options),
    prepare: (model, exclude) => client.prepare(model, exclude),
    flush: () => client.flush(),
    wake: () => client.wake(),
  }
}
