import { type Client, createClient, keySignIn, type SignIn, telegramSignIn } from '@cocoon/client'
import { createSigner, type NetworkName } from '@cocoon/protocol'
import type { Asking } from './asking.ts'

/** Built in (vite.config.ts): a page never learns from a server which network to believe in. */
declare const __NETWORK__: NetworkName

/**
 * Init data signs in once. When the session is over, or the app was opened in an ordinary browser, a key of this page
 * signs in instead; a broker may give such users nothing for free.
 */
async function signInOf(initData: string | undefined): Promise<SignIn> {
  const byKey = keySignIn(await createSigner())
  if (!initData) return byKey
  const byTelegram = telegramSignIn(initData)
  let used = false
  return (origin, time) => {
    const signIn = used ? byKey : byTelegram
    used = true
    return signIn(origin, time)
  }
}

/** Loaded with `import()` at first need, so that sealing and signing stay out of the first paint. */
export async function createAsking(initData: string | undefined): Promise<Asking> {
  const signIn = await signInOf(initData)
  const client: Client = createClient({ origin: location.origin, network: __NETWORK__, signIn })
  return {
    development: __NETWORK__ === 'localnet',
    models: () => client.models(),
    trial: () => client.trial(),
    ask: (options) => client.ask(options),
  }
}
